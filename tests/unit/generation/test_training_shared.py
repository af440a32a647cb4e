"""Training on several devices, filled-up batches and compiled code: the same training, to rounding."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from multiprocessing.reduction import ForkingPickler
from pathlib import Path

import numpy as np
import pytest
import torch

from heliosc.errors import ConvergenceError, InputError
from heliosc.generation.jtvae.arrays import RowReader
from heliosc.generation.jtvae.config import Compute, JTVAEConfig, ModelConfig, TrainingConfig
from heliosc.generation.jtvae.feeding import Feeder, TrainingSet, filled_up
from heliosc.generation.jtvae.io import build_network
from heliosc.generation.jtvae.losses import LossSums, TrainingLosses
from heliosc.generation.jtvae.making import target_weights
from heliosc.generation.jtvae.network import Network, Posterior
from heliosc.generation.jtvae.padding import BatchShape, choose_shape, plan_shapes
from heliosc.generation.jtvae.preparation import prepare_on_disk
from heliosc.generation.jtvae.schedule import build_vocabulary, prepare, read_graphs
from heliosc.generation.jtvae.train import EpochReport, Trainer
from heliosc.generation.jtvae.valence import LegalMoves
from heliosc.properties import PropertyKey

SMALL = ModelConfig(hidden=24, word_size=12, place_size=8, tree_latent=6, graph_latent=6)
SETTINGS = TrainingConfig(epochs=3, batch_size=8, learning_rate=3e-3)
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def vocabulary_and_data(hard_molecules: list[str]):
    some = hard_molecules[15:44]
    graphs, _ = read_graphs(some)
    vocabulary = build_vocabulary(graphs.values())
    prepared = prepare(some, vocabulary, LegalMoves(vocabulary)).prepared
    targets = np.random.default_rng(0).normal(size=(len(prepared), 2))
    targets[::3, 1] = np.nan
    return vocabulary, TrainingSet(prepared, targets, np.array([1.0, 0.5]))


def new_network(vocabulary) -> Network:
    torch.manual_seed(0)
    return build_network(JTVAEConfig(model=SMALL), vocabulary, n_properties=2, device=CPU)


def losses_of(network: Network, **settings) -> TrainingLosses:
    given = {"target_weights": torch.tensor([1.0, 0.5]), "free_bits": 0.0, "amp": False, "compile_mode": None}
    return TrainingLosses(network, **(given | settings))


def feeder(data: TrainingSet, *, rank: int = 0, n_processes: int = 1, shapes: tuple[BatchShape, ...] = ()) -> Feeder:
    return Feeder(
        *data.with_practice(), config=SETTINGS, latent=SMALL.latent, rank=rank, n_processes=n_processes, shapes=shapes
    )


def shapes_of(data: TrainingSet, n_shapes: int) -> tuple[BatchShape, ...]:
    return plan_shapes(
        RowReader(data.prepared),
        data.prepared.sizes["nodes"],
        batch_size=8,
        n_shapes=n_shapes,
        generator=np.random.default_rng(0),
    )


def noise() -> torch.Generator:
    return torch.Generator().manual_seed(5)


def total(sums: LossSums) -> torch.Tensor:
    return sums.topology + sums.word + sums.port + sums.site + 0.1 * sums.excess_kl + sums.property_error


def gradient(network: Network) -> torch.Tensor:
    found = [torch.zeros_like(p) if p.grad is None else p.grad.clone() for p in network.parameters()]
    network.zero_grad()
    return torch.cat([part.flatten() for part in found])


def trained(vocabulary, data: TrainingSet, **settings) -> tuple[list[EpochReport], Network]:
    network = new_network(vocabulary)
    more = {key: settings.pop(key) for key in ("progress", "checkpoint") if key in settings}
    trainer = Trainer(network, data, config=SETTINGS, seed=1, **settings)
    return trainer.run(**more), network


WITHOUT_EFFECT = ("decoder.port_key.bias", "decoder.site_key.bias")
"""They add the same to all options of a choice; Adam makes steps of the rounding that is all their gradient."""


def assert_close(a: Network, b: Network, *, atol: float) -> None:
    for name, expected in a.state_dict().items():
        if not (atol and name in WITHOUT_EFFECT):
            torch.testing.assert_close(b.state_dict()[name], expected, rtol=0, atol=atol)


# -- filling up -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("free_bits", [0.0, 0.05])
def test_filled_up_batches_have_the_same_losses_and_gradients(vocabulary_and_data, free_bits: float) -> None:
    vocabulary, data = vocabulary_and_data
    network = new_network(vocabulary)
    losses = losses_of(network, free_bits=free_bits)
    shape = BatchShape.of(feeder(data).feed(np.arange(24), noise()).batch)
    for indices in (np.arange(8), np.arange(8, 11), np.array([20])):
        plain = feeder(data).feed(indices, noise())
        full = filled_up(plain, shape)
        expected, found = losses(*plain.inputs(CPU)), losses(*full.inputs(CPU))
        torch.testing.assert_close(torch.stack(found), torch.stack(expected), rtol=1e-5, atol=1e-5)
        total(expected).backward()
        expected_gradient = gradient(network)
        total(found).backward()
        torch.testing.assert_close(gradient(network), expected_gradient, rtol=1e-4, atol=1e-4)


def test_every_filled_up_batch_has_one_of_the_planned_shapes(vocabulary_and_data) -> None:
    _, data = vocabulary_and_data
    shapes = shapes_of(data, 2)
    assert len(shapes) == 2
    seen = set()
    for start in range(0, 24, 8):
        batch = feeder(data, shapes=shapes).feed(np.arange(start, start + 8), noise()).batch
        seen.add((*(len(batch.molecule[space]) for space in sorted(batch.molecule)), batch.longest))
    assert len(seen) <= 2


def test_a_batch_that_no_shape_holds_stays_as_it_is(vocabulary_and_data) -> None:
    _, data = vocabulary_and_data
    small = BatchShape.of(feeder(data).feed(np.arange(1), noise()).batch)
    feed = feeder(data, shapes=(small,)).feed(np.arange(16), noise())
    assert feed.batch.real is None
    assert choose_shape(feed.batch, (small, BatchShape.of(feed.batch))) is not small


# -- several processes ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 5, 8])
def test_processes_together_have_the_gradient_of_the_whole_batch(vocabulary_and_data, n: int) -> None:
    vocabulary, data = vocabulary_and_data
    network = new_network(vocabulary)
    losses, indices = losses_of(network), np.arange(3, 3 + n)
    total(losses(*feeder(data).feed(indices, noise()).inputs(CPU))).backward()
    whole = gradient(network)
    for rank in range(2):
        feed = feeder(data, rank=rank, n_processes=2).feed(indices, noise())
        (feed.weight * total(losses(*feed.inputs(CPU)))).backward(retain_graph=False)
        part = gradient(network)
        whole = whole - part
    torch.testing.assert_close(whole, torch.zeros_like(whole), rtol=0, atol=1e-4)


@pytest.mark.slow
def test_two_processes_train_as_one(tmp_path: Path, hard_molecules: list[str]) -> None:
    """From memory-mapped arrays, with a batch of one molecule, and molecules of a single word."""
    some = ["c1ccccc1", "c1ccsc1", *hard_molecules[15:22]]
    folder = prepare_on_disk(some, tmp_path, held_out=0.0)
    data = TrainingSet(folder.prepared, np.full((9, 2), 0.5), np.ones(2))
    told: list[EpochReport] = []
    expected, alone = trained(folder.vocabulary, data)
    found, together = trained(
        folder.vocabulary,
        data,
        compute=Compute(devices=2),
        progress=told.append,
        checkpoint=tmp_path / "state.safetensors",
    )
    assert [report.epoch for report in told] == [1, 2, 3]
    for one, other in zip(expected, found, strict=True):
        assert one.reconstruction == pytest.approx(other.reconstruction, rel=1e-4)
        assert one.kl == pytest.approx(other.kl, rel=1e-4)
    assert_close(alone, together, atol=1e-5)
    again, resumed = trained(folder.vocabulary, data, checkpoint=tmp_path / "state.safetensors")
    assert again == []  # one process goes on where two stopped: nothing is left to do
    assert_close(together, resumed, atol=0.0)


def test_a_mapped_set_is_sent_by_its_folder(tmp_path: Path, hard_molecules: list[str]) -> None:
    prepared = prepare_on_disk(hard_molecules[:30], tmp_path, held_out=0.0).prepared
    sent = ForkingPickler.dumps(prepared)
    assert len(sent) < 500
    arrived = ForkingPickler.loads(sent)
    assert list(arrived.smiles) == list(prepared.smiles)
    np.testing.assert_array_equal(arrived.columns["word"], prepared.columns["word"])


# -- compiled code ----------------------------------------------------------------------------------------------------


@pytest.fixture
def _fresh_compiler() -> Iterator[None]:
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


@pytest.mark.slow
@pytest.mark.usefixtures("_fresh_compiler")
@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning", "ignore:The .grad attribute")  # torch's own
def test_compiled_training_is_the_same_training_with_few_graphs(
    vocabulary_and_data,
) -> None:
    """Batches differ in all sizes, and the second and third epochs compile nothing more."""
    vocabulary, data = vocabulary_and_data
    counted = torch._dynamo.utils.counters["stats"]
    graphs: list[int] = []
    expected, eager = trained(vocabulary, data)
    found, compiled = trained(
        vocabulary,
        data,
        compute=Compute(compile_mode="default"),
        progress=lambda _: graphs.append(counted["unique_graphs"]),
    )
    assert 0 < graphs[-1] <= 9
    assert graphs[-1] == graphs[0]
    for one, other in zip(expected, found, strict=True):
        assert one.reconstruction == pytest.approx(other.reconstruction, rel=1e-4)
    assert_close(eager, compiled, atol=1e-4)


# -- what can go wrong ------------------------------------------------------------------------------------------------


def test_a_gradient_that_is_not_finite_is_told(vocabulary_and_data) -> None:
    vocabulary, data = vocabulary_and_data
    network = new_network(vocabulary)
    with torch.no_grad():
        network.tree_input.weight[0, 0] = torch.inf
    with pytest.raises(ConvergenceError, match="learning_rate"):
        Trainer(network, data, config=replace(SETTINGS, epochs=1), seed=0).run()


def test_a_weight_of_an_unknown_property_is_refused() -> None:
    keys = (PropertyKey("dipole_moment", "gfn2"), PropertyKey("lambda_hole", "gfn2"))
    config = JTVAEConfig(training=replace(SETTINGS, property_weights=(("dipole_moment@gfn2", 4.0),)))
    assert target_weights(config, keys).tolist() == [4.0, 1.0]
    with pytest.raises(InputError, match="dipole_moment@gfn2"):
        target_weights(config, keys[1:])


# -- free bits --------------------------------------------------------------------------------------------------------


def test_free_bits_by_hand() -> None:
    """Mean 1, variance 1 costs 1/2 nat; mean 0, variance 1 costs nothing, and 0.1 with free bits."""
    mean = torch.tensor([[1.0, 0.0]], requires_grad=True)
    posterior = Posterior(mean, torch.zeros(1, 2))
    assert posterior.kl().item() == pytest.approx(0.5)
    assert posterior.kl_above(0.1).item() == pytest.approx(0.6)
    assert posterior.kl_above(0.7).item() == pytest.approx(1.4)
    posterior.kl_above(0.7).sum().backward()
    assert mean.grad.tolist() == [[0.0, 0.0]]  # below its free bits nothing pulls on a dimension
    assert posterior.kl_above(0.0).item() == pytest.approx(posterior.kl().item())


def test_settings_of_before_free_bits_are_read() -> None:
    document = JTVAEConfig(training=SETTINGS).to_document()
    del document["training"]["free_bits"]
    assert JTVAEConfig.from_document(document) == JTVAEConfig(training=SETTINGS)


# -- resume -----------------------------------------------------------------------------------------------------------


class _KilledError(Exception):
    pass


def _kill(report: EpochReport) -> None:
    if report.epoch == 2:
        raise _KilledError


def test_killed_mixed_precision_training_goes_on_to_the_same_weights(vocabulary_and_data, tmp_path: Path) -> None:
    vocabulary, data = vocabulary_and_data
    settings = replace(SETTINGS, amp=True)
    undisturbed, killed, resumed = (new_network(vocabulary) for _ in range(3))
    Trainer(undisturbed, data, config=settings, seed=1).run()
    with pytest.raises(_KilledError):
        Trainer(killed, data, config=settings, seed=1).run(checkpoint=tmp_path / "state", progress=_kill)
    reports = Trainer(resumed, data, config=settings, seed=1).run(checkpoint=tmp_path / "state")
    assert [report.epoch for report in reports] == [3]
    assert_close(undisturbed, resumed, atol=0.0)
