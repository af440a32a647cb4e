from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from heliosc.errors import CalculationTimeoutError, MissingDependencyError
from heliosc.qc.external.process import probe_program, run_program


def run(argv: list[str], folder: Path, *, timeout_s: float = 30.0, stdin: Path | None = None) -> int:
    outcome = run_program(
        argv, folder=folder, stdout=folder / "out", stderr=folder / "err", timeout_s=timeout_s, stdin=stdin
    )
    return outcome.exit_code


def test_arguments_reach_no_shell(tmp_path: Path) -> None:
    code = "import sys; print(sys.argv[1]); sys.exit(7)"
    assert run([sys.executable, "-c", code, "$(touch hacked); `id` > x"], tmp_path) == 7
    assert (tmp_path / "out").read_text() == "$(touch hacked); `id` > x\n"
    assert not (tmp_path / "hacked").exists()


def test_signal_is_a_negative_exit_code(tmp_path: Path) -> None:
    assert run([sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"], tmp_path) == -9


def test_time_limit_ends_grandchildren_that_ignore_the_first_signal(
    tmp_path: Path, has_ended: Callable[[int], bool]
) -> None:
    pids = tmp_path / "pids"
    code = (
        "import os, signal, subprocess, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "child = subprocess.Popen(['sleep', '60'])\n"
        f"open({str(pids)!r}, 'w').write(f'{{os.getpid()}} {{child.pid}}')\n"
        "time.sleep(60)\n"
    )
    with pytest.raises(CalculationTimeoutError, match="limit of 2 s"):
        run([sys.executable, "-c", code], tmp_path, timeout_s=2.0)
    assert [has_ended(int(pid)) for pid in pids.read_text().split()] == [True, True]


def test_children_left_behind_by_a_finished_program_are_ended(tmp_path: Path, has_ended: Callable[[int], bool]) -> None:
    code = "import subprocess; print(subprocess.Popen(['sleep', '60']).pid)"
    assert run([sys.executable, "-c", code], tmp_path) == 0
    assert has_ended(int((tmp_path / "out").read_text()))


def test_missing_program_is_said(tmp_path: Path) -> None:
    with pytest.raises(MissingDependencyError, match="cannot start"):
        run([str(tmp_path / "nothing")], tmp_path)


def test_probe_of_a_program_that_stays_open_ends() -> None:
    with pytest.raises(CalculationTimeoutError):
        probe_program([sys.executable, "-c", "import time; time.sleep(60)"], timeout_s=1.0)


def test_probe_reads_both_channels_and_feeds_input() -> None:
    code = "import sys; print(sys.stdin.read()); print('e', file=sys.stderr)"
    assert probe_program([sys.executable, "-c", code], timeout_s=30.0, stdin_text="hello").split() == ["hello", "e"]
