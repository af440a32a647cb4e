"""``heliosc update``: what is new is merged once, what is stale is trained, a second call does nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner

from heliosc.campaign.manifest import verify
from heliosc.campaign.records import CandidateRecord, read_candidates
from heliosc.campaign.run_folder import RunFolder
from heliosc.campaign.update import running
from heliosc.campaign.update.plan import Model, Step
from heliosc.campaign.update.running import Trainer, plan_update, run_update
from heliosc.campaign.update.state import update_lock
from heliosc.cli.app import app
from heliosc.config import Config, DataSettings, load_config
from heliosc.datasets.locate import SourceFiles
from heliosc.errors import ParseError, TransientError
from heliosc.execution import QCResultStore
from heliosc.files import write_atomically

KEY = "lambda_hole@gfn2"
_MAP = """
name: own
title: own values
licence: {name: internal}
files: [own.csv]
smiles: [smiles]
columns:
  - {column: value, property: lambda_hole, level: gfn2, unit: eV, sign: same}
"""


class _Trainers(dict[Model, Trainer]):
    """Trainers that only write down that they were called."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        super().__init__(surrogate=self._trainer("surrogate"), generator=self._trainer("generator"))

    def _trainer(self, name: str) -> Trainer:
        def train(config: Config) -> Path:
            self.calls.append(name)
            out = config.surrogate.out if name == "surrogate" else config.generator.out
            out.mkdir(parents=True, exist_ok=True)
            return out

        return train


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_run_folder: Callable[..., Path]) -> Iterator[Path]:
    """A working folder with values of 40 molecules and an empty store in a run."""
    monkeypatch.chdir(tmp_path)
    folder = make_run_folder("values", n_rounds=5, batch=8)
    smiles = [record.smiles for record in read_candidates(folder)]
    (tmp_path / "own.csv").write_text("smiles,value\n" + "".join(f"{s},0.{i + 10}\n" for i, s in enumerate(smiles)))
    (tmp_path / "own.yaml").write_text(_MAP)
    return tmp_path


@pytest.fixture
def quick(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The project with a merge that copies and a split that cuts: what is tested is what is done when."""

    def merge(settings: DataSettings, *, more: Sequence[SourceFiles]) -> None:
        settings.store.mkdir(parents=True, exist_ok=True)
        write_atomically(settings.table, (project / "own.csv").read_text().replace("value", KEY))

    def split(config: Config) -> None:
        header, *rows = config.data.table.read_text().splitlines(keepends=True)
        parts = {f"{side}.csv": rows[start::10] for start, side in enumerate(("test", "validation"))}
        parts |= {"train.csv": rows[2:], "seed.csv": rows[: config.data.seed_size], "pool.csv": rows}
        for name, part in {**parts, "split.json": [], "normalisation.json": []}.items():
            write_atomically(config.data.prepared / name, header + "".join(part))

    monkeypatch.setattr(running, "merge_sources", merge)
    monkeypatch.setattr(running, "split_table", split)
    return project


def _config(**more: Any) -> Config:
    settings = ["data.sources=[]", "data.maps=[own.yaml]", f"data.targets=[{KEY}]", "data.seed_size=5",
                "surrogate.data=data/prepared/train.csv", "surrogate.out=models/surrogate"]  # fmt: skip
    return load_config(None, [*settings, *(f"{key.replace('__', '.')}={value}" for key, value in more.items())])


def _due(steps: list[Step]) -> dict[str, bool | None]:
    return {step.name: step.is_due for step in steps}


def _compute(run: RunFolder, make_result: Callable[..., dict[str, Any]], *, n: int) -> list[CandidateRecord]:
    """Put results of the first candidates into the store of a run."""
    records = [record for record in read_candidates(run.path) if record.computed][:n]
    with QCResultStore(run.store) as store:
        for record in records:
            store.submit("x.y:z", {"smiles": record.smiles})
            task = store.claim("w", 60.0)
            assert task is not None
            store.complete(task.key, task.token, {**make_result(record), "smiles": record.smiles})
    return records


def test_an_update_does_all_once_and_then_nothing(quick: Path) -> None:
    trainers = _Trainers()
    assert _due(plan_update(_config())) == {"merge": True, "split": True, "surrogate": None, "generator": False}
    assert not (quick / "data").exists()  # a plan writes nothing

    first = run_update(_config(), trainers)
    assert _due(first) == {"merge": True, "split": True, "surrogate": True, "generator": False}
    assert trainers.calls == ["surrogate"]
    assert (quick / "data" / "prepared" / "pool.csv").exists()
    assert verify(quick / "data" / "prepared").is_intact
    assert verify(quick / "data" / "store").is_intact

    before = {file: file.stat().st_mtime_ns for file in quick.rglob("*") if file.is_file()}
    assert not any(_due(run_update(_config(), trainers)).values())
    assert trainers.calls == ["surrogate"]
    assert {file: file.stat().st_mtime_ns for file in quick.rglob("*") if file.is_file()} == before


@pytest.mark.slow
def test_new_calculations_and_measurements_reach_table_and_model(
    project: Path, make_run_folder: Callable[..., Path], make_result: Callable[..., dict[str, Any]]
) -> None:
    trainers = _Trainers()
    run_update(_config(), trainers)
    run = RunFolder(make_run_folder("runs/one", n_rounds=1, batch=4, seed=3))
    computed = _compute(run, make_result, n=3)
    laboratory = project / "runs" / "experiments"
    laboratory.mkdir()
    (laboratory / "laboratory.csv").write_text(f"smiles,homo\n{computed[0].smiles},-5.4\n")
    (laboratory / "laboratory.yaml").write_text(
        "name: laboratory\ntitle: measured\nlicence: {name: your own}\nfiles: [laboratory.csv]\nsmiles: [smiles]\n"
        "columns:\n  - {column: homo, property: homo_energy, level: experiment-cv, unit: eV, sign: same}\n"
    )
    steps = {step.name: step for step in plan_update(_config())}
    assert "3 new of 3" in steps["merge"].why
    assert "1 new of 1" in steps["merge"].why
    done = run_update(_config(), trainers)
    assert _due(done)["surrogate"], done
    assert trainers.calls == ["surrogate"] * 2

    table = pl.read_csv(project / "data" / "raw" / "all_mols.csv").filter(pl.col("smiles") == computed[0].smiles)
    assert table["homo_energy@experiment-cv"].to_list() == [-5.4]
    assert "vertical_electron_affinity@gfn2" in table.columns
    archived = sorted((project / "data" / "archive").glob("*/steps.json"))
    assert json.loads(archived[-1].read_text())["steps"][0]["is_due"]

    assert not any(_due(run_update(_config(), trainers)).values())


def test_only_what_a_setting_concerns_is_done_again(quick: Path) -> None:
    trainers = _Trainers()
    run_update(_config(), trainers)
    assert _due(plan_update(_config(surrogate__epochs=7))) == {
        "merge": False, "split": False, "surrogate": True, "generator": False
    }  # fmt: skip
    assert _due(plan_update(_config(surrogate__compute="{device: cpu}")))["surrogate"] is False
    reseeded = plan_update(_config(data__seed_size=6))
    assert _due(reseeded) == {"merge": False, "split": True, "surrogate": None, "generator": False}
    steps = run_update(_config(data__seed_size=6), trainers)
    assert _due(steps)["surrogate"] is False  # the training side is the same


def test_few_new_molecules_can_wait(quick: Path) -> None:
    trainers = _Trainers()
    run_update(_config(), trainers)
    with (quick / "own.csv").open("a") as stream:
        stream.write("c1ccsc1,0.5\nc1ccccc1,0.6\n")
    (quick / "own.yaml").write_text(_MAP + "reference: a new edition\n")
    waiting = {step.name: step for step in run_update(_config(data__retrain_after=3), trainers)}
    assert (waiting["merge"].is_due, waiting["surrogate"].is_due) == (True, False)
    assert waiting["surrogate"].why == "2 new molecules; data.retrain_after is 3"
    assert _due(run_update(_config(data__retrain_after=2), trainers))["surrogate"]


def test_values_of_other_properties_make_no_model_stale(quick: Path) -> None:
    trainers = _Trainers()
    config = _config(surrogate__data="data/raw/all_mols.csv", surrogate__target_columns=f"[{KEY}]")
    run_update(config, trainers)
    table = pl.read_csv(quick / "own.csv").with_columns(pl.lit(-5.4).alias("homo_energy@experiment-cv"))
    table.write_csv(quick / "own.csv")
    (quick / "own.yaml").write_text(_MAP + "reference: a new edition\n")
    steps = {step.name: step for step in run_update(config, trainers)}
    assert (steps["split"].is_due, steps["surrogate"].is_due) == (True, False)


def test_an_update_that_fails_goes_on_where_it_was(quick: Path) -> None:
    def fail(config: Config) -> Path:
        raise TransientError("the power went")

    with pytest.raises(TransientError):
        run_update(_config(), {"surrogate": fail, "generator": fail})
    (archived,) = (quick / "data" / "archive").glob("*/steps.json")  # what it did is known all the same
    assert [step["name"] for step in json.loads(archived.read_text())["steps"]] == ["merge", "split"]
    trainers = _Trainers()
    assert _due(run_update(_config(), trainers)) == {
        "merge": False, "split": False, "surrogate": True, "generator": False
    }  # fmt: skip


def test_what_comes_while_a_model_learns_makes_it_stale(quick: Path) -> None:
    trainers = _Trainers()
    learn = trainers["surrogate"]

    def slow(config: Config) -> Path:
        out = learn(config)
        with (quick / "data" / "prepared" / "train.csv").open("a") as stream:
            stream.write("c1ccsc1,0.5\n")
        return out

    run_update(_config(), {**trainers, "surrogate": slow})
    assert _due(plan_update(_config()))["surrogate"]


def test_two_updates_at_once_are_kept_apart(quick: Path) -> None:
    with update_lock(_config()), pytest.raises(TransientError, match="another update"):
        run_update(_config(), _Trainers())


def test_a_damaged_state_says_what_to_do(quick: Path) -> None:
    (quick / "data").mkdir()
    (quick / "data" / "update.json").write_text('{"unknown": 1}')
    with pytest.raises(ParseError, match="remove it"):
        plan_update(_config())


def test_a_model_of_the_embedded_library_never_gets_stale(quick: Path) -> None:
    steps = {step.name: step for step in plan_update(load_config(None, ["data.sources=[]", "data.maps=[own.yaml]"]))}
    assert steps["surrogate"].is_due is False
    assert "embedded library" in steps["surrogate"].why


def test_the_command_tells_its_plan_as_json(quick: Path) -> None:
    (quick / "project.yaml").write_text(_config().to_yaml())
    result = CliRunner().invoke(app, ["update", "--config", "project.yaml", "--dry-run", "--json"])
    assert result.exit_code == 0
    assert [row["name"] for row in json.loads(result.stdout)] == ["merge", "split", "surrogate", "generator"]
