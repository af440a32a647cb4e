"""The gate ledger: every criterion of a role applied to one candidate, with its numbers and its verdict.

Plain data for whoever shows it (``heliosc promote``, the dossier, the dashboard); ``to_document`` gives it as JSON.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

DRAFT_LABEL = "draft, xTB level"


class Verdict(StrEnum):
    """Of one criterion."""

    PASS = "pass"  # noqa: S105 - a verdict, no secret
    WARN = "warn"
    FAIL = "fail"
    NOT_EVALUATED = "not evaluated"


class Decision(StrEnum):
    """Of one candidate."""

    PROMOTED = "promoted"
    HELD = "held"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class GateEntry:
    """One criterion applied to one candidate.

    Attributes
    ----------
    criterion : name in words, e.g. ``ionisation energy``
    verdict : of this criterion
    decides : whether it can keep the candidate from promotion; False = shown only
    limit : in words, e.g. ``5.00 to 5.60 eV``
    property : name in the vocabulary; None where the criterion is no property
    value, std : on ``scale``, in ``unit``; None = not known, never zero
    level : level of theory that the value comes from, e.g. ``cal-cv.1//gfn2``, or ``experiment``
    tier : cost level of that level: ``xtb``, ``dft``, ``experiment``, ``structure``
    scale : energy scale of value and limits: ``gas phase``, ``CV``, ``film`` (UPS, IPES)
    kind : ``vertical`` or ``adiabatic``; None where the difference has no meaning
    lower, upper : the limits, None = open
    margin : distance to the nearer limit, positive inside
    probability : that the value lies inside the limits
    grade : finer judgement of a passing value, e.g. ``likely`` or ``possible``
    note : what a reader must know: which value was set aside and why, what to compute
    source : of the limits
    """

    criterion: str
    verdict: Verdict
    decides: bool
    limit: str = ""
    property: str | None = None
    value: float | None = None
    std: float | None = None
    unit: str = ""
    level: str | None = None
    tier: str | None = None
    scale: str | None = None
    kind: str | None = None
    lower: float | None = None
    upper: float | None = None
    margin: float | None = None
    probability: float | None = None
    grade: str = ""
    note: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class GateLedger:
    """All criteria of one candidate.

    Attributes
    ----------
    role : name of the criteria that were applied
    decision : promoted when every deciding entry passes; rejected when one fails; else held for a person
    entries : in the order of the criteria
    label : ``draft, xTB level`` while a deciding electronic value is not confirmed by DFT or experiment, else empty
    predicted_probability : of being inside all windows, from predictions alone; ranks candidates, promotes none
    criteria_digest : SHA-256 of the criteria, so that a verdict can be traced to its limits
    notes : what could not be had, and why
    """

    candidate_id: str
    smiles: str
    role: str
    decision: Decision
    entries: tuple[GateEntry, ...]
    label: str = ""
    predicted_probability: float | None = None
    criteria_digest: str = ""
    notes: tuple[str, ...] = ()

    @property
    def status(self) -> str:
        """Decision and label for the head of a page: ``promoted``, ``held · draft, xTB level``."""
        return f"{self.decision.value} · {self.label}" if self.label else self.decision.value

    @property
    def reasons(self) -> tuple[str, ...]:
        """Deciding criteria that did not pass, with verdict; empty for a promoted candidate."""
        return tuple(
            f"{entry.criterion}: {entry.verdict.value}{f' ({entry.note})' if entry.note else ''}"
            for entry in self.entries
            if entry.decides and entry.verdict is not Verdict.PASS
        )

    def to_document(self) -> dict[str, Any]:
        """The ledger as JSON-ready data; missing numbers are null."""
        document = asdict(self)
        document["entries"] = [{**asdict(entry), "verdict": entry.verdict.value} for entry in self.entries]
        return {
            **document,
            "decision": self.decision.value,
            "notes": list(self.notes),
            "reasons": list(self.reasons),
        }
