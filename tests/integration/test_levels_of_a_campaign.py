"""Two levels in a real campaign, and what it chooses when it is killed wherever it can be."""

import csv
import json
import os
import signal
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from heliosc.campaign.promotions import better_values
from heliosc.campaign.records import read_candidates, read_history, read_promotions

SCRIPT = Path(__file__).parent / "interrupted_campaign.py"
FAKE_ORCA = Path(__file__).parents[1] / "data" / "fake_programs" / "fake_orca.py"
POOL = [
    "Cc1ccc2occc2c1", "Cc1cc2ccccc2o1", "Cc1cc2ccccc2s1", "Cc1cc2ccccc2[nH]1", "Cc1ccc2sccc2c1", "COc1ccc2occc2c1",
    "COc1ccc(C#N)cc1", "CNc1ccc(C=C)cc1", "Cc1ccc2[nH]ccc2c1", "Cn1ccc2ccccc21", "Cc1cccc2occc12", "CSc1ccc(C=C)cc1",
]  # fmt: skip
ROLES = """
tiny:
  description: what small molecules can be good at
  source: made up for this test
  windows: []
  objectives:
    - {property: lambda_hole@gfn2, direction: minimise, bound: 0.0, reference: 0.8}
    - {property: lambda_electron@gfn2, direction: minimise, bound: 0.0, reference: 0.8}
"""
LIMIT_S = 1500


@pytest.fixture
def pool(tmp_path: Path) -> Path:
    file = tmp_path / "pool.csv"
    file.write_text("smiles\n" + "".join(f"{smiles}\n" for smiles in POOL))
    (tmp_path / "roles.yaml").write_text(ROLES)
    return file


def _start(folder: Path, pool: Path, moment: str, *settings: str, path: str | None = None) -> int:
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    if path is not None:
        environment["PATH"] = f"{path}:{environment['PATH']}"
    roles = [f"selection.role_file={pool.parent / 'roles.yaml'}", "selection.roles=[tiny]"]
    command = [sys.executable, str(SCRIPT), str(folder), str(pool), moment, *roles, *settings]
    ended = subprocess.run(command, env=environment, timeout=LIMIT_S, check=False, capture_output=True, text=True)
    assert ended.returncode in (0, -signal.SIGKILL), ended.stderr
    return ended.returncode


@pytest.fixture
def fake_orca(tmp_path: Path) -> str:
    """Folder of the labelled fake: it is no ORCA, and its numbers mean nothing."""
    program = tmp_path / "bin" / "orca"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{FAKE_ORCA}" "$@"\n')
    program.chmod(0o755)
    return str(program.parent)


def _chosen(folder: Path) -> list[dict[str, Any]]:
    """What was chosen, why, and what came of it; without times."""
    records = [asdict(record) for record in (*read_candidates(folder), *read_promotions(folder))]
    return [{name: value for name, value in record.items() if name != "wall_time_s"} for record in records]


@pytest.mark.slow
def test_a_campaign_killed_wherever_it_can_be_chooses_the_same(tmp_path: Path, pool: Path, fake_orca: str) -> None:
    settings = ("campaign.levels=[gfn2, b3lyp/def2-svp//gfn2]", "campaign.core_hours_a_round=0.12", "qc.program=orca")
    undisturbed, killed = tmp_path / "undisturbed" / "run", tmp_path / "killed" / "run"
    assert _start(undisturbed, pool, "never", *settings, path=fake_orca) == 0
    moments, n_kills = ["boundary", "calculation"] + ["boundary"] * 4 + ["calculation"], 0
    for moment in moments:
        n_kills += _start(killed, pool, moment, *settings, path=fake_orca) == -signal.SIGKILL
    assert n_kills >= 6
    assert _start(killed, pool, "never", *settings, path=fake_orca) == 0

    assert _chosen(killed) == _chosen(undisturbed)
    assert read_promotions(killed), "nothing was promoted: the campaign tells nothing about levels"
    for name in ("pool.csv", "proposals.csv"):
        for index in range(2):
            files = [run / "rounds" / f"{index:03d}" / name for run in (killed, undisturbed)]
            assert files[0].read_bytes() == files[1].read_bytes()
    notes = [json.loads((run / "rounds" / "001" / "notes.json").read_text()) for run in (killed, undisturbed)]
    assert notes[0]["seeds"] == notes[1]["seeds"]
    assert notes[0]["levels"] == notes[1]["levels"]


@pytest.mark.slow
def test_the_best_of_the_first_round_is_computed_by_dft_in_the_second(tmp_path: Path, pool: Path) -> None:
    pytest.importorskip("pyscf", reason="PySCF is not installed; run: pip install 'heliosc[dft]'")
    level = "b3lyp/sto-3g//gfn2"  # a real level, if a poor one: minutes become seconds
    folder = tmp_path / "run"
    settings = (f"campaign.levels=[gfn2, {level}]", "campaign.core_hours_a_round=0.06")
    assert _start(folder, pool, "never", *settings) == 0

    promotions = read_promotions(folder)
    assert promotions
    assert all(promotion.level == level and promotion.cost_source == "estimate" for promotion in promotions)
    values = better_values(folder)
    for promotion in promotions:
        assert promotion.failure is None
        assert set(values[promotion.candidate]) >= {"lambda_hole@b3lyp/sto-3g[pyscf]//gfn2"}
        assert not any(key.endswith("@gfn2") for key in promotion.computed)
    both = [record for record in read_candidates(folder) if record.id in values]
    assert all({"lambda_hole@gfn2", "lambda_hole@b3lyp/sto-3g[pyscf]//gfn2"} <= set(record.computed) for record in both)
    history = read_history(folder)
    assert sum(record.levels[level]["chosen"] for record in history) == len(promotions)
    assert history[-1].levels[level]["why"].keys() | history[0].levels[level]["why"].keys() == {
        promotion.candidate for promotion in promotions
    }
    with (folder / "candidates.csv").open() as stream:
        told = {row["id"]: row["promotion"] for row in csv.DictReader(stream)}
    assert {name for name, text in told.items() if "expected gain" in text} == set(values)
