"""What is written down of a selected molecule."""

from __future__ import annotations

import json

import numpy as np
import pytest

from heliosc.campaign.proposal import Proposal
from heliosc.campaign.records import CandidateRecord, candidate_from_json, to_json_line
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


def _chosen(smiles: tuple[str, ...], *settings: str) -> list[CandidateRecord]:
    """Of molecules that are all alike to both roles."""
    shape = (len(smiles), len(DEFAULT_TARGETS))
    return select_candidates(
        [Proposal(text, "p_dopable", "pool", 2.0) for text in smiles],
        PredictionTable(smiles, DEFAULT_TARGETS, np.ones(shape), np.ones(shape), np.ones(shape), "m"),
        roles=[get_role("p_dopable"), get_role("n_dopable")],
        known_smiles=["C"],
        config=load_config(None, list(settings)),
        run_id="run",
        index=0,
        seed=0,
    ).records


def test_caps_hold_for_the_whole_batch_and_not_for_each_role() -> None:
    alkyl = tuple(f"{'C' * n}c1ccc(-c2cccs2)s1" for n in range(4, 10))
    free = ["campaign.batch_size=4", "selection.max_similarity=1", "selection.max_per_scaffold=9"]
    assert len(_chosen(alkyl, *free)) == 4
    assert len(_chosen(alkyl, "campaign.batch_size=4", "selection.max_similarity=1")) == 2  # of one scaffold
    assert len(_chosen(alkyl, *free[::2], "selection.max_similarity=0.7")) == 1
    carbazoles = ("c1ccc2c(c1)[nH]c1ccccc12", "c1ccc(-n2c3ccccc3c3ccccc32)cc1", "c1csc(-n2c3ccccc3c3ccccc32)c1")
    assert len(_chosen(carbazoles, *free, "selection.max_per_fragment=1")) == 1


def test_places_that_a_role_cannot_fill_go_to_the_next() -> None:
    # the first role judges molecules by what was never predicted for one of them
    smiles = ("c1ccc2cc3ccccc3cc2c1", "N#Cc1ccc(C#N)cc1", "c1csc(-c2cccs2)c1")
    mean = np.ones((3, len(DEFAULT_TARGETS)))
    mean[1:, [str(key) for key in DEFAULT_TARGETS].index("lambda_hole@gfn2")] = np.nan
    records = select_candidates(
        [Proposal(text, "p_dopable", "pool", 2.0) for text in smiles],
        PredictionTable(smiles, DEFAULT_TARGETS, mean, np.ones_like(mean), np.ones_like(mean), "m"),
        roles=[get_role("p_dopable"), get_role("n_dopable")],
        known_smiles=["C"],
        config=load_config(None, ["campaign.batch_size=4"]),
        run_id="run",
        index=0,
        seed=0,
    ).records
    assert [record.role for record in records] == ["p_dopable", "n_dopable", "n_dopable"]


def test_diversity_can_be_given_up_for_the_ranking() -> None:
    smiles = ("c1ccc2cc3ccccc3cc2c1", "Cc1ccc2cc3ccccc3cc2c1", "c1csc(-c2cccs2)c1", "N#Cc1ccc(C#N)cc1")
    shape = (len(smiles), len(DEFAULT_TARGETS))
    mean = np.ones(shape)
    mean[:, [str(key) for key in DEFAULT_TARGETS].index("lambda_hole@gfn2")] = [0.10, 0.11, 0.20, 0.30]

    def chosen(diversity: float) -> set[str]:
        records = select_candidates(
            [Proposal(text, "p_dopable", "pool", 2.0) for text in smiles],
            PredictionTable(smiles, DEFAULT_TARGETS, mean, np.full(shape, 0.01), np.zeros(shape), "m"),
            roles=[get_role("p_dopable")],
            known_smiles=["C"],
            config=load_config(
                None,
                [
                    "campaign.batch_size=2",
                    "selection.max_similarity=1",
                    "selection.acquisition=greedy",
                    f"selection.diversity={diversity}",
                ],
            ),
            run_id="run",
            index=0,
            seed=0,
        ).records
        return {record.smiles for record in records}

    assert chosen(0.0) == set(smiles[:2])
    assert chosen(1.0) != set(smiles[:2])
