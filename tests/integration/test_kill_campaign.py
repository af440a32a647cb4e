"""``kill -9`` of ``heliosc run`` in the middle of a round: nothing finished is repeated, nothing is lost."""

import json
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

from heliosc.campaign.records import read_candidates, read_history
from heliosc.execution import QCResultStore

SETTINGS = [
    "-o", "campaign.rounds=1", "-o", "campaign.batch_size=6", "-o", "generator.n_samples=60", "-o", "qc.max_workers=2",
    "-o", "selection.max_heavy_atoms=20", "-o", "surrogate.fine_tune_epochs=1", "-o", "generator.fine_tune_epochs=1",
]  # fmt: skip
COMMAND = [sys.executable, "-m", "heliosc", "run", "--id", "killed", *SETTINGS]
LIMIT_S = 400


def _n_done(store: Path) -> int:
    if not store.exists():
        return 0
    with sqlite3.connect(f"file:{store}?mode=ro", uri=True, timeout=10) as connection:
        try:
            return connection.execute("SELECT count(*) FROM tasks WHERE state = 'done'").fetchone()[0]
        except sqlite3.OperationalError:  # the tables are not there yet
            return 0


def test_a_killed_campaign_goes_on_where_it_was(tmp_path: Path) -> None:
    run = tmp_path / "runs" / "killed"
    with subprocess.Popen(COMMAND, cwd=tmp_path, stderr=subprocess.DEVNULL, start_new_session=True) as first:
        deadline = time.monotonic() + LIMIT_S
        while _n_done(run / "store.sqlite") < 2:
            assert first.poll() is None, "the campaign ended before it could be killed"
            assert time.monotonic() < deadline
            time.sleep(0.05)
        first.send_signal(signal.SIGKILL)
    selected = [(record.id, record.smiles) for record in read_candidates(run)]
    with QCResultStore(run / "store.sqlite") as store:
        done_before = {key for key, state in store.states().items() if state == "done"}
        results_before = store.results(done_before)
    assert 2 <= len(done_before) < 6

    subprocess.run(COMMAND, cwd=tmp_path, check=True, timeout=LIMIT_S, capture_output=True)

    with QCResultStore(run / "store.sqlite") as store:
        assert store.counts().queued == store.counts().running == 0
        for key in done_before:
            assert len(store.attempts(key)) == 1, "a finished calculation was repeated"
        assert store.results(done_before) == results_before
        for key in store.states():
            finished = [attempt for attempt in store.attempts(key) if attempt.outcome in ("done", "failed")]
            assert len(finished) == 1, "a calculation was lost or doubled"
    records = read_candidates(run)
    assert [(record.id, record.smiles) for record in records] == selected
    assert all(bool(record.computed) != (record.failure is not None) for record in records)
    assert len(read_history(run)) == 1
    assert json.loads((run / "state.json").read_text())["stage"] == "finished"
    assert (run / "report.html").stat().st_size > 10_000
    assert not _processes_of(run)


def _processes_of(run: Path) -> list[str]:
    """Command lines of processes that still work in the run's folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if str((process / "cwd").readlink()).startswith(str(run)):
                found.append((process / "cmdline").read_text())
        except OSError:  # it has ended, or is not ours
            continue
    return found
