"""What earlier rounds, and earlier picks of the same round, tell the next choice besides the predictions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from heliosc.campaign.judging import judge, table_of
from heliosc.campaign.records import CandidateRecord
from heliosc.chemistry.identity import parse_smiles
from heliosc.properties import PredictionTable, PropertyKey
from heliosc.selection.batch import Circumstances
from heliosc.selection.failures import FailureModel
from heliosc.selection.objectives import FloatArray
from heliosc.selection.pending import pending_at_mean
from heliosc.selection.prices import PriceModel
from heliosc.selection.roles import Role


def circumstances_of(
    role: Role,
    smiles: Sequence[str],
    *,
    earlier: Sequence[CandidateRecord],
    chosen: PredictionTable,
    chosen_sa_scores: FloatArray,
    is_cost_aware: bool,
) -> Circumstances:
    """Chances of success and measured results from earlier rounds; what this round has chosen already is pending.

    Parameters
    ----------
    smiles : (n_molecules,) what is to be chosen from
    chosen : predictions of what this round has chosen for other roles
    is_cost_aware : whether scores are divided by the expected time; choices then follow the times measured
    """
    finished = [record for record in earlier if record.computed or record.failure is not None]
    model = FailureModel.fit([record.smiles for record in finished], [not record.computed for record in finished])
    return Circumstances(
        success=1.0 - model.probability(smiles) if model.classifier is not None else None,
        price=_prices(smiles, finished) if is_cost_aware else None,
        known_costs=known_costs(role, finished),
        pending=pending_at_mean(chosen, role, sa_scores=chosen_sa_scores) if chosen.smiles else None,
    )


def known_costs(role: Role, records: Sequence[CandidateRecord]) -> FloatArray:
    """(n_known, n_objectives) of the records that meet the role's windows and whose every objective is computed.

    What lies outside the windows is no result to improve upon, however good its objectives.
    """
    measured = [record for record in records if record.computed]
    values = [{PropertyKey.parse(name): value for name, value in record.computed.items()} for record in measured]
    table = table_of([record.smiles for record in measured], values, role.keys)
    judged = judge(role, table, sa_scores=np.array([record.sa_score_core for record in measured]))
    is_inside = np.array([verdict is True for verdict in judged.meets], dtype=bool)
    return judged.costs[np.isfinite(judged.costs).all(axis=1) & is_inside]


def _prices(smiles: Sequence[str], records: Sequence[CandidateRecord]) -> FloatArray | None:
    """Expected seconds of each molecule; None before anything has been timed."""
    timed = [(record.smiles, record.wall_time_s) for record in records if record.wall_time_s]
    if not timed:
        return None
    model = PriceModel.fit([_size(text) for text, _ in timed], [seconds for _, seconds in timed])
    return model.seconds([_size(text) for text in smiles])


def _size(smiles: str) -> int:
    return parse_smiles(smiles).GetNumHeavyAtoms()
