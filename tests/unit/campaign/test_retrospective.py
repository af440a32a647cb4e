"""Campaigns replayed on a pool of alkyl thiophenes with invented values."""

from pathlib import Path

import numpy as np
import pytest

from heliosc.campaign.retrospective import (
    Arm,
    Pool,
    Task,
    models,
    parse_objective,
    parse_window,
    read_pool,
    replay,
    replay_all,
    summarise,
)
from heliosc.campaign.retrospective.models import POOL_MODELS
from heliosc.campaign.retrospective.replay import replay_choices
from heliosc.campaign.retrospective.tuning import tune_arm
from heliosc.chemistry.fingerprints import morgan_fingerprints, tanimoto_matrix
from heliosc.errors import InputError, ParseError

_LEFT = [f"{'C' * n}c1ccc(" for n in range(1, 9)]
_RIGHT = [f"{end}{'C' * n})s1" for end in ("", "O", "N", "S", "c2ccccc2", "c2ccsc2", "C(=O)") for n in range(1, 4)]
SMILES = tuple(left + right for left in _LEFT for right in _RIGHT)
COLUMNS = frozenset({"pce", "sas", "vie"})


def _pool() -> Pool:
    size = np.array([len(text) for text in SMILES], dtype=float)
    sulfur = np.array([text.count("S") + text.count("O") for text in SMILES], dtype=float)
    return Pool(SMILES, {"pce": size + 3 * sulfur, "sas": 0.1 * size, "vie": 8.0 - 0.05 * size})


def _task(*texts: str, within: tuple[str, ...] = (), exact: tuple[str, ...] = ("sas",)) -> Task:
    return Task(
        _pool(),
        tuple(parse_objective(text, COLUMNS) for text in texts),
        dict(parse_window(text, COLUMNS) for text in within),
        frozenset(exact),
        batch_share=0.1,
        labelled_share=0.4,
    )


def test_an_objective_is_a_signed_sum_of_columns() -> None:
    objective = parse_objective("maximise pce - 2*sas", COLUMNS)
    assert objective.terms == {"pce": -1.0, "sas": 2.0}
    assert objective.cost({"pce": np.array([5.0]), "sas": np.array([1.0])}) == [-3.0]
    assert parse_objective("minimise vie", COLUMNS).terms == {"vie": 1.0}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("pce - sas", "expected 'maximise' or 'minimise'"),
        ("maximise pce sas", "cannot read"),
        ("maximise pce - lambda", "no numeric column 'lambda'"),
        ("maximise __import__('os')", "no numeric column"),
    ],
)
def test_what_is_no_objective_is_named(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse_objective(text, COLUMNS)


def test_a_window_may_be_open_on_one_side() -> None:
    name, window = parse_window("vie in 6.0:", COLUMNS)
    assert (name, window.lower, window.upper) == ("vie", 6.0, np.inf)
    for text in ("vie in :", "vie 6:7", "other in 6:7", "vie in 6-:7"):
        with pytest.raises(InputError):
            parse_window(text, COLUMNS)


def test_a_model_finds_more_than_chance_and_the_same_each_time() -> None:
    task = _task("maximise pce - sas")
    arm = Arm("test", acquisition="pareto_ucb")
    found = replay(task, arm, seed=1)
    assert found == replay(task, arm, seed=1)
    blind = np.mean([replay(task, Arm("r", acquisition="random"), seed=s)[-1]["top"] for s in range(20)])
    assert found[-1]["top"] == 1.0
    assert blind == pytest.approx(0.4, abs=0.25)  # two molecules, two fifths labelled


@pytest.mark.parametrize("acquisition", ["greedy", "thompson", "ei"])
def test_choices_follow_the_seed_and_never_repeat(acquisition: str) -> None:
    task, arm = _task("maximise pce - sas", "minimise vie"), Arm("test", acquisition=acquisition)
    first, second = (replay_choices(task, arm, seed=5) for _ in range(2))
    assert first == second
    assert len(first[-1]) == len(set(first[-1])) == 4 * round(0.1 * len(SMILES))


def test_with_everything_labelled_everything_is_found() -> None:
    task = _task("maximise pce", "minimise vie")
    assert task.measure(range(len(SMILES))) == {"labelled": 1.0, "hypervolume": pytest.approx(1.0), "front": 1.0}


def test_the_best_lie_inside_the_window() -> None:
    task = _task("maximise pce", within=("vie in 7.0:",))
    assert (task.pool.columns["vie"][task.best] >= 7.0).all()
    with pytest.raises(InputError, match="no molecule"):
        _task("maximise pce", within=("vie in 100:",))


def test_a_cap_keeps_a_batch_apart() -> None:
    task = _task("maximise pce")
    free, capped = (replay_choices(task, Arm("x", max_similarity=cap), seed=0)[1] for cap in (1.0, 0.55))
    assert free != capped


def test_diversity_spreads_a_batch_without_a_cap() -> None:
    task = _task("maximise pce")

    def likeness(diversity: float) -> float:
        rows = replay_choices(task, Arm("x", diversity=diversity), seed=0)[1][-17:]
        prints = morgan_fingerprints([SMILES[row] for row in rows])
        return float(tanimoto_matrix(prints, prints).mean())

    assert likeness(1.0) < likeness(0.0) - 0.05


def test_weights_say_which_objective_counts() -> None:
    # pce grows with size and vie falls with it: who counts the one gets large molecules, who counts the other small
    task = _task("maximise pce", "maximise vie", exact=())

    def mean_size(*weights: float) -> float:
        chosen = replay_choices(task, Arm("x", acquisition="greedy", weights=weights), seed=0)[-1][17:]
        return float(np.mean([len(SMILES[row]) for row in chosen]))

    assert mean_size(1.0, 0.01) > mean_size() > mean_size(0.01, 1.0)
    assert mean_size(1.0, 1.0) == mean_size()
    with pytest.raises(InputError, match="1 weights for 2 objectives"):
        replay(task, Arm("x", weights=(1.0,)), seed=0)
    with pytest.raises(InputError, match="positive weights"):
        Arm("x", weights=(1.0, 0.0))


def test_replays_kept_before_there_were_weights_still_count() -> None:
    assert set(Arm("x").settings()) == {"model", "acquisition", "beta", "max_similarity", "uses_exact", "uses_derived"}
    assert Arm("x", diversity=0.2, weights=(1.0, 2.0)).settings()["weights"] == (1.0, 2.0)


def test_tuning_tries_what_is_shipped_first_and_each_setting_once(tmp_path: Path) -> None:
    pytest.importorskip("optuna", reason="Optuna is not installed; run: pip install 'heliosc[tune]'")
    task, heard = _task("maximise pce", "minimise vie"), []
    found, again = (
        tune_arm(task, n_trials=5, n_seeds=1, file=tmp_path / "replays.json", progress=heard.append) for _ in range(2)
    )
    assert found == again  # of the kept replays
    assert "pareto_ucb, beta 1.5, similarity up to 1, diversity 0, weights 1, 1" in heard
    assert "pareto_ucb, beta 1.5, similarity up to 0.7, diversity 0.2, weights 1, 1" in heard
    assert len({trial.arm for trial in found}) == len(found) >= 4
    scores = [trial.score for trial in found]
    assert scores == sorted(scores, reverse=True)
    best = found[0]
    points = replay(task, best.arm, seed=0)
    assert best.score == pytest.approx(np.mean([(point["hypervolume"] + point["front"]) / 2 for point in points]))


def test_a_stopped_benchmark_goes_on(tmp_path: Path) -> None:
    task, file, heard = _task("maximise pce"), tmp_path / "replays.json", []
    arms = [Arm("random", acquisition="random")]
    first = replay_all(task, arms, seeds=[0], file=file)
    both = replay_all(task, arms, seeds=[0, 1], file=file, progress=heard.append)
    assert both[0] == first[0]
    assert heard == ["seed 1, random"]
    rows = summarise(both, at=[0.4])
    assert rows[0]["top at 40%"] == pytest.approx(np.mean([c.points[-1]["top"] for c in both]))
    assert rows[0]["seeds"] == 2


def test_another_file_is_not_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "replays.json"
    file.write_text('{"mine": 1}')
    with pytest.raises(ParseError, match="does not hold replayed campaigns"):
        replay_all(_task("maximise pce"), [], seeds=[0], file=file)


def test_rows_without_a_value_and_repeats_are_counted(tmp_path: Path) -> None:
    file = tmp_path / "pool.csv"
    file.write_text("smiles,pce\nCC,1\nCC,2\nCCC,\nCCCC,3\n")
    pool = read_pool(file)
    assert pool.smiles == ("CC", "CCCC")
    assert pool.columns["pce"].tolist() == [1.0, 3.0]
    assert dict(pool.left_out) == {"without a value": 1, "repeated": 1}
    with pytest.raises(InputError, match="no numeric column sas"):
        read_pool(file, needed=frozenset({"sas"}))


def test_an_unknown_model_or_acquisition_is_refused() -> None:
    with pytest.raises(InputError, match="unknown model"):
        Arm("x", model="oracle")
    with pytest.raises(InputError, match="unknown acquisition"):
        Arm("x", acquisition="oracle")


@pytest.mark.slow
def test_the_network_of_campaigns_guesses_a_pool_member_by_member(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "_MPNN_MEMBERS", 2)
    pool = _pool()
    known = np.random.default_rng(0).permutation(len(SMILES))[:100]
    values = np.column_stack([pool.columns["pce"], pool.columns["vie"]])
    guesses = POOL_MODELS["mpnn"](pool, known, values[known], 3)
    assert guesses.shape == (2, len(SMILES), 2)
    unseen = np.setdiff1d(np.arange(len(SMILES)), known)
    for column in range(2):  # columns in the order given, in their own units
        errors = np.abs(guesses.mean(axis=0)[unseen, column] - values[unseen, column])
        assert errors.mean() < 0.7 * values[:, column].std()
    np.testing.assert_array_equal(guesses, POOL_MODELS["mpnn"](pool, known, values[known], 3))
    assert not np.array_equal(guesses[0], guesses[1])
