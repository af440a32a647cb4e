"""What of a campaign and a training reaches the journal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from heliosc.campaign.records import PredictedValue, read_candidates, read_history
from heliosc.campaign.run_folder import RunFolder
from heliosc.campaign.tracking import (
    TRACKING_FOLDER,
    calibration_figures,
    campaign_tracker,
    epoch_listener,
    flat_settings,
    round_figures,
    selection_figures,
    track_model,
    track_round,
    training_tracker,
)
from heliosc.config import Config, load_config
from heliosc.surrogates.mpnn.training import EpochReport
from heliosc.tracking import Journal, Tracker, open_tracker
from heliosc.tracking.journal import Entry


def _entries(folder: Path) -> list[Entry]:
    return Journal(folder, name="", kind="").entries()


def test_a_run_is_tracked_with_settings_models_and_every_round(make_run_folder: Callable[..., Path]) -> None:
    folder = RunFolder(make_run_folder(n_rounds=2, batch=8))
    with campaign_tracker(folder, folder.read_config()):
        pass  # both rounds were finished by a process that did not get to track them
    entries = _entries(folder.path / TRACKING_FOLDER)
    parameters, *_ = (entry.values for entry in entries if entry.kind == "parameters")
    assert parameters["campaign.rounds"] == "2"
    tags = {name: value for entry in entries if entry.kind == "tags" for name, value in entry.values.items()}
    assert len(tags["start.surrogate"]) == 12
    assert tags["version.rdkit"] == "2026.3.6"
    metrics = {(name, e.step): v for e in entries if e.kind == "metrics" for name, v in e.values.items()}
    assert metrics["round/core_seconds", 1] == 105.5
    assert metrics["hypervolume/p_dopable", 1] == pytest.approx(0.8)
    assert 0 < metrics["diversity/similarity", 1] < 1
    assert {Path(entry.path or "").name for entry in entries if entry.kind == "file"} >= {"config.yaml"}


def test_passwords_of_stores_and_servers_stay_here(make_run_folder: Callable[..., Path]) -> None:
    folder = RunFolder(make_run_folder(n_rounds=1, batch=4))
    config = load_config(
        None,
        [
            "execution.store=postgresql://ann:s3cret/@db.lab:5432/store?sslpassword=s3cret",
            "tracking.mlflow=null",
        ],
    )
    with campaign_tracker(folder, config):
        pass
    entries = _entries(folder.path / TRACKING_FOLDER)
    sent = [Path(e.path) for e in entries if e.kind == "file" and e.path is not None]
    told = str([entry.values for entry in entries]) + "".join(file.read_text() for file in sent)
    assert "db.lab:5432/store" in told
    assert "s3cret" not in told


def test_settings_that_cannot_be_kept_end_no_run(make_run_folder: Callable[..., Path]) -> None:
    folder = RunFolder(make_run_folder(n_rounds=1, batch=4))
    (folder.path / TRACKING_FOLDER).write_text("in the way")
    with campaign_tracker(folder, folder.read_config()) as tracker:
        tracker.metrics({"x": 1.0}, step=0)


def test_a_round_is_told_once(make_run_folder: Callable[..., Path]) -> None:
    folder = RunFolder(make_run_folder(n_rounds=1, batch=4))
    for _ in range(2):
        with campaign_tracker(folder, folder.read_config()):
            pass
    entries = _entries(folder.path / TRACKING_FOLDER)
    assert sum("round/core_seconds" in entry.values for entry in entries) == 1


def test_pictures_of_a_round_are_tracked(make_run_folder: Callable[..., Path], tmp_path: Path) -> None:
    folder = RunFolder(make_run_folder(n_rounds=1, batch=4))
    (folder.round(0) / "diagnostics").mkdir()
    (folder.round(0) / "diagnostics" / "samples.png").write_bytes(b"a picture")
    with open_tracker(tmp_path / "t", Config().tracking, name="x", kind="campaign") as tracker:
        track_round(tracker, folder, 0, known=["c1ccccc1"])
    assert [(e.name, e.step) for e in _entries(tmp_path / "t") if e.kind == "image"] == [("samples", 0)]


def test_figures_of_a_round_by_hand(run_folder: Path) -> None:
    record = read_history(run_folder)[0]
    figures = round_figures(record)
    met, judged = record.window_share["p_dopable"]["candidates"]
    assert figures["window_share/p_dopable"] == pytest.approx(met / judged)
    assert figures["window_share_library/p_dopable"] == pytest.approx(3 / 60)
    assert figures["funnel/sampled"] == 1200


def test_selection_figures_by_hand(run_folder: Path) -> None:
    fresh = [record for record in read_candidates(run_folder) if record.round == 0][:2]
    figures = selection_figures(fresh)
    assert figures[f"acquisition/{fresh[0].role}/score_mean"] == pytest.approx(fresh[0].score)
    stds = [record.predicted["lambda_hole@gfn2"].epistemic_std for record in fresh]
    assert figures["acquisition/lambda_hole@gfn2/epistemic_std"] == pytest.approx(np.mean(stds))
    assert "acquisition/domain_distance_mean" not in figures  # not measured is no zero


def test_calibration_figures_by_hand(run_folder: Path) -> None:
    from dataclasses import replace

    template = read_candidates(run_folder)[0]
    key = "lambda_hole@gfn2"
    misses = (0.5, 1.0, 1.5, 3.0)  # in predicted standard deviations
    fresh = [
        replace(template, predicted={key: PredictedValue(1.0, 0.06, 0.08)}, computed={key: 1.0 + 0.1 * miss})
        for miss in misses
    ]
    figures = calibration_figures(fresh)
    assert figures[f"calibration/{key}/inside_50"] == 0.25
    assert figures[f"calibration/{key}/inside_80"] == 0.5
    assert figures[f"calibration/{key}/inside_95"] == 0.75
    assert figures[f"calibration/{key}/z_rms"] == pytest.approx(np.sqrt((0.25 + 1 + 2.25 + 9) / 4))


@dataclass(frozen=True)
class _Report:
    epoch: int
    n_epochs: int
    kl: float


def test_epochs_are_tracked_member_by_member(tmp_path: Path) -> None:
    with open_tracker(tmp_path, Config().tracking, name="x", kind="surrogate") as tracker:
        hear = epoch_listener(tracker, "surrogate", first_step=6)
        hear(EpochReport(2, 1, 6, train_loss=0.4, train_error=0.3, validation_loss=0.5, learning_rate=1e-3))
        epoch_listener(tracker, "generator")(_Report(3, 9, kl=2.0))
    first, second = _entries(tmp_path)
    assert first.step == 7
    assert first.values == {
        "surrogate/member 2/train_loss": 0.4,
        "surrogate/member 2/train_error": 0.3,
        "surrogate/member 2/validation_loss": 0.5,
        "surrogate/member 2/learning_rate": 1e-3,
    }
    assert (second.step, second.values) == (3, {"generator/kl": 2.0})


def test_a_training_has_its_journal_beside_the_model(tmp_path: Path) -> None:
    from heliosc.campaign.models import SHIPPED_SURROGATE

    config = load_config(None, ["surrogate.epochs=2"])
    with training_tracker(tmp_path / "models" / "mine", config, kind="surrogate") as tracker:
        track_model(tracker, SHIPPED_SURROGATE, {"all": {"mae": 0.1, "name": "x", "rows": [1]}}, step=2)
    entries = _entries(tmp_path / "models" / "mine.tracking" / config.digest())
    values = {name: value for entry in entries for name, value in entry.values.items()}
    assert values["surrogate.epochs"] == "2"
    assert values["held out/all/mae"] == 0.1
    assert "held out/all/name" not in values
    assert len(values["model.data_hash"]) == 12
    assert not any(name.startswith("generator.") for name in values)


def test_settings_are_flat() -> None:
    assert flat_settings({"a": {"b": 1, "c": None, "d": {}}, "e": ["x"]}) == {
        "a.b": "1", "a.c": "None", "a.d": "{}", "e": '["x"]',
    }  # fmt: skip


def test_tracking_is_no_part_of_a_runs_identity() -> None:
    assert load_config(None, ["tracking.mlflow=sqlite:///x.db"]).digest() == Config().digest()


def test_a_tracker_without_a_journal_is_silent(run_folder: Path) -> None:
    track_round(Tracker(None), RunFolder(run_folder), 0, known=())
