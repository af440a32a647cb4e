"""kill -9 in the middle of ``heliosc predict``: the same command ends with the same file, and no process is left."""

import os
import signal
import subprocess
import sys
import time
from itertools import product
from pathlib import Path

import pytest

GROUPS = ("C", "CC", "F", "Cl", "OC", "C#N", "N(C)C", "C=O", "SC", "CCC", "OCC", "C=C", "C(C)C", "C(F)(F)F", "C#C", "O")
N_ROWS = 9_000  # three chunks


def children(pid: int) -> list[int]:
    found = []
    for listing in Path(f"/proc/{pid}/task").glob("*/children"):
        found += [int(child) for child in listing.read_text().split()]
    return found


def wait_for(condition, timeout_s: float = 180.0) -> None:
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def is_running(pid: int) -> bool:
    try:
        return " Z " not in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for processes in /proc")
def test_a_killed_prediction_goes_on(tmp_path):
    names = product(GROUPS, repeat=4)
    rows = [f"c1({a})sc({b})c({c})c1{d}" for (a, b, c, d), _ in zip(names, range(N_ROWS), strict=False)]
    rows[5_000] = "no molecule"
    (tmp_path / "in.smi").write_text("\n".join(rows))

    def command(out: str, workers: int) -> list[str]:
        return [
            sys.executable, "-m", "heliosc", "predict", str(tmp_path / "in.smi"), "--out", str(tmp_path / out),
            "--workers", str(workers),
        ]  # fmt: skip

    whole = subprocess.run(command("whole.csv", 1), check=False, capture_output=True, text=True)
    assert whole.returncode == 5, whole.stderr  # one row is no molecule
    parts = tmp_path / "out.csv.parts"
    process = subprocess.Popen(command("out.csv", 2), stderr=subprocess.DEVNULL)
    wait_for(lambda: list(parts.glob("part-*")) or process.poll() is not None)
    workers = children(process.pid)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "out.csv").exists()
    kept = {path: path.stat().st_mtime_ns for path in parts.glob("part-*")}
    assert kept
    wait_for(lambda: not any(map(is_running, workers)))
    again = subprocess.run(command("out.csv", 1), check=False, capture_output=True, text=True)
    assert again.returncode == 5, again.stderr
    assert (tmp_path / "out.csv").read_text() == (tmp_path / "whole.csv").read_text()
    assert (tmp_path / "out.quarantine.csv").read_text() == (tmp_path / "whole.quarantine.csv").read_text()
    assert len((tmp_path / "out.csv").read_text().splitlines()) == 1 + N_ROWS - 1
    assert not parts.exists()
