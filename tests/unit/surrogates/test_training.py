from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest
import torch

from heliosc.errors import ConvergenceError, InputError
from heliosc.surrogates.mpnn.config import MPNNConfig
from heliosc.surrogates.mpnn.environments import find_environments
from heliosc.surrogates.mpnn.graphs import build_graphs, parse_rows
from heliosc.surrogates.mpnn.loss import masked_loss
from heliosc.surrogates.mpnn.network import Network
from heliosc.surrogates.mpnn.training import (
    MemberTraining,
    Parts,
    Schedule,
    TrainingData,
    predict_rows,
)

CONFIG = MPNNConfig(hidden=32, head_hidden=32, batch_size=8, dropout=0.1, device="cpu")
SCHEDULE = Schedule(epochs=6, learning_rate=3e-3, final_learning_rate=1e-4, warmup_epochs=1, mean_epochs=2, patience=50)


@pytest.fixture(scope="module")
def data(make_library, make_values):
    smiles = make_library(40)
    graphs = build_graphs(parse_rows(smiles))
    values = make_values(smiles)
    targets = ((values - values.mean(0)) / values.std(0)).astype(np.float32)
    targets[::5, 1] = np.nan
    return TrainingData(find_environments(graphs, depth=3), torch.zeros(40, 0), torch.from_numpy(targets))


def member(data, *, schedule=SCHEDULE, config=CONFIG, **more):
    torch.manual_seed(7)
    network = Network(config, n_keys=2, n_descriptors=0)
    return MemberTraining(
        network=network,
        data=data,
        parts=Parts(np.arange(30), np.arange(30, 40)),
        config=config,
        schedule=schedule,
        member=0,
        seed=3,
        **more,
    )


def same_weights(first, second):
    return all(
        torch.equal(a, b) for a, b in zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    )


@pytest.mark.parametrize("beta", [None, 0.0, 0.5])
def test_missing_targets_have_no_say(beta):
    mean = torch.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    variance = torch.full((2, 2), 0.5, requires_grad=True)
    targets = torch.tensor([[1.5, torch.nan], [torch.nan, torch.nan]])
    loss = masked_loss(mean, variance, targets, beta=beta)
    known_only = masked_loss(mean[:1, :1], variance[:1, :1], targets[:1, :1], beta=beta)
    assert loss.item() == pytest.approx(known_only.item())
    loss.backward()
    assert torch.equal(mean.grad != 0, torch.tensor([[True, False], [False, False]]))
    moved = mean.detach().clone()
    moved[0, 1], moved[1] = 1e6, -1e6  # what is predicted where nothing is known
    assert masked_loss(moved, variance, targets, beta=beta).item() == pytest.approx(loss.item())


def test_loss_by_hand():
    mean, variance, target = torch.tensor([[1.0]]), torch.tensor([[4.0]]), torch.tensor([[3.0]])
    assert masked_loss(mean, variance, target, beta=None).item() == pytest.approx(2.0)
    assert masked_loss(mean, variance, target, beta=0.0).item() == pytest.approx(0.5 * (1 + np.log(4)))
    assert masked_loss(mean, variance, target, beta=0.5).item() == pytest.approx(1 + np.log(4))  # times 4 ** 0.5


def test_weights_say_how_much_a_key_counts():
    mean, variance = torch.zeros(2, 2), torch.ones(2, 2)
    targets = torch.tensor([[1.0, 2.0], [torch.nan, 4.0]])  # half squares .5, 2, 8
    weighted = masked_loss(mean, variance, targets, beta=None, weights=torch.tensor([3.0, 1.0]))
    assert weighted.item() == pytest.approx((3 * 0.5 + 2 + 8) / (3 + 1 + 1))
    alike = masked_loss(mean, variance, targets, beta=None, weights=torch.tensor([2.0, 2.0]))
    assert alike.item() == pytest.approx(masked_loss(mean, variance, targets, beta=None).item())


def test_a_heavy_target_is_learnt_better(data):
    schedule = replace(SCHEDULE, epochs=40, mean_epochs=40, keep_best=False, learning_rate=1e-2)
    errors = []
    for weights in ((20.0, 1.0), (1.0, 20.0)):
        network = member(data, schedule=schedule, config=replace(CONFIG, target_weights=weights)).run()
        mean, _ = predict_rows(network, data, np.arange(30), device=torch.device("cpu"))
        errors.append(torch.nanmean((mean - data.targets[:30]) ** 2, dim=0))
    assert errors[0][0] < errors[1][0]
    assert errors[1][1] < errors[0][1]


def test_nothing_known_is_no_loss():
    nothing = torch.full((2, 2), torch.nan)
    assert masked_loss(torch.ones(2, 2), torch.ones(2, 2), nothing, beta=0.5).item() == 0


def test_thirty_molecules_can_be_learnt_by_heart(data):
    schedule = replace(SCHEDULE, epochs=300, mean_epochs=300, patience=500, keep_best=False, learning_rate=1e-2)
    network = member(data, schedule=schedule, config=replace(CONFIG, dropout=0.0, batch_size=30)).run()
    mean, _ = predict_rows(network, data, np.arange(30), device=torch.device("cpu"))
    error = mean - data.targets[:30]
    assert torch.nanmean(error.abs()).item() < 0.05


def test_same_seed_same_weights(data):
    first, second = member(data).run(), member(data).run()
    assert same_weights(first, second)
    other = member(data)
    other.seed = 4
    assert not same_weights(first, other.run())


class _KilledError(Exception):
    pass


@pytest.mark.parametrize("last_epoch", [1, 4])
def test_killed_and_resumed_training_ends_with_the_same_weights(data, tmp_path, last_epoch):
    expected = member(data).run()
    path = tmp_path / "member.pt"

    def kill(report):
        if report.epoch == last_epoch:
            raise _KilledError

    with pytest.raises(_KilledError):
        member(data, checkpoint=path, identity="a").run(kill)
    epochs = []
    again = member(data, checkpoint=path, identity="a")
    resumed = again.run(lambda report: epochs.append(report.epoch))
    assert epochs == list(range(last_epoch + 1, 7))
    assert same_weights(resumed, expected)
    assert len(again.curve) == 6  # the learning curve knows the epochs before the kill


def test_checkpoint_of_another_training_is_refused(data, tmp_path):
    path = tmp_path / "member.pt"
    member(data, checkpoint=path, identity="a").run()
    with pytest.raises(InputError, match="another training"):
        member(data, checkpoint=path, identity="b").run()
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(InputError, match="cannot be read"):
        member(data, checkpoint=path, identity="a").run()


def test_training_stops_when_nothing_improves(data):
    schedule = replace(SCHEDULE, epochs=200, learning_rate=1e-12, final_learning_rate=1e-12, patience=3, mean_epochs=0)
    epochs = []
    member(data, schedule=schedule).run(lambda report: epochs.append(report.epoch))
    assert len(epochs) < 50


def test_divergence_is_reported(data):
    wild = TrainingData(data.environments, data.descriptors, data.targets * 1e30)
    with pytest.raises(ConvergenceError, match="lower learning_rate"):
        member(wild).run()


def test_half_precision_learns_too(data):
    schedule = replace(SCHEDULE, epochs=25, mean_epochs=25, learning_rate=1e-2)
    losses = []
    member(data, schedule=schedule, config=replace(CONFIG, amp=True)).run(lambda r: losses.append(r.train_loss))
    assert losses[-1] < 0.7 * losses[0]


def test_learning_rate_rises_then_falls():
    schedule = replace(SCHEDULE, epochs=10, warmup_epochs=2, learning_rate=1.0, final_learning_rate=0.0)
    assert schedule.rate(0) == pytest.approx(0.1)
    assert schedule.rate(1) == pytest.approx(0.55)
    assert schedule.rate(2) == pytest.approx(1.0)
    assert schedule.rate(6) == pytest.approx(0.5)
    assert schedule.rate(10) == pytest.approx(0.0)


class Rank(NamedTuple):
    """What a process of a group knows of itself."""

    global_rank: int
    world_size: int


@pytest.mark.parametrize("n_rows", [1, 5, 8])
def test_processes_together_have_the_gradient_of_the_whole_batch(data, n_rows):
    training = member(data, config=replace(CONFIG, dropout=0.0, target_weights=(1.0, 3.0)))
    network, rows, weights = training.network, np.arange(n_rows), torch.tensor([1.0, 3.0])

    def gradient(mine, part):
        network.zero_grad()
        mean, variance = network(data.batch(mine, device=torch.device("cpu")))
        (part * masked_loss(mean, variance, data.targets[mine], beta=0.5, weights=weights)).backward()
        return torch.cat([value.grad.flatten() for value in network.parameters()])

    shares = [training._share(rows, Rank(rank, 2)) for rank in range(2)]
    together = sum(gradient(mine, part) for mine, part in shares) / 2  # processes average their gradients
    torch.testing.assert_close(together, gradient(rows, 1.0), rtol=1e-4, atol=1e-6)


@pytest.mark.slow
def test_two_processes_train_as_one(data):
    config = replace(CONFIG, dropout=0.0)
    schedule = replace(SCHEDULE, epochs=3, mean_epochs=1)
    told = []
    alone = member(data, schedule=schedule, config=config)
    together = member(data, schedule=schedule, config=replace(config, devices=2))
    networks = [training.run(report) for training, report in ((alone, None), (together, told.append))]
    assert [report.epoch for report in told] == [1, 2, 3]
    np.testing.assert_allclose(together.curve, alone.curve, rtol=1e-4)
    for name, expected in networks[0].state_dict().items():
        torch.testing.assert_close(networks[1].state_dict()[name], expected, rtol=0, atol=1e-5)


def test_several_processes_and_one_named_gpu_are_refused(data, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    with pytest.raises(InputError, match="names one GPU"):
        member(data, config=replace(CONFIG, device="cuda:1", devices=2)).run()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")  # torch's own compiler
def test_compiled_training_is_the_same_training(data):
    schedule = replace(SCHEDULE, epochs=3, mean_epochs=1)
    config = replace(CONFIG, dropout=0.0)
    plain, compiled = (member(data, schedule=schedule, config=replace(config, compile=c)) for c in (False, True))
    for training in (plain, compiled):
        training.run()
    np.testing.assert_allclose(compiled.curve, plain.curve, rtol=1e-4)
