"""Plots of one round."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from heliosc.campaign.pool_file import POOL_FILE, Score, read_judged, write_pool
from heliosc.campaign.proposal import Proposal
from heliosc.errors import InputError, ParseError
from heliosc.properties import DEFAULT_TARGETS, PredictionTable, PropertyKey
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


def test_the_landscape_of_acquisition_shows_the_whole_pool(make_run_folder: Callable[..., Path]) -> None:
    folder = make_run_folder(n_rounds=1, batch=8)
    smiles = tuple("C" * n for n in range(1, 31))
    mean = np.random.default_rng(0).normal(6.5, 0.3, (30, len(DEFAULT_TARGETS)))
    predictions = PredictionTable(smiles, DEFAULT_TARGETS, mean, 0 * mean, 0 * mean, "m")
    scores = {"p_dopable": {row: Score(float(row), 1, 0.5) for row in range(2, 30)}}  # two were taken before
    pool_file = folder / "rounds" / "000" / POOL_FILE
    proposals = [Proposal(text, "p_dopable", "pool", 2.0) for text in smiles]
    write_pool(pool_file, proposals, predictions, scores=scores, chosen={"C": "other", smiles[-1]: "best"})

    keys = [PropertyKey.parse("vertical_ionization_energy@ipea1//gfn2"), PropertyKey.parse("lambda_hole@gfn2")]
    judged = read_judged(pool_file, "p_dopable", keys)
    assert judged is not None
    np.testing.assert_allclose(judged.scores, range(2, 30))
    columns = [DEFAULT_TARGETS.index(key) for key in keys]
    np.testing.assert_allclose(judged.means, mean[2:, columns], rtol=1e-5)
    assert judged.is_chosen.tolist() == [False] * 27 + [True]
    assert read_judged(pool_file, "donor", keys) is None
    files = write_round_diagnostics(folder, 0)
    assert {"acquisition_p_dopable.png"} == {file.name for file in files if file.name.startswith("acquisition")}
    pool_file.write_text(pool_file.read_text().replace("29,1,0.5", "much,1,0.5"))
    with pytest.raises(ParseError, match="is damaged"):
        read_judged(pool_file, "p_dopable", keys)
