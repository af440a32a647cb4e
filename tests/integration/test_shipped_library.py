"""What ships with heliosc: the labelled library and its size, and that the junction tree can hold all of it."""

from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pytest
from rdkit import Chem

import heliosc
from heliosc.datasets.library.load import LibraryTable, library_smiles, load_library
from heliosc.generation.jtvae.assemble import assemble
from heliosc.generation.jtvae.molecule_graph import constitution, molecule_graph
from heliosc.generation.jtvae.tree import junction_tree
from heliosc.generation.jtvae.vocabulary import Vocabulary
from heliosc.properties import PropertyKey

PACKAGE = Path(heliosc.__file__).parent
MAX_SHIPPED_BYTES = 40_000_000


@pytest.fixture(scope="module")
def library() -> LibraryTable:
    return load_library()


def test_shipped_data_and_weights_are_small() -> None:
    shipped = [path for path in PACKAGE.rglob("*") if path.suffix in {".parquet", ".csv", ".safetensors", ".json"}]
    assert sum(path.stat().st_size for path in shipped) < MAX_SHIPPED_BYTES


def test_gold_round_trip_of_the_whole_library() -> None:
    vocabulary, lost = Vocabulary(), []
    for smiles in library_smiles():
        molecule = constitution(smiles)
        rebuilt = assemble(junction_tree(molecule_graph(molecule), vocabulary, grow=True), vocabulary)
        if Chem.MolToSmiles(rebuilt) != Chem.MolToSmiles(molecule):
            lost.append(smiles)
    assert not lost


def test_library_is_as_large_as_promised(library: LibraryTable) -> None:
    labelled = library.labelled_molecules()
    assert len(labelled) >= 3_000
    assert sum(molecule.origin == "named" for molecule in library.molecules) >= 150
    large = [
        molecule for molecule in library.molecules if 45 <= molecule.n_heavy_atoms <= 75 and "A-D" in molecule.family
    ]
    assert len(large) >= 300
    accounted = {molecule.smiles for molecule in labelled} | {failure.smiles for failure in library.failures}
    assert accounted <= set(library_smiles())


def test_labels_keep_the_identities_of_the_four_point_scheme(library: LibraryTable) -> None:
    def column(name: str, level: str = "gfn2") -> np.ndarray:
        return library.property_table([PropertyKey(name, level)]).values[:, 0]

    vertical_ie, adiabatic_ie = column("vertical_ionization_energy"), column("adiabatic_ionization_energy")
    vertical_ea, adiabatic_ea = column("vertical_electron_affinity"), column("adiabatic_electron_affinity")
    tolerance = 0.0011  # eV, the limit on a relaxation energy below zero
    assert (vertical_ie - adiabatic_ie >= -tolerance).all()
    assert (adiabatic_ea - vertical_ea >= -tolerance).all()
    assert (column("lambda_hole") >= vertical_ie - adiabatic_ie - tolerance).all()
    assert (column("lambda_electron") >= adiabatic_ea - vertical_ea - tolerance).all()
    assert np.allclose(column("homo_lumo_gap"), column("lumo_energy") - column("homo_energy"), atol=1e-6)
    assert np.allclose(column("fundamental_gap"), vertical_ie - vertical_ea, atol=1e-6)


def test_every_value_has_its_origin(library: LibraryTable) -> None:
    labels = library.labels
    for name in ("level", "program", "program_version", "unit"):
        assert not pc.any(pc.equal(labels[name].cast("string"), "")).as_py()
        assert labels[name].null_count == 0
    assert pc.min(labels["wall_time_s"]).as_py() > 0
    assert all(failure.error_class and failure.reason for failure in library.failures)


@pytest.mark.parametrize(
    ("name", "experiment"), [("anthracene", 7.44), ("pentacene", 6.6), ("naphthalene", 8.14), ("tetracene", 6.97)]
)
def test_known_ionization_energies(library: LibraryTable, name: str, experiment: float) -> None:
    key = PropertyKey("vertical_ionization_energy", "ipea1//gfn2")
    assert library.reference_values([key], names=(name,))[name][str(key)] == pytest.approx(experiment, abs=0.35)


def test_every_molecule_has_its_three_geometries(library: LibraryTable) -> None:
    states: dict[str, set[str]] = {}
    for key, state, xyz in library.geometries():
        states.setdefault(key, set()).add(state)
        assert int(xyz.split("\n", 1)[0]) == len(xyz.strip().split("\n")) - 2
    assert set(states) == {molecule.inchikey for molecule in library.labelled_molecules()}
    assert all(found == {"neutral", "cation", "anion"} for found in states.values())
