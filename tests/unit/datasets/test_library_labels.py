import random

import numpy as np
import pytest

from heliosc.chemistry.identity import inchikey, parse_smiles
from heliosc.datasets.library.load import library_smiles, load_library, write_labels
from heliosc.datasets.library.records import LibraryMolecule, write_molecules
from heliosc.errors import InputError, ParseError
from heliosc.properties import CalculationFailure, CalculationResult, PropertyKey

IE = PropertyKey("vertical_ionization_energy", "ipea1//gfn2")
EA = PropertyKey("vertical_electron_affinity", "gfn2")
DIPOLE = PropertyKey("dipole_moment", "gfn2")
XYZ = "3\nwater\nO   0.12345678  -1.50000000   0.00000000\nH   0.95720000   0.00004000  -0.00006000\nH  -0.2 0.9 12.5\n"


def result(smiles, values, *, seconds=1.25, flags=()):
    return CalculationResult(
        smiles, values, {"neutral": XYZ, "anion": XYZ}, "tblite", "0.8.0", seconds, {"flags": list(flags)}
    )


RESULTS = [
    result("c1ccsc1", {IE: 8.9, EA: -1.5}, flags=["unbound_anion"]),
    result("c1ccccc1", {IE: 9.3}),
    result("c1ccc2ccccc2c1", {IE: 8.2, EA: 0.1, DIPOLE: 0.0}),
]
FAILURES = [
    CalculationFailure("C1CC1", "convergence", 'no minimum\nafter 400 steps, "really"'),
    CalculationFailure("B", "timeout", "600 s"),
]


@pytest.fixture
def folder(tmp_path):
    write_labels(RESULTS, FAILURES, tmp_path)
    return tmp_path


def test_round_trip_keeps_values_levels_and_provenance(folder):
    library = load_library(folder)
    rows = {(row["smiles"], row["property"], row["level"]): row for row in library.labels.to_pylist()}
    assert len(rows) == 6
    row = rows["c1ccsc1", EA.name, EA.level]
    assert row["value"] == -1.5
    assert row["unit"] == "eV"
    assert (row["program"], row["program_version"], row["wall_time_s"]) == ("tblite", "0.8.0", 1.25)
    assert row["flags"] == "unbound_anion"
    assert row["inchikey"] == inchikey(parse_smiles("c1ccsc1"))


def test_wide_table_has_nan_where_nothing_is_known(folder):
    library = load_library(folder)
    table = library.property_table([EA, IE, DIPOLE])
    row = table.smiles.index("c1ccccc1")
    np.testing.assert_array_equal(table.values[row], [np.nan, 9.3, np.nan])
    assert table.values[table.smiles.index("c1ccc2ccccc2c1")].tolist() == [0.1, 8.2, 0.0]
    assert library.keys == tuple(sorted([IE, EA, DIPOLE]))
    unknown = library.property_table([PropertyKey("polarizability", "gfn2")])
    assert np.isnan(unknown.values).all()


def test_the_same_results_in_any_order_give_the_same_bytes(folder, tmp_path):
    shuffled = random.Random(1).sample(RESULTS, len(RESULTS))
    other = tmp_path / "other"
    write_labels(shuffled, FAILURES[::-1], other)
    for name in ("labels.parquet", "geometries.parquet", "failures.csv"):
        assert (other / name).read_bytes() == (folder / name).read_bytes()
    assert not [path for path in other.iterdir() if path.name.startswith(".")]


def test_geometries_are_kept_to_half_of_a_ten_thousandth_angstrom(folder):
    geometries = list(load_library(folder).geometries())
    assert len(geometries) == 6
    assert [state for _, state, _ in geometries[:2]] == ["anion", "neutral"]
    atoms = [line.split() for line in geometries[0][2].splitlines()[2:]]
    assert [atom[0] for atom in atoms] == ["O", "H", "H"]
    found = np.array([[float(x) for x in atom[1:]] for atom in atoms])
    asked = np.array([[0.12345678, -1.5, 0.0], [0.9572, 0.00004, -0.00006], [-0.2, 0.9, 12.5]])
    np.testing.assert_allclose(found, asked, atol=5.0001e-5)


@pytest.mark.parametrize("text", ["", "2\n\nH 0 0 0\n", "1\n\nQq 0 0 0\n", "1\n\nH 0 0 nan\n", "1\n\nH 0 0\n"])
def test_an_unreadable_geometry_is_refused(text, tmp_path):
    broken = CalculationResult("C", {IE: 1.0}, {"neutral": text}, "tblite", "0.8.0", 1.0)
    with pytest.raises(ParseError):
        write_labels([broken], [], tmp_path)


def test_failures_are_kept_with_their_reason(folder):
    assert load_library(folder).failures == (
        CalculationFailure("B", "timeout", "600 s"),
        CalculationFailure("C1CC1", "convergence", 'no minimum after 400 steps, "really"'),
    )


def test_one_molecule_computed_twice_has_one_row(tmp_path):
    write_labels([result("c1ccsc1", {IE: 8.9}), result("C1=CSC=C1", {IE: 8.8})], [], tmp_path)
    table = load_library(tmp_path).property_table([IE])
    assert table.values.tolist() == [[8.8]]


def test_nothing_labelled_yet_is_an_empty_table(tmp_path):
    write_labels([], [], tmp_path)
    library = load_library(tmp_path)
    assert library.property_table([IE]).values.shape == (0, 1)
    assert list(library.geometries()) == []


def test_rows_follow_the_molecule_list_and_reference_materials_are_found(folder):
    listed = [
        LibraryMolecule("c1ccccc1", inchikey(parse_smiles("c1ccccc1")), "benzene", "donor", "named", "named", 6),
        LibraryMolecule("C", inchikey(parse_smiles("C")), None, "", "enumerated", "fused", 1),
        LibraryMolecule("c1ccsc1", inchikey(parse_smiles("c1ccsc1")), None, "", "enumerated", "fused", 5),
    ]
    (folder / "molecules.csv").write_text(write_molecules(listed))
    library = load_library(folder)
    assert library.property_table([IE]).smiles == ("c1ccccc1", "c1ccsc1")
    assert [molecule.smiles for molecule in library.labelled_molecules()] == ["c1ccccc1", "c1ccsc1"]
    assert library.description == "3 molecules, 2 labelled, 2 failed"
    values = library.reference_values([IE, EA], names=("benzene", "unobtainium"))
    assert values == {"benzene": {"vertical_ionization_energy@ipea1//gfn2": 9.3}}


@pytest.mark.parametrize("name", ["labels.parquet", "failures.csv"])
def test_an_absent_file_is_named_with_the_remedy(folder, name):
    (folder / name).unlink()
    with pytest.raises(InputError, match=rf"{name}.*heliosc label"):
        load_library(folder)


def test_a_damaged_file_is_named(folder):
    (folder / "labels.parquet").write_bytes(b"PAR1 not really")
    with pytest.raises(InputError, match="damaged"):
        load_library(folder)
    (folder / "geometries.parquet").unlink()
    write_labels(RESULTS, [], folder)
    (folder / "geometries.parquet").unlink()
    with pytest.raises(InputError, match=r"geometries\.parquet is missing"):
        list(load_library(folder).geometries())


def test_the_molecule_list_needs_no_labels():
    smiles = library_smiles()
    assert len(smiles) >= 4000
    assert len(set(smiles)) == len(smiles)
