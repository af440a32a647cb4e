import numpy as np
import pytest

from heliosc.properties import PropertyKey, PropertyTable
from heliosc.surrogates.schnet import ForceFieldGeometries, KnownGeometries, MolecularGeometry, SchNetConfig
from heliosc.surrogates.schnet.geometries import find_geometries

pytest.importorskip("torch_geometric", reason="pip install 'heliosc[3d]'")

GAP = PropertyKey("homo_lumo_gap", "gfn2")
LAMBDA = PropertyKey("lambda_hole", "gfn2")


class Distorted:
    """Force-field geometries, and ions that differ from them by a known little; counts what it is asked."""

    level = "test"

    def __init__(self):
        self.asked = []

    def find(self, smiles, *, states):
        self.asked += smiles
        found = ForceFieldGeometries().find(smiles, states=("neutral",))
        return [MolecularGeometry(g.atomic_numbers, self._ions(g.positions["neutral"])) for g in found]

    @staticmethod
    def _ions(neutral):
        return {"neutral": neutral, "cation": 1.01 * neutral, "anion": 1.02 * neutral}


@pytest.fixture
def distorted():
    return Distorted()


@pytest.fixture(scope="session")
def small_table(make_library, make_values) -> PropertyTable:
    smiles = make_library(90)
    values = make_values(smiles) + np.random.default_rng(1).normal(0, [0.1, 0.005], (90, 2))
    values[1::9, 1] = np.nan
    return PropertyTable(smiles, (GAP, LAMBDA), values)


@pytest.fixture(scope="session")
def small_split():
    rows = np.random.default_rng(2).permutation(90)
    return rows[:40], rows[40:72], rows[72:]


@pytest.fixture(scope="session")
def geometries(small_table) -> KnownGeometries:
    """Of every molecule of the table, computed once."""
    from heliosc.chemistry.identity import inchikey, parse_smiles

    found = find_geometries(Distorted(), small_table.smiles, states=("neutral",))
    return KnownGeometries(
        "test", {inchikey(parse_smiles(s)): g for s, g in zip(small_table.smiles, found, strict=True)}
    )


@pytest.fixture(scope="session")
def schnet_config() -> SchNetConfig:
    return SchNetConfig(
        n_members=2, hidden=16, filters=16, interactions=2, gaussians=12, cutoff=4.0, head_hidden=16,
        epochs=5, mean_epochs=2, batch_size=16, learning_rate=5e-3, device="cpu",
    )  # fmt: skip
