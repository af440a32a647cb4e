"""SIGTERM is never a traceback, whenever it comes."""

from __future__ import annotations

import signal

import pytest

from heliosc.cli import app as module
from heliosc.cli.errors import Terminated


def test_a_signal_outside_of_a_command_ends_with_its_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def terminated() -> None:
        raise Terminated

    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(module, "app", terminated)
    try:
        with pytest.raises(SystemExit) as ended:
            module.main()
    finally:
        signal.signal(signal.SIGTERM, before)
    assert ended.value.code == 143
    assert "Terminated" in capsys.readouterr().err
