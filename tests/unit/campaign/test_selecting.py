"""What is written down of a selected molecule."""

from __future__ import annotations

import json

import numpy as np
import pytest

from heliosc.campaign.proposal import Proposal
from heliosc.campaign.records import candidate_from_json, to_json_line
from heliosc.campaign.selecting import select_candidates
from heliosc.config import load_config
from heliosc.properties import DEFAULT_TARGETS, PredictionTable
from heliosc.selection.roles import get_role

SMILES = ("c1ccc2cc3ccccc3cc2c1", "N#Cc1ccc(C#N)cc1")


@pytest.mark.parametrize("distances", [None, np.array([0.4, 1.7])])
def test_molecules_unlike_the_training_data_are_told_apart(distances: np.ndarray | None) -> None:
    shape = (2, len(DEFAULT_TARGETS))
    predictions = PredictionTable(
        SMILES, DEFAULT_TARGETS, np.ones(shape), np.ones(shape), np.ones(shape), "m", domain_distance=distances
    )
    candidates = select_candidates(
        [Proposal(text, "p_dopable", "pool", 2.0) for text in SMILES],
        predictions,
        roles=[get_role("p_dopable")],
        known_smiles=["C"],
        config=load_config(None, ["campaign.batch_size=2"]),
        run_id="run",
        index=0,
        seed=0,
    ).records
    told = {candidate.smiles: candidate.reason for candidate in candidates}
    assert ["unlike the surrogate's training data" in told[text] for text in SMILES] == [False, distances is not None]
    for candidate in candidates:
        known = None if distances is None else distances[SMILES.index(candidate.smiles)]
        assert candidate.domain_distance == known
        line = to_json_line(candidate)
        assert candidate_from_json(json.loads(line)) == candidate
