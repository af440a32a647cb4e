import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

from heliosc.errors import InputError, MissingDependencyError
from heliosc.surrogates.schnet import SchNetConfig
from heliosc.surrogates.schnet.data import FlatGeometries
from heliosc.surrogates.schnet.geometries import STATES, MolecularGeometry
from heliosc.surrogates.schnet.inference import predict_members
from heliosc.surrogates.schnet.network import SchNetNetwork

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def molecules(geometries):
    return list(geometries.of_molecule.values())[:12]


def network(config, states=("neutral",), seed=0, n_descriptors=0):
    torch.manual_seed(seed)
    return SchNetNetwork(replace(config, states=states), n_keys=3, n_descriptors=n_descriptors).eval()


def outputs(model, molecules, rows=None):
    flat = FlatGeometries.of(molecules, states=model.config.states)
    rows = np.arange(len(molecules)) if rows is None else rows
    batch = flat.batch(rows, torch.zeros(len(rows), model.n_descriptors), device=CPU)
    with torch.no_grad():
        return torch.stack(model(batch))


def moved(molecule, *, matrix=None, shift=0.0, order=None):
    order = np.arange(len(molecule.atomic_numbers)) if order is None else order
    matrix = np.eye(3) if matrix is None else matrix
    return MolecularGeometry(
        molecule.atomic_numbers[order],
        {state: (positions @ matrix.T + shift)[order] for state, positions in molecule.positions.items()},
    )


@pytest.mark.parametrize("states", [("neutral",), STATES])
def test_moving_turning_and_renumbering_change_nothing(schnet_config, molecules, states):
    model = network(schnet_config, states)
    expected = outputs(model, molecules)
    rng = np.random.default_rng(3)
    rotation, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    for change in ({"matrix": rotation}, {"matrix": -np.eye(3)}, {"shift": np.array([3.0, -8.0, 1.0])}):
        torch.testing.assert_close(outputs(model, [moved(m, **change) for m in molecules]), expected, atol=1e-4, rtol=0)
    shuffled = [moved(m, order=rng.permutation(len(m.atomic_numbers))) for m in molecules]
    torch.testing.assert_close(outputs(model, shuffled), expected, atol=1e-5, rtol=0)


def test_other_molecules_of_the_batch_have_no_say(schnet_config, molecules):
    model = network(schnet_config)
    together = outputs(model, molecules)
    alone = torch.cat([outputs(model, [molecule]) for molecule in molecules], dim=1)
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=0)
    rows = np.array([7, 2, 2, 11])
    torch.testing.assert_close(outputs(model, molecules, rows), together[:, rows], atol=1e-5, rtol=0)


def test_chunks_are_put_back_in_order(schnet_config, molecules, monkeypatch):
    model = network(schnet_config)
    flat = FlatGeometries.of(molecules, states=("neutral",))
    monkeypatch.setattr("heliosc.surrogates.schnet.inference.ATOMS_PER_BATCH", 25)
    found = predict_members([model], flat, torch.zeros(12, 0), device=CPU)
    np.testing.assert_allclose(found.means[0], outputs(model, molecules)[0], atol=1e-5)
    assert found.fingerprints.shape == (12, model.width)


def test_elements_and_distances_matter(schnet_config, molecules):
    model = network(schnet_config)
    expected = outputs(model, molecules[:1])
    stretched = moved(molecules[0], matrix=1.05 * np.eye(3))
    heavier = MolecularGeometry(molecules[0].atomic_numbers + 1, molecules[0].positions)
    for changed in (stretched, heavier):
        assert (outputs(model, [changed]) - expected).abs().max() > 1e-4


def test_ions_matter_only_where_they_are_read(schnet_config, molecules):
    neutral = molecules[0].positions["neutral"]
    numbers = molecules[0].atomic_numbers
    kept = [MolecularGeometry(numbers, dict.fromkeys(STATES[1:], factor * neutral) | {"neutral": neutral})
            for factor in (1.0, 1.01)]  # fmt: skip
    first, second = (outputs(network(schnet_config), [molecule]) for molecule in kept)
    assert torch.equal(first, second)
    first, second = (outputs(network(schnet_config, STATES), [molecule]) for molecule in kept)
    assert (first - second).abs().max() > 1e-4


def test_it_is_pytorch_geometrics_schnet(schnet_config, molecules):
    """Atom vectors equal those of its own forward pass, with filters computed for every edge."""
    from torch_geometric.nn.models.schnet import SchNet

    model = network(schnet_config)
    config = schnet_config
    torch.manual_seed(1)
    peer = SchNet(
        hidden_channels=config.hidden, num_filters=config.filters, num_interactions=config.interactions,
        num_gaussians=config.gaussians, cutoff=config.cutoff, interaction_graph=model.schnet.interaction_graph,
    )  # fmt: skip
    peer.lin1, peer.lin2, peer.act = torch.nn.Identity(), torch.nn.Identity(), torch.nn.Identity()
    peer.embedding = model.schnet.embedding
    for own, other in zip(model.schnet.interactions, peer.interactions, strict=True):
        other.mlp.load_state_dict(own.conv.nn.state_dict())
        other.conv.lin1, other.conv.lin2, other.lin = own.conv.lin1, own.conv.lin2, own.lin
    flat = FlatGeometries.of(molecules, states=("neutral",))
    batch = flat.batch(np.arange(12), torch.zeros(12, 0), device=CPU)
    with torch.no_grad():
        expected = peer(batch.atomic_numbers, batch.positions[0], batch.molecule_of_atom)
        sums = torch.zeros_like(expected).index_add(0, batch.molecule_of_atom, model._atom_vectors(batch))
    torch.testing.assert_close(sums, expected, atol=1e-5, rtol=1e-5)


def test_half_precision_is_close(schnet_config, molecules):
    model = network(schnet_config)
    expected = outputs(model, molecules)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = outputs(model, molecules)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, expected, atol=0.05, rtol=0.05)


def test_a_lone_atom_is_a_molecule(schnet_config):
    found = outputs(network(schnet_config), [MolecularGeometry(np.array([2]), {"neutral": np.zeros((1, 3))})])
    assert torch.isfinite(found).all()


def test_missing_library_names_the_command(schnet_config, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch_geometric.nn.models.schnet", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'heliosc\[3d\]'"):
        network(schnet_config)


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"states": ("cation",)}, "neutral first"),
        ({"states": ("neutral", "dication")}, "neutral first"),
        ({"cutoff": 0.0}, "cutoff is 0.0"),
        ({"interactions": 0}, "interactions is 0"),
        ({"gaussians": 1}, "gaussians is 1"),
        ({"dropout": 1.0}, "dropout is 1.0"),
        ({"target_weights": [0.0]}, "target_weights"),
        ({"cutof": 4.0}, "did you mean 'cutoff'"),
    ],
)
def test_impossible_settings_are_refused(settings, reason):
    with pytest.raises(InputError, match=reason):
        SchNetConfig.from_dict(settings)


def test_settings_survive_a_file():
    config = SchNetConfig(states=STATES, target_weights=(1.0, 2.0))
    as_in_a_file = {**config.to_dict(), "states": list(STATES), "target_weights": [1.0, 2.0]}
    assert SchNetConfig.from_dict(as_in_a_file) == config
