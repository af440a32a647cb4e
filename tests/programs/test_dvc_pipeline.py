"""``dvc.yaml`` with the real DVC: what runs again after a change, and the snapshot of a round.

A stand-in for ``heliosc`` writes the outputs of each stage from its inputs in no time: the subject is which stage DVC
runs and when, not what it computes.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from heliosc.campaign.snapshots import add_to_dvc

REPOSITORY = Path(__file__).parents[2]
_DVC = shutil.which("dvc")

pytestmark = [
    pytest.mark.program,
    pytest.mark.skipif(_DVC is None, reason="DVC is not installed; run: pipx install dvc"),
]

_STAND_IN = '''#!{python}
"""FAKE: not heliosc. Writes a stage's outputs, which follow from the settings that the stage reads."""
import hashlib, pathlib, sys, yaml
words = sys.argv[1:]
config = yaml.safe_load(open("configs/pipeline.yaml"))
stage = " ".join(word for word in words[:2] if not word.startswith("-"))
with open("log.txt", "a") as log:
    log.write(stage + "\\n")
data, generator, raw = config["data"], config["generator"], "data/raw/all_mols.csv"
models = [path.read_text() for path in sorted(pathlib.Path("models").glob("*/*.json"))]
outputs = {{
    "pipeline fetch": (["data/downloads/fetched.json"], data["sources"]),
    "pipeline merge": (["data/store/merge.json", raw, "data/raw/all_polymers.csv"], data["sources"]),
    "pipeline split": (["data/prepared/train.csv", "data/prepared/seed.csv"], [data["split"], data["seed_size"]]),
    "train surrogate": (["models/surrogate/config.json"], [config["surrogate"]["n_members"]]),
    "train generator": (["models/generator/model.json"], [generator["epochs"], data["seed_size"]]),
    "run": (
        ["runs/pipeline/history.jsonl", "data/calculations/store.sqlite"],
        [config["campaign"], config["surrogate"], generator, models],
    ),
    "report": (["reports/pipeline.html"], pathlib.Path("runs/pipeline/history.jsonl").read_text()
               if stage == "report" else None),
}}
files, reads = outputs[stage]
for name in files:
    pathlib.Path(name).parent.mkdir(parents=True, exist_ok=True)
    pathlib.Path(name).write_text(hashlib.sha256(f"{{name}} {{reads}}".encode()).hexdigest())
'''

_ALL = ["pipeline fetch", "pipeline merge", "pipeline split", "run", "report", "train generator", "train surrogate"]


def _run(*words: str, folder: Path) -> str:
    ended = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    assert ended.returncode == 0, f"{' '.join(words)}: {ended.stderr}"
    return ended.stdout


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A DVC project in a git repository."""
    programs = tmp_path / "bin"
    programs.mkdir()
    stand_in = programs / "heliosc"
    stand_in.write_text(_STAND_IN.format(python=sys.executable))
    stand_in.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("DVC_NO_ANALYTICS", "1")
    monkeypatch.delenv("DVC_STAGE", raising=False)
    folder = tmp_path / "project"
    folder.mkdir()
    _run("git", "init", "--quiet", folder=folder)
    _run("dvc", "init", "--quiet", folder=folder)
    return folder


def _repro(folder: Path) -> list[str]:
    """Run ``dvc repro`` and return the stages that ran."""
    log = folder / "log.txt"
    log.unlink(missing_ok=True)
    _run("dvc", "repro", "--quiet", folder=folder)
    return log.read_text().splitlines() if log.exists() else []


@pytest.mark.slow
def test_only_what_depends_on_a_value_runs_again(project: Path) -> None:
    shutil.copy(REPOSITORY / "dvc.yaml", project)
    (project / "configs").mkdir()
    settings = project / "configs" / "pipeline.yaml"
    shutil.copy(REPOSITORY / "configs" / "pipeline.yaml", settings)

    assert sorted(_repro(project)) == sorted(_ALL)
    assert _repro(project) == []

    def change(old: str, new: str) -> set[str]:
        text = settings.read_text()
        assert old in text
        settings.write_text(text.replace(old, new))
        return set(_repro(project))

    assert change("batch_size: 24", "batch_size: 25") == {"run", "report"}
    assert change("n_samples: 600", "n_samples: 601") == {"run", "report"}
    assert change("n_members: 5", "n_members: 4") == {"train surrogate", "run", "report"}
    assert change("fine_tune_epochs: 6", "fine_tune_epochs: 0") == {"train surrogate", "run", "report"}  # same model
    assert change("epochs: 48", "epochs: 47") == {"train generator", "run", "report"}
    assert change("seed_size: 500", "seed_size: 400") == {"pipeline split", "train generator", "run", "report"}
    assert change("store: data/calculations/store.sqlite", "store: data/calculations/other.sqlite") == set()


def test_a_round_gets_a_version(project: Path) -> None:
    folder = project / "runs" / "one" / "rounds" / "000"
    folder.mkdir(parents=True)
    (folder / "candidates.jsonl").write_text("{}\n")
    assert add_to_dvc(folder)
    assert (folder.parent / "000.dvc").is_file()
    (folder / "candidates.jsonl").write_text("damaged")
    _run("dvc", "checkout", "--force", "--quiet", "runs/one/rounds/000.dvc", folder=project)
    assert (folder / "candidates.jsonl").read_text() == "{}\n"


def test_within_a_stage_and_where_git_ignores_there_is_no_version(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = project / "runs" / "000"
    folder.mkdir(parents=True)
    (folder / "a.txt").write_text("a")
    (project / ".gitignore").write_text("/runs/\n")
    assert not add_to_dvc(folder)
    (project / ".gitignore").unlink()
    monkeypatch.setenv("DVC_STAGE", "campaign")
    assert not add_to_dvc(folder)
    assert not (project / "runs" / "000.dvc").exists()
