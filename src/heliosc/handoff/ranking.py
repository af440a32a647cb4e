"""Which candidates are the best of a run: by their computed values, never by predictions alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from heliosc.campaign.records import CandidateRecord
from heliosc.campaign.results import rank_candidates
from heliosc.handoff.promotion.ledger import Decision, GateLedger
from heliosc.selection.roles import Role

_DECISION_ORDER = {Decision.PROMOTED: 0, Decision.HELD: 1, Decision.REJECTED: 2}
_VERDICT_ORDER = {True: 0, None: 1, False: 2}


def best_of_role(candidates: Sequence[CandidateRecord], role: Role | None) -> list[CandidateRecord]:
    """Computed candidates of one role, best first as the campaign ranks them.

    Parameters
    ----------
    role : None when the role file no longer names it; then window met first, in the order of their ids
    """
    computed = [candidate for candidate in candidates if candidate.computed]
    if role is not None:
        return rank_candidates(computed, [role])
    return sorted(computed, key=lambda candidate: (_VERDICT_ORDER[candidate.meets_window], candidate.id))


def best_of_run(candidates: Sequence[CandidateRecord], roles: Mapping[str, Role]) -> list[CandidateRecord]:
    """Computed candidates of all roles: those inside their windows first, the roles taking turns."""
    names = list(dict.fromkeys(candidate.role for candidate in candidates))
    places = [
        (_VERDICT_ORDER[candidate.meets_window], place, turn, candidate)
        for turn, name in enumerate(names)
        for place, candidate in enumerate(
            best_of_role([candidate for candidate in candidates if candidate.role == name], roles.get(name))
        )
    ]
    return [candidate for *_, candidate in sorted(places, key=lambda item: item[:3])]


def promoted_first(candidates: Sequence[CandidateRecord], ledgers: Mapping[str, GateLedger]) -> list[CandidateRecord]:
    """Promoted candidates, then held, then rejected ones; in their order otherwise.

    Parameters
    ----------
    ledgers : candidate id -> gate ledger, of every candidate
    """
    return sorted(candidates, key=lambda candidate: _DECISION_ORDER[ledgers[candidate.id].decision])
