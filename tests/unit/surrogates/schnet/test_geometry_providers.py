import numpy as np
import pyarrow.parquet as pq
import pytest

from heliosc.chemistry.identity import inchikey, parse_smiles
from heliosc.errors import InputError
from heliosc.properties import PropertyKey, PropertyTable
from heliosc.surrogates.schnet import (
    ForceFieldGeometries,
    GeometryCache,
    KnownGeometries,
    MissingGeometry,
    MolecularGeometry,
    with_geometry,
)
from heliosc.surrogates.schnet.geometries import STATES, all_geometries, find_geometries

SMILES = ("c1ccsc1", "c1ccccc1", "C")


def test_cache_asks_once_and_remembers_across_starts(tmp_path, distorted):
    cache = GeometryCache(tmp_path, distorted)
    first = cache.find(SMILES, states=STATES)
    assert distorted.asked == list(SMILES)
    cache.find(SMILES, states=STATES)
    again = GeometryCache(tmp_path, distorted).find(SMILES[::-1], states=STATES)[::-1]
    assert distorted.asked == list(SMILES)
    for before, after in zip(first, again, strict=True):
        np.testing.assert_array_equal(before.atomic_numbers, after.atomic_numbers)
        for state in STATES:
            np.testing.assert_allclose(before.positions[state], after.positions[state], atol=0.51e-4)


def test_cache_knows_a_molecule_however_it_is_written(tmp_path, distorted):
    cache = GeometryCache(tmp_path, distorted)
    cache.find(["Cc1ccsc1"], states=STATES)
    cache.find(["c1scc(C)c1"], states=STATES)
    assert distorted.asked == ["Cc1ccsc1"]


def test_cache_keeps_levels_apart(tmp_path, distorted):
    GeometryCache(tmp_path, distorted).find(SMILES, states=("neutral",))
    cheap = GeometryCache(tmp_path, KnownGeometries("cheap", {}))
    assert all(isinstance(entry, MissingGeometry) for entry in cheap.find(SMILES, states=("neutral",)))
    assert {row["level"] for path in tmp_path.glob("*.parquet") for row in pq.read_table(path).to_pylist()} == {"test"}


def test_cache_asks_again_for_ions_and_for_failures(tmp_path, distorted):
    force_field = ForceFieldGeometries()
    cache = GeometryCache(tmp_path, force_field)
    assert isinstance(cache.find(["c1ccsc1"], states=("neutral",))[0], MolecularGeometry)
    refused = cache.find(["c1ccsc1"], states=STATES)[0]
    assert "no geometry of the cation and the anion" in refused.reason
    assert isinstance(cache.find(["c1ccsc1"], states=("neutral",))[0], MolecularGeometry)


def test_ions_join_the_neutral_that_is_known(tmp_path, distorted):
    class NeutralOnly:
        level = "test"

        def find(self, smiles, *, states):
            return [MolecularGeometry(g.atomic_numbers, {"neutral": g.positions["neutral"]})
                    for g in distorted.find(smiles, states=states)]  # fmt: skip

    GeometryCache(tmp_path, NeutralOnly()).find(SMILES, states=("neutral",))
    found = GeometryCache(tmp_path, distorted).find(SMILES, states=STATES)
    assert all(set(entry.positions) == set(STATES) for entry in found)
    assert len(GeometryCache(tmp_path, distorted).find(SMILES, states=STATES)) == 3


def test_damaged_part_is_named(tmp_path, distorted):
    GeometryCache(tmp_path, distorted).find(SMILES, states=STATES)
    (part,) = tmp_path.glob("*.parquet")
    part.write_bytes(part.read_bytes()[:-20])
    with pytest.raises(InputError, match=f"{part.name} is damaged.*remove it"):
        GeometryCache(tmp_path, distorted).find(SMILES, states=STATES)


def test_geometry_of_another_molecule_is_refused():
    ethane, _ = ForceFieldGeometries().find(["CC", "C"], states=("neutral",))
    wrong = KnownGeometries("test", {inchikey(parse_smiles("C")): ethane})
    (found,) = find_geometries(wrong, ["C"], states=("neutral",))
    assert "other atoms (8; expected 5)" in found.reason


def test_force_field_never_falls_back():
    boron, broken, thiophene = ForceFieldGeometries().find(["OB(O)c1ccccc1", "c1cc", "c1ccsc1"], states=("neutral",))
    assert "MMFF94 has no parameters" in boron.reason
    assert "cannot parse" in broken.reason
    assert sorted(thiophene.atomic_numbers) == [1, 1, 1, 1, 6, 6, 6, 6, 16]


def test_molecules_without_geometry_are_named_or_left_out(geometries, small_table):
    together = PropertyTable(
        (small_table.smiles[0], "CCCC", small_table.smiles[1]),
        (PropertyKey("homo_lumo_gap", "gfn2"),),
        np.array([[1.0], [2.0], [3.0]]),
    )
    with pytest.raises(InputError, match=r"1 of 3 molecules have no test geometry: row 1: CCCC: no test geometry of"):
        all_geometries(geometries, together.smiles, states=("neutral",))
    kept, missing = with_geometry(together, geometries, states=("neutral",))
    assert kept.values.ravel().tolist() == [1.0, 3.0]
    assert [entry.smiles for entry in missing] == ["CCCC"]


def test_states_in_different_atom_orders_are_refused():
    entries = [
        ("KEY", "neutral", np.array([6, 8]), np.zeros((2, 3))),
        ("KEY", "cation", np.array([8, 6]), np.ones((2, 3))),
    ]
    with pytest.raises(InputError, match="different orders"):
        KnownGeometries.of_states("test", entries)


@pytest.mark.parametrize("positions", [np.zeros((3, 3)), np.full((2, 3), np.nan)])
def test_impossible_positions_are_refused(positions):
    with pytest.raises(InputError, match="expected \\(n_atoms, 3\\)"):
        MolecularGeometry(np.array([6, 8]), {"neutral": positions})
