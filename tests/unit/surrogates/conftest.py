import numpy as np
import pytest
import torch

from heliosc.properties import PropertyKey, PropertyTable
from heliosc.surrogates.mpnn.config import MPNNConfig

GAP = PropertyKey("homo_lumo_gap", "gfn2")
LAMBDA = PropertyKey("lambda_hole", "gfn2")

CORES = ("c1ccsc1", "c1ccccc1", "c1ccc2ccccc2c1", "c1ccc2sccc2c1", "c1ccncc1", "c1ccoc1", "c1cc2ccccc2[nH]1")
GROUPS = ("C", "F", "C#N", "OC", "Cl", "N(C)C", "C=O", "C=C", "[N+](=O)[O-]", "S(C)(=O)=O")


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def library(n_molecules: int) -> tuple[str, ...]:
    """Different small conjugated molecules."""
    from rdkit import Chem

    found: dict[str, None] = {}
    for core in CORES:
        for first in ("", *GROUPS):
            for second in ("", *GROUPS):
                text = f"{first}{core}" if first[:1] in ("", "C", "F", "O", "N") else core
                text = text + second if second else text
                molecule = Chem.MolFromSmiles(text)
                if molecule is not None:
                    found[Chem.MolToSmiles(molecule)] = None
    smiles = sorted(found)
    return tuple(smiles[i] for i in np.random.default_rng(0).permutation(len(smiles))[:n_molecules])


def learnable_values(smiles: tuple[str, ...]) -> np.ndarray:
    """Two properties that follow from the structure, (n_molecules, 2)."""
    from rdkit import Chem

    rows = []
    for text in smiles:
        numbers = [atom.GetAtomicNum() for atom in Chem.MolFromSmiles(text).GetAtoms()]
        rows.append((5.0 - 0.2 * len(numbers) + 0.3 * numbers.count(7), 0.1 + 0.02 * numbers.count(8)))
    return np.array(rows)


@pytest.fixture(scope="session")
def table() -> PropertyTable:
    smiles = library(120)
    values = learnable_values(smiles)
    values += np.random.default_rng(1).normal(0, [0.1, 0.005], values.shape)
    values[::7, 1] = np.nan
    return PropertyTable(smiles, (GAP, LAMBDA), values)


@pytest.fixture(scope="session")
def split() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rows = np.random.default_rng(2).permutation(120)
    return rows[:60], rows[60:100], rows[100:]


@pytest.fixture(scope="session")
def small_config() -> MPNNConfig:
    return MPNNConfig(
        n_members=2, hidden=32, head_hidden=32, epochs=6, mean_epochs=2, batch_size=30, learning_rate=3e-3, device="cpu"
    )


@pytest.fixture(scope="session")
def make_library():
    return library


@pytest.fixture(scope="session")
def make_values():
    return learnable_values
