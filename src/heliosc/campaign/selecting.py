"""From proposals and predictions to the candidates of a round."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from heliosc.campaign.circumstances import circumstances_of
from heliosc.campaign.pool_file import Score, scores_of
from heliosc.campaign.proposal import Proposal
from heliosc.campaign.records import CandidateRecord, PredictedValue
from heliosc.chemistry.fingerprints import morgan_fingerprints
from heliosc.chemistry.identity import inchikey, parse_smiles
from heliosc.chemistry.synthesizability import sa_score
from heliosc.config import Config
from heliosc.errors import InputError
from heliosc.properties import PredictionTable
from heliosc.selection.batch import Selection, pick_batch, rank_pool
from heliosc.selection.diversity import Diversity
from heliosc.selection.roles import Role


@dataclass(frozen=True, slots=True)
class RoundSelection:
    """What a round chose, and what it chose from.

    Attributes
    ----------
    records : in the order chosen
    scores : role -> row of the proposals -> score; rows that could not be judged, or were taken before, are missing
    """

    records: list[CandidateRecord]
    scores: Mapping[str, Mapping[int, Score]]


def select_candidates(
    proposals: Sequence[Proposal],
    predictions: PredictionTable,
    *,
    roles: Sequence[Role],
    known_smiles: Sequence[str],
    config: Config,
    run_id: str,
    index: int,
    seed: int,
    earlier: Sequence[CandidateRecord] = (),
) -> RoundSelection:
    """Choose the batch of a round, its places shared evenly by the roles, and keep the scores of all proposals.

    Places that a role cannot fill go to the next; caps of diversity hold for the whole batch. A molecule proposed for
    one role may be selected for another; it is selected once, and counts as pending from then.

    Parameters
    ----------
    earlier : candidates of finished rounds: what failed lowers the chances of its like, what was measured is the front
        that acquisitions by improvement start from

    Raises
    ------
    InputError : nothing was left to choose from
    """
    known = morgan_fingerprints(known_smiles)
    settings = config.selection
    taken: set[int] = set()
    scores: dict[str, dict[int, Score]] = {role.name: {} for role in roles}
    records: list[CandidateRecord] = []
    due = 0
    for number, role in enumerate(roles):
        rows = np.array([row for row in range(len(proposals)) if row not in taken], dtype=np.intp)
        around = circumstances_of(
            role, [proposals[row].smiles for row in rows], earlier=earlier, chosen=predictions.rows(sorted(taken)),
            chosen_sa_scores=np.array([proposals[row].core_sa_score for row in sorted(taken)]),
            is_cost_aware=settings.cost_aware,
        )  # fmt: skip
        if not len(rows):
            continue
        n_own = places_of_role(config.campaign.batch_size, len(roles), number)
        due += n_own
        ranking = rank_pool(
            predictions.rows(rows),
            role=role,
            n=n_own,
            acquisition=settings.acquisition,
            beta=settings.beta,
            sa_scores=np.array([proposals[row].core_sa_score for row in rows]),
            seed=seed + number,
            circumstances=around,
        )
        scores[role.name] = scores_of(ranking, rows)
        chosen = pick_batch(
            ranking,
            [proposals[row].smiles for row in rows],
            role=role,
            n=due - len(records),
            beta=settings.beta,
            diversity=Diversity(
                max_similarity=settings.max_similarity,
                max_per_scaffold=settings.max_per_scaffold,
                trade_off=settings.diversity,
                max_similarity_to_known=settings.max_similarity_to_known,
                max_per_fragment=settings.max_per_fragment,
            ),
            known_fingerprints=known,
            beside=[record.smiles for record in records],
        )
        for selection in chosen:
            row = int(rows[selection.index])
            taken.add(row)
            name = f"{run_id}-r{index}-{len(records):02d}"
            records.append(_record(name, proposals[row], selection, predictions, row=row, role=role, index=index))
    if not records:
        raise InputError(
            f"round {index}: none of {len(proposals)} proposals could be selected; loosen the constraints "
            "(selection.*) or raise generator.n_samples"
        )
    return RoundSelection(records, scores)


def places_of_role(total: int, n_roles: int, number: int) -> int:
    """Calculations of a round that fall to a role; each gets one at least."""
    return max(1, total // n_roles + (number < total % n_roles))


def _record(
    name: str,
    proposal: Proposal,
    selection: Selection,
    predictions: PredictionTable,
    *,
    row: int,
    role: Role,
    index: int,
) -> CandidateRecord:
    molecule = parse_smiles(proposal.smiles)
    predicted = {
        str(key): PredictedValue(
            float(predictions.mean[row, column]),
            float(predictions.epistemic_std[row, column]),
            float(predictions.aleatoric_std[row, column]),
        )
        for column, key in enumerate(predictions.keys)
    }
    distance = None if predictions.domain_distance is None else float(predictions.domain_distance[row])
    doubts = [f"unlike the surrogate's training data ({distance:.1f})"] if distance is not None and distance > 1 else []
    return CandidateRecord(
        id=name,
        smiles=proposal.smiles,
        inchikey=inchikey(molecule),
        role=role.name,
        round=index,
        source=proposal.source,
        score=selection.score,
        reason="; ".join([selection.reason, *doubts, *proposal.notes]),
        predicted=predicted,
        domain_distance=distance,
        sa_score=sa_score(molecule),
        sa_score_core=proposal.core_sa_score,
        alerts=proposal.warnings,
    )
