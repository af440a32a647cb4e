"""Three rounds of a continuous run, for real and small: paused, a form comes back, the same command goes on."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from heliosc.campaign.loop import Campaign
from heliosc.campaign.models import load_surrogate
from heliosc.campaign.records import CandidateRecord, read_candidates, read_history
from heliosc.campaign.run_folder import RunFolder
from heliosc.datasets.library.load import load_library
from heliosc.experiments.form import HEADER, form_rows
from heliosc.properties import DEFAULT_TARGETS, PropertyKey

MEASURED = "power_conversion_efficiency@experiment-device"
FIELD = "pce_mean"  # of the return form
ROLES = f"""
small_absorber:
  description: makes a good cell, and moves holes with little reorganisation
  source: the group's own wishes
  windows: []
  objectives:
    - {{property: lambda_hole@gfn2, direction: minimise, bound: 0.0, reference: 1.5}}
    - {{property: {MEASURED}, direction: maximise, reference: 0}}
"""
CONFIG = """
campaign:
  batch_size: 4
  runs: {folder}/runs
  library: {folder}/known.csv
  continuous: {{rounds: 3}}
  handoff_best: 1
selection:
  roles: [small_absorber]
  role_file: {folder}/roles.yaml
  min_heavy_atoms: 8
  max_heavy_atoms: 16
  max_similarity: 0.95
surrogate:
  data: {folder}/known.csv
  out: {folder}/surrogate
  n_members: 1
  epochs: 4
  fine_tune_epochs: 4
  baselines: []
  network: {{hidden: 32, head_hidden: 32, mean_epochs: 2, use_descriptors: false}}
  compute: {{device: cpu}}
generator: {{sources: {{pool: 1.0}}, pool: {folder}/pool.csv, n_samples: 60}}
qc: {{n_conformers: 1}}
"""


def _heliosc(folder: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "heliosc", *arguments, "--config", str(folder / "config.yaml")]


def _environment() -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1", "NO_COLOR": "1"}


def _call(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        _heliosc(folder, *arguments), env=_environment(), capture_output=True, text=True, timeout=500, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two hundred known molecules with invented efficiencies, forty others to choose from, a small surrogate."""
    place = tmp_path_factory.mktemp("continuous")
    (place / "roles.yaml").write_text(ROLES)
    (place / "config.yaml").write_text(CONFIG.format(folder=place))
    table = load_library().property_table(DEFAULT_TARGETS)
    small = [row for row, text in enumerate(table.smiles) if len(text) < 24 and np.isfinite(table.values[row]).all()]
    with (place / "known.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["smiles", *map(str, table.keys), MEASURED])
        writer.writerows(
            [table.smiles[row], *table.values[row], round(2.0 + 0.05 * len(table.smiles[row]), 2)]
            for row in small[:200]
        )
    rest = [table.smiles[row] for row in small[200:260]]
    (place / "pool.csv").write_text("\n".join(["smiles", *rest]) + "\n")
    _call(place, "train", "surrogate")
    return place


def _returned(candidate: CandidateRecord, value: str) -> str:
    answers = {"made": "yes", FIELD: value}
    lines = [",".join(HEADER)]
    for name, known, unit, _guidance in form_rows(candidate.id, candidate.smiles, candidate.inchikey):
        lines.append(f"{name},{answers.get(name, known)},{unit},")
    return "\n".join(lines) + "\n"


@pytest.mark.slow
def test_three_rounds_paused_resumed_and_a_form_between(folder: Path) -> None:
    run = RunFolder(folder / "runs" / "lab")
    command = ("run", "--continuous", "--id", "lab", "-o", f"surrogate.weights={folder}/surrogate")
    with (folder / "first.log").open("w") as log:
        process = subprocess.Popen(_heliosc(folder, *command), env=_environment(), stdout=log, stderr=log)
        while not run.history.exists() and process.poll() is None:
            time.sleep(0.2)
        assert "stops before its next stage" in _call(folder, "run", "--pause", "lab")
        assert process.wait(timeout=300) == 0, (folder / "first.log").read_text()[-3000:]
    n_before = len(read_history(run.path))
    assert 1 <= n_before < 3
    assert not run.is_finished()
    assert "paused before stage" in (folder / "first.log").read_text()

    candidate = next(record for record in read_candidates(run.path) if record.computed)
    learnt = load_surrogate(run.round(n_before - 1) / "surrogate", device="cpu")
    run.inbox.mkdir(exist_ok=True)
    (run.inbox / "form.csv").write_text(_returned(candidate, "14.5"))
    said = _call(folder, *command)

    assert f"form form.csv: imported, {candidate.id}" in said
    assert [file.name for file in (run.inbox / "taken").iterdir()] == ["form.csv"]
    assert run.is_finished()
    assert len(read_history(run.path)) == 3
    assert (run.path / "report.html").exists()
    # the round before was learnt from anew, with the value: by the same seed it would else be the same model
    again = load_surrogate(run.round(n_before - 1) / "surrogate", device="cpu")
    before, after = (model.predict([candidate.smiles]).mean for model in (learnt, again))
    assert not np.array_equal(before, after)
    campaign = Campaign(run.read_config(), run)
    table = campaign._candidates_table(campaign._candidates(before=3))
    measured = table.column(PropertyKey.parse(MEASURED))
    assert measured[table.smiles.index(candidate.smiles)] == 14.5
    assert np.isnan(np.delete(measured, table.smiles.index(candidate.smiles))).all()
    notes = json.loads((run.round(2) / "notes.json").read_text())
    assert notes["laboratory"]
    assert "is finished" in _call(folder, *command)  # nothing is left to do
    assert len(read_history(run.path)) == 3
