"""``pool.csv`` of a round: every proposal with its predictions and its scores, chosen or not."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from heliosc.campaign.proposal import Proposal
from heliosc.errors import ParseError
from heliosc.files import write_atomically
from heliosc.properties import PredictionTable, PropertyKey
from heliosc.selection.batch import Ranking

POOL_FILE = "pool.csv"
_SCORE_COLUMNS = ("score", "front", "probability_inside")


@dataclass(frozen=True, slots=True)
class Score:
    """What a proposal was ranked by for one role.

    Attributes
    ----------
    score : of the acquisition function, higher is better
    front : of the optimistic gains, 1 the best
    probability_inside : that the windows of the role are met
    """

    score: float
    front: int
    probability_inside: float


def scores_of(ranking: Ranking, rows: NDArray[np.intp]) -> dict[int, Score]:
    """Row of the proposals -> score.

    Parameters
    ----------
    rows : (n_ranked,) rows of the proposals that were ranked
    """
    return {
        int(rows[row]): Score(float(score), int(front) + 1, float(inside))
        for row, score, front, inside in zip(
            ranking.rows, ranking.score, ranking.front, ranking.probability_inside, strict=True
        )
    }


@dataclass(frozen=True, slots=True)
class JudgedPool:
    """The proposals of a round that a role could judge, as they stand in the pool file.

    Attributes
    ----------
    means : (n, n_keys) predicted
    scores : (n,)
    is_chosen : (n,) whether it became a candidate, of whatever role
    """

    means: NDArray[np.float64]
    scores: NDArray[np.float64]
    is_chosen: NDArray[np.bool_]


def read_judged(file: Path, role: str, keys: Sequence[PropertyKey]) -> JudgedPool | None:
    """What a role saw of the pool; None where there is no file, or role or keys are not in it.

    Raises
    ------
    ParseError : a damaged file
    """
    if not file.exists():
        return None
    columns = [f"{role} score", *(f"{key} mean" for key in keys)]
    with file.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    if not rows or not {*columns, "candidate"} <= rows[0].keys():
        return None
    judged = [row for row in rows if all(row[name] for name in columns)]
    try:
        values = np.array([[float(row[name]) for name in columns] for row in judged]).reshape(-1, len(columns))
    except ValueError as error:
        raise ParseError(f"{file} is damaged ({error}); it is only drawn, so remove it") from error
    return JudgedPool(values[:, 1:], values[:, 0], np.array([bool(row["candidate"]) for row in judged], dtype=bool))


def write_pool(
    file: Path,
    proposals: Sequence[Proposal],
    predictions: PredictionTable,
    *,
    scores: Mapping[str, Mapping[int, Score]],
    chosen: Mapping[str, str],
) -> None:
    """Write the pool of a round, atomically; empty = not judged.

    Parameters
    ----------
    scores : role -> row of the proposals -> score
    chosen : SMILES -> id of the candidate
    """
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(
        ["smiles", "source", "proposed_for", "core_sa_score", "domain_distance", "notes"]
        + [f"{key} {part}" for key in predictions.keys for part in ("mean", "epistemic_std", "aleatoric_std")]
        + [f"{role} {column}" for role in scores for column in _SCORE_COLUMNS]
        + ["candidate"]
    )
    for row, proposal in enumerate(proposals):
        known = [by_row.get(row) for by_row in scores.values()]
        writer.writerow(
            [proposal.smiles, proposal.source, proposal.role, f"{proposal.core_sa_score:.4g}"]
            + ["" if predictions.domain_distance is None else f"{predictions.domain_distance[row]:.4g}"]
            + ["|".join(proposal.notes), *_predicted(predictions, row)]
            + [text for score in known for text in _score(score)]
            + [chosen.get(proposal.smiles, "")]
        )
    write_atomically(file, text.getvalue())


def _predicted(predictions: PredictionTable, row: int) -> list[str]:
    parts = np.column_stack([predictions.mean[row], predictions.epistemic_std[row], predictions.aleatoric_std[row]])
    return [f"{value:.6g}" if np.isfinite(value) else "" for value in parts.ravel()]


def _score(score: Score | None) -> list[str]:
    if score is None:
        return [""] * len(_SCORE_COLUMNS)
    return [f"{score.score:.6g}", str(score.front), f"{score.probability_inside:.4g}"]
