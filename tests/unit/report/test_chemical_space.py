"""Diversity of rounds, against similarities worked by hand."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from heliosc.campaign.diversity import diversity_by_round
from heliosc.campaign.records import CandidateRecord, read_candidates
from heliosc.chemistry.fingerprints import morgan_fingerprints, tanimoto_matrix
from heliosc.report.chemical_space import map_figure

THIOPHENE, FURAN, BENZENE, TOLUENE = "c1ccsc1", "c1ccoc1", "c1ccccc1", "Cc1ccccc1"


def records(*smiles: str) -> list[CandidateRecord]:
    return [CandidateRecord(str(n), text, "", "donor", 0, "", 0.0, "", {}, 1.0, 1.0) for n, text in enumerate(smiles)]


def test_diversity_of_two_rounds() -> None:
    found = diversity_by_round({1: records(TOLUENE, THIOPHENE), 0: records(BENZENE)}, known=[FURAN])
    tanimoto = tanimoto_matrix(*2 * (morgan_fingerprints([BENZENE, TOLUENE, THIOPHENE, FURAN]),))
    assert list(found) == [0, 1]
    assert math.isnan(found[0].similarity)
    assert found[0].to_known == pytest.approx(tanimoto[0, 3])
    assert found[0].new_scaffolds == 1
    assert found[1].similarity == pytest.approx(tanimoto[1, 2])
    nearest = (max(tanimoto[1, 0], tanimoto[1, 3]), max(tanimoto[2, 0], tanimoto[2, 3]))
    assert found[1].to_known == pytest.approx(np.mean(nearest))
    assert found[1].new_scaffolds == 0.5  # toluene has the scaffold of benzene


def test_the_first_molecules_of_all_resemble_nothing_known() -> None:
    (only,) = diversity_by_round({0: records(BENZENE, BENZENE)}, known=[]).values()
    assert (only.similarity, only.new_scaffolds) == (1.0, 0.5)
    assert math.isnan(only.to_known)


def test_a_map_shows_every_molecule_and_can_be_drawn_again() -> None:
    def clouds() -> list[np.ndarray]:
        figure = map_figure({0: records(BENZENE, TOLUENE), 1: records(THIOPHENE)}, [FURAN, "CCO", "CCN"])
        return [line.get_xydata() for line in figure.axes[0].lines]

    first, again = clouds(), clouds()
    assert [len(cloud) for cloud in first] == [3, 2, 1]
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_round_has_pictures_of_progress_and_space(make_run_folder: Callable[..., Path]) -> None:
    from heliosc.report.diagnostics import write_round_diagnostics

    folder = make_run_folder(n_rounds=2, batch=8)
    assert read_candidates(folder)
    names = {file.name for file in write_round_diagnostics(folder, 1)}
    assert {"diversity.png", "chemical_space.png", "hypervolume_p_dopable.png"} <= names
