"""From what is known of a candidate to its gate ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from heliosc.chemistry.alerts import AlertHit, find_alerts
from heliosc.chemistry.identity import parse_smiles
from heliosc.chemistry.synthesizability import core_sa_score
from heliosc.handoff.promotion.criteria import Criteria, Criterion, MissingCriterion, RoleCriteria, WindowCriterion
from heliosc.handoff.promotion.evidence import Evidence, Reading, best_reading, molecule_kinds
from heliosc.handoff.promotion.ledger import DRAFT_LABEL, Decision, GateEntry, GateLedger, Verdict
from heliosc.handoff.promotion.pairs import pair_entry
from heliosc.handoff.promotion.structure import structure_entries
from heliosc.handoff.promotion.windows import probability_inside, window_entry
from heliosc.handoff.structures import ChargedStructure


@dataclass(frozen=True, slots=True)
class CandidateFacts:
    """What is known of a candidate.

    Attributes
    ----------
    evidence : computed and measured values
    predicted : predictions with their error; they rank and promote nothing
    alerts : structural alerts
    structures : optimised geometries
    notes : what could not be had, and why
    """

    id: str
    smiles: str
    evidence: tuple[Evidence, ...]
    predicted: tuple[Evidence, ...] = ()
    sa_core: float | None = None
    alerts: tuple[AlertHit, ...] = ()
    structures: tuple[ChargedStructure, ...] = ()
    notes: tuple[str, ...] = ()


def facts_of(
    name: str,
    smiles: str,
    evidence: Sequence[Evidence],
    *,
    predicted: Sequence[Evidence] = (),
    structures: Sequence[ChargedStructure] = (),
    notes: Sequence[str] = (),
) -> CandidateFacts:
    """Values of a molecule, with its alerts and the SA score of its core.

    Raises
    ------
    InputError : the SMILES cannot be read
    """
    molecule = parse_smiles(smiles)
    return CandidateFacts(
        name, smiles, tuple(evidence), tuple(predicted), core_sa_score(molecule), find_alerts(molecule),
        tuple(structures), tuple(notes),
    )  # fmt: skip


def assess(facts: CandidateFacts, role: RoleCriteria, *, criteria: Criteria) -> GateLedger:
    """Apply all criteria of a role to a candidate.

    Raises
    ------
    InputError : the SMILES cannot be read, or a criterion names an unknown partner
    """
    kinds = molecule_kinds(parse_smiles(facts.smiles))
    entries = [_entry(item, facts.evidence, criteria=criteria, kinds=kinds) for item in role.criteria]
    if not role.criteria:
        note = f"no promotion criteria for role {role.name!r}; add them with --criteria"
        entries.append(GateEntry("criteria of the role", Verdict.NOT_EVALUATED, decides=True, note=note))
    entries += structure_entries(
        alerts=facts.alerts, sa_core=facts.sa_core, structures=facts.structures, limits=criteria.structure
    )
    return GateLedger(
        facts.id,
        facts.smiles,
        role.name,
        decision_of(entries),
        tuple(entries),
        label=DRAFT_LABEL if _is_draft(entries) else "",
        predicted_probability=_predicted_probability(facts, role, criteria=criteria, kinds=kinds),
        criteria_digest=criteria.digest(),
        notes=facts.notes,
    )


def _entry(item: Criterion, evidence: Sequence[Evidence], *, criteria: Criteria, kinds: frozenset[str]) -> GateEntry:
    if isinstance(item, MissingCriterion):
        return GateEntry(item.name, Verdict.NOT_EVALUATED, decides=False, note=item.note, source=item.source)
    if isinstance(item, WindowCriterion):
        return window_entry(item, evidence, criteria=criteria, kinds=kinds)
    return pair_entry(item, evidence, criteria=criteria, kinds=kinds)


def decision_of(entries: Sequence[GateEntry]) -> Decision:
    """Rejected when a deciding entry fails, promoted when all pass, else held for a person."""
    verdicts = {entry.verdict for entry in entries if entry.decides}
    if Verdict.FAIL in verdicts:
        return Decision.REJECTED
    return Decision.PROMOTED if verdicts <= {Verdict.PASS} else Decision.HELD


def _is_draft(entries: Sequence[GateEntry]) -> bool:
    """Whether a deciding electronic value stands on xTB, or on nothing."""
    electronic = [entry for entry in entries if entry.decides and entry.property and entry.tier != "structure"]
    return any(entry.tier not in ("dft", "experiment") for entry in electronic) or not electronic


def _predicted_probability(
    facts: CandidateFacts, role: RoleCriteria, *, criteria: Criteria, kinds: frozenset[str]
) -> float | None:
    """P(inside all deciding windows) by the predictions alone; None where one of them has no prediction."""
    readings: list[tuple[WindowCriterion, Reading | None]] = [
        (item, best_reading(item.property, item.limits, facts.predicted, criteria=criteria, kinds=kinds))
        for item in role.criteria
        if isinstance(item, WindowCriterion) and item.is_required and not item.is_advisory
    ]
    if not readings or any(reading is None for _, reading in readings):
        return None
    return prod(probability_inside(reading.limits.window, reading) for _, reading in readings if reading is not None)
