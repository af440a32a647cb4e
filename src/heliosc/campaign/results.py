"""``candidates.csv``: every candidate of a run in one flat table, the best of each role first."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

import numpy as np

from heliosc.campaign.judging import judge, judgeable_table
from heliosc.campaign.records import CandidateRecord, PromotionRecord, read_candidates, read_promotions
from heliosc.campaign.run_folder import RunFolder
from heliosc.files import write_atomically
from heliosc.properties import DEFAULT_TARGETS
from heliosc.selection.roles import Role


def rank_candidates(records: Sequence[CandidateRecord], roles: Sequence[Role]) -> list[CandidateRecord]:
    """Role by role: window met first, then by Pareto front of the computed objectives; the uncomputed last."""
    ranked: list[CandidateRecord] = []
    for role in roles:
        mine = [record for record in records if record.role == role.name]
        table = judgeable_table(mine, [key for key in role.keys if key.level != "structure"])
        order = judge(role, table, sa_scores=np.array([record.sa_score_core for record in mine])).best_first()
        ranked += [mine[row] for row in order]
        ranked += [record for row, record in enumerate(mine) if row not in set(order.tolist())]
    return ranked


def write_candidates_csv(folder: RunFolder, roles: Sequence[Role]) -> None:
    """Write every candidate of the run; predictions and computed values in separate columns, empty = not known."""
    ranked = rank_candidates(read_candidates(folder.path), roles)
    promoted = {promotion.candidate: promotion for promotion in read_promotions(folder.path)}
    computed = sorted({name for record in ranked for name in record.computed} | set(map(str, DEFAULT_TARGETS)))
    predicted = sorted({name for record in ranked for name in record.predicted})
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(
        ["id", "role", "round", "smiles", "inchikey", "meets_window", "source", "sa_score", "sa_score_core", "alerts"]
        + [f"computed {name}" for name in computed]
        + [f"predicted {name} {part}" for name in predicted for part in ("mean", "std")]
        + ["domain_distance", "failure", "reason", "promotion"]
    )
    writer.writerows([*_row(record, computed, predicted), _promotion(promoted.get(record.id))] for record in ranked)
    write_atomically(folder.path / "candidates.csv", text.getvalue())


def _promotion(promotion: PromotionRecord | None) -> str:
    """Why and when a candidate was promoted to a better level, and how that failed if it did."""
    if promotion is None:
        return ""
    failed = f"; failed: {promotion.failure['reason']}" if promotion.failure else ""
    return f"round {promotion.round + 1}, {promotion.reason}{failed}"


def _row(record: CandidateRecord, computed: Sequence[str], predicted: Sequence[str]) -> list[str | int | float]:
    verdict = {True: "yes", False: "no", None: ""}[record.meets_window]
    row: list[str | int | float] = [record.id, record.role, record.round, record.smiles, record.inchikey, verdict]
    row += [record.source, round(record.sa_score, 3), round(record.sa_score_core, 3), "; ".join(record.alerts)]
    row += [round(record.computed[name], 5) if name in record.computed else "" for name in computed]
    for name in predicted:
        value = record.predicted.get(name)
        row += [round(value.mean, 5), round(value.std, 5)] if value else ["", ""]
    distance = "" if record.domain_distance is None else round(record.domain_distance, 3)
    return [*row, distance, record.failure["reason"] if record.failure else "", record.reason]
