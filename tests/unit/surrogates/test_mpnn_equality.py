"""The deduplicated engine against chemprop itself."""

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rdkit import Chem

from heliosc.errors import InputError
from heliosc.surrogates.mpnn.config import MPNNConfig
from heliosc.surrogates.mpnn.descriptors import N_DESCRIPTORS
from heliosc.surrogates.mpnn.environments import find_environments, plan_batch
from heliosc.surrogates.mpnn.features import atom_code, atom_vectors, bond_code, bond_vectors
from heliosc.surrogates.mpnn.graphs import build_graphs, parse_rows
from heliosc.surrogates.mpnn.inference import predict_members
from heliosc.surrogates.mpnn.network import Network, to_batch, to_chemprop
from heliosc.surrogates.mpnn.reading import read_graphs

ODD = (
    "[2H]C([2H])([2H])c1ccccc1",
    "C",
    "O",
    "[Na+].[Cl-]",
    "C/C=C/c1ccc(Br)cc1",
    "C/C=C\\c1ccc(I)cc1",
    "C[C@H](F)Cl",
    "C[C@@H](F)Cl",
    "[O-][n+]1ccccc1",
    "FS(F)(F)(F)(F)c1ccccc1",
    "c1ccc2c(c1)[se]c1ccccc12",
    "[SiH3]c1ccc(B(O)O)cc1",
    "C[P+](C)(C)C",
    "N#CC(C#N)=C1c2ccccc2C(=O)C1=Cc1ccc2c(c1)sc1c3ccccc3sc21",
    "c1cc2ccc3cccc4ccc(c1)c2c34",
    "[Fe+2]",
    "CC(C)(C)C",
)


@pytest.fixture(scope="module")
def chemprop_graphs():
    from chemprop.featurizers import SimpleMoleculeMolGraphFeaturizer

    return SimpleMoleculeMolGraphFeaturizer()


def test_feature_vectors_are_those_of_chemprop(chemprop_graphs, make_library):
    for smiles in ODD + make_library(40):
        molecule = Chem.MolFromSmiles(smiles)
        expected = chemprop_graphs(molecule)
        atoms = atom_vectors(np.array([atom_code(atom) for atom in molecule.GetAtoms()]))
        bonds = bond_vectors(np.array([bond_code(bond) for bond in molecule.GetBonds()], dtype=np.int64))
        np.testing.assert_array_equal(atoms, expected.V)
        np.testing.assert_array_equal(bonds.repeat(2, axis=0), expected.E.astype(np.float32))


@pytest.mark.parametrize(("depth", "n_descriptors", "head_layers"), [(1, 0, 1), (3, 0, 2), (3, 5, 1), (5, 2, 1)])
def test_outputs_are_those_of_chemprop(chemprop_graphs, make_library, depth, n_descriptors, head_layers):
    from chemprop.data import BatchMolGraph

    torch.manual_seed(depth)
    config = MPNNConfig(hidden=48, depth=depth, head_hidden=32, head_layers=head_layers, dropout=0.2)
    network = Network(config, n_keys=3, n_descriptors=n_descriptors).eval()
    smiles = ODD + make_library(40)
    molecules = parse_rows(smiles)
    descriptors = torch.randn(len(smiles), n_descriptors)
    environments = find_environments(build_graphs(molecules), depth=depth)
    rows = np.random.default_rng(0).permutation(len(smiles))[:50]  # a batch is a part of the set, in any order
    batch = to_batch(plan_batch(environments, rows), descriptors[rows], device=torch.device("cpu"))
    with torch.no_grad():
        mean, variance = network(batch)
        expected = to_chemprop(network)(
            BatchMolGraph([chemprop_graphs(molecules[row]) for row in rows]),
            X_d=descriptors[rows] if n_descriptors else None,
        )
    torch.testing.assert_close(mean, expected[..., 0], atol=1e-5, rtol=0)
    torch.testing.assert_close(variance, expected[..., 1], atol=1e-5, rtol=0)


def test_gradients_are_those_of_chemprop(chemprop_graphs, make_library):
    from chemprop.data import BatchMolGraph

    torch.manual_seed(0)
    network = Network(MPNNConfig(hidden=24, head_hidden=16), n_keys=2, n_descriptors=0).eval()
    twin = to_chemprop(network)
    smiles = make_library(30)
    molecules = parse_rows(smiles)
    plan = plan_batch(find_environments(build_graphs(molecules), depth=3), np.arange(30))
    mean, variance = network(to_batch(plan, torch.zeros(30, 0), device=torch.device("cpu")))
    (mean.square().sum() + variance.sum()).backward()
    expected = twin(BatchMolGraph([chemprop_graphs(molecule) for molecule in molecules]))
    (expected[..., 0].square().sum() + expected[..., 1].sum()).backward()
    theirs = dict(twin.named_parameters())
    for name, parameter in network.named_parameters():
        torch.testing.assert_close(parameter.grad, theirs[name].grad, atol=1e-4, rtol=1e-4)


def test_classes_are_told_apart_by_everything_within_reach():
    # depth 3 sees two bonds beyond the edge: the chains differ in their fifth atom, in reach of some atom only
    environments = find_environments(build_graphs(parse_rows(("CCCCO", "CCCCN", "CCCCO"))), depth=3)
    first, second, third = (environments.atom_class[environments.atom_offsets[i] :][:5] for i in range(3))
    np.testing.assert_array_equal(first, third)
    assert first[0] == second[0]  # four bonds from the difference
    assert (first[1:] != second[1:]).all()


def test_symmetric_atoms_are_computed_once():
    environments = find_environments(build_graphs(parse_rows(("c1ccccc1",))), depth=4)
    assert len(set(environments.atom_class)) == 1
    assert [len(level.first) for level in environments.levels] == [1, 1, 1]


def test_unreadable_molecule_names_its_row():
    with pytest.raises(InputError, match=r"row 2: .*c1ccc"):
        parse_rows(("C", "CC", "c1ccc"))


@pytest.mark.parametrize(("name", "hint"), [("epoch", "did you mean 'epochs'"), ("frobnicate", "expected one of")])
def test_unknown_settings_are_refused(name, hint):
    with pytest.raises(InputError, match=hint):
        MPNNConfig.from_dict({name: 1})


BF16_TOLERANCE = 0.05
"""Standardised units: bf16 has eight bits, so a value of 3 is told to 0.01; a few roundings add up."""


def test_half_precision_is_near_single(make_library):
    torch.manual_seed(1)
    networks = [Network(MPNNConfig(), n_keys=3, n_descriptors=0).eval() for _ in range(2)]
    graphs = read_graphs(ODD + make_library(100), with_rings=False)
    none = torch.zeros(graphs.n_molecules, 0)
    single, half = (
        predict_members(networks, graphs, none, device=torch.device("cpu"), precision=name) for name in ("f32", "bf16")
    )
    for expected, found in zip(single, half, strict=True):
        assert 0 < np.abs(found - expected).max() < BF16_TOLERANCE
    assert next(networks[0].parameters()).dtype == torch.float32  # the networks themselves stay as they were


def test_unknown_precision_is_refused(make_library):
    networks = [Network(MPNNConfig(hidden=8), n_keys=1, n_descriptors=0)]
    graphs = read_graphs(make_library(2), with_rings=False)
    with pytest.raises(InputError, match=r"f16.*f32, bf16"):
        predict_members(networks, graphs, torch.zeros(2, 0), device=torch.device("cpu"), precision="f16")


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(0, 56), min_size=1, max_size=30))
def test_company_and_order_change_no_prediction(fixed_predictions, rows):
    smiles, network, expected = fixed_predictions
    graphs = read_graphs([smiles[row] for row in rows], with_rings=True)
    descriptors = torch.from_numpy(graphs.descriptors.clip(-3, 3).astype(np.float32))
    means, variances, _ = predict_members([network], graphs, descriptors, device=torch.device("cpu"))
    np.testing.assert_allclose(means[0], expected[0][rows], rtol=0, atol=2e-5)
    np.testing.assert_allclose(variances[0], expected[1][rows], rtol=0, atol=2e-5)


@pytest.fixture(scope="module")
def fixed_predictions(make_library):
    """SMILES, a network with descriptors, and its predictions of every molecule alone."""
    torch.manual_seed(2)
    smiles = ODD + make_library(40)
    network = Network(MPNNConfig(hidden=32, head_hidden=32), n_keys=2, n_descriptors=N_DESCRIPTORS).eval()
    alone = []
    for text in smiles:
        graphs = read_graphs([text], with_rings=True)
        descriptors = torch.from_numpy(graphs.descriptors.clip(-3, 3).astype(np.float32))
        alone.append(predict_members([network], graphs, descriptors, device=torch.device("cpu")))
    means, variances, _ = zip(*alone, strict=True)
    return smiles, network, (np.concatenate(means, axis=1)[0], np.concatenate(variances, axis=1)[0])
