"""Plots of one round."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from heliosc.errors import InputError
from heliosc.report.diagnostics import write_round_diagnostics

PNG = b"\x89PNG\r\n\x1a\n"


def test_a_round_is_drawn_into_its_own_folder(make_run_folder: Callable[..., Path]) -> None:
    folder = make_run_folder(n_rounds=2, batch=8)
    files = write_round_diagnostics(folder, 1)
    names = {file.name for file in files}
    assert {"landscape.png", "pareto_p_dopable.png", "pareto_n_dopable.png", "calibration.png"} <= names
    assert "parity_vertical_ionization_energy_ipea1-gfn2.png" in names
    assert {file.parent for file in files} == {folder / "rounds" / "001" / "diagnostics"}
    assert all(file.read_bytes().startswith(PNG) for file in files)


def test_a_round_that_never_was_is_refused(make_run_folder: Callable[..., Path]) -> None:
    with pytest.raises(InputError, match="round 5"):
        write_round_diagnostics(make_run_folder(n_rounds=1, batch=8), 5)
