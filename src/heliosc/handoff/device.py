"""Device context of a candidate: the partners that suit its levels, and what Scharber's model gives for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from heliosc.campaign.records import CandidateRecord
from heliosc.chemistry.identity import parse_smiles
from heliosc.errors import InputError, MissingDependencyError
from heliosc.handoff.partners import WARNING as PARTNER_WARNING
from heliosc.handoff.partners import CandidateLevels, PartnerRole, Suggestion, suggest_partners
from heliosc.handoff.promotion.criteria import Criteria, Limits
from heliosc.handoff.promotion.evidence import Evidence, best_reading, molecule_kinds
from heliosc.handoff.promotion.runs import run_criteria, run_evidence
from heliosc.handoff.scharber import WARNING as SCHARBER_WARNING
from heliosc.handoff.scharber import DeviceEstimate, scharber_estimate
from heliosc.properties import PropertyKey
from heliosc.selection.objectives import Window

SCALE = "CV"
_ROLES: Mapping[str, PartnerRole] = {
    "donor": "donor", "p_dopable": "donor", "hole_transport": "donor",
    "acceptor": "acceptor", "acceptor_for_PM6": "acceptor", "n_dopable": "acceptor", "electron_transport": "acceptor",
}  # fmt: skip
_ANY = Window()


@dataclass(frozen=True, slots=True)
class PartnerEstimate:
    """A partner with the model's estimate.

    Attributes
    ----------
    gap_eV : of the donor: optical where it is known, else IE - EA
    estimate : None where pvlib is absent or the gap lies outside the solar spectrum
    """

    suggestion: Suggestion
    gap_eV: float | None
    estimate: DeviceEstimate | None


@dataclass(frozen=True, slots=True)
class DeviceContext:
    """What a reader may expect of a candidate in a cell.

    Attributes
    ----------
    role : ``donor`` or ``acceptor`` that the candidate plays
    levels : of the candidate on the CV scale; None where they are not known
    level_of_theory : of IE and EA
    partners : best first; empty where nothing could be said
    notes : warnings, and why something is missing
    """

    candidate_id: str
    role: PartnerRole
    levels: CandidateLevels | None
    level_of_theory: str
    partners: tuple[PartnerEstimate, ...]
    notes: tuple[str, ...]

    def to_document(self) -> dict[str, Any]:
        """JSON-ready data."""
        return asdict(self)


def run_device_contexts(
    run_folder: Path,
    candidates: Sequence[CandidateRecord],
    *,
    results: Mapping[str, Mapping[str, Any]],
    criteria: Criteria | None = None,
    measured: Mapping[str, Sequence[Evidence]] | None = None,
    n_best: int = 3,
) -> dict[str, DeviceContext]:
    """Candidate id -> device context, for the candidates whose role is one of a donor or an acceptor.

    Parameters
    ----------
    results : calculation key -> result with ``values``, ``geometries`` and ``details``
    measured : candidate id -> values that came back from the laboratory

    Raises
    ------
    ParseError : the laboratory's calibration is damaged
    """
    rules = run_criteria(run_folder, criteria)
    found = {}
    for candidate in candidates:
        role = _ROLES.get(candidate.role)
        if role is not None:
            evidence, _ = run_evidence(run_folder, candidate, results.get(candidate.calculation_key, {}))
            kinds = molecule_kinds(parse_smiles(candidate.smiles))
            found[candidate.id] = device_context(
                candidate.id,
                [*(measured or {}).get(candidate.id, ()), *evidence],
                role=role,
                criteria=rules,
                kinds=kinds,
                n_best=n_best,
            )
    return found


def device_context(
    name: str,
    evidence: Sequence[Evidence],
    *,
    role: PartnerRole,
    criteria: Criteria,
    kinds: frozenset[str],
    n_best: int = 3,
) -> DeviceContext:
    """Partners and device estimates by the best levels that are known."""
    limits = [Limits(_ANY, scale=SCALE)]
    readings = [
        best_reading(f"vertical_{quantity}", limits, evidence, criteria=criteria, kinds=kinds)
        for quantity in ("ionization_energy", "electron_affinity")
    ]
    ie, ea = readings
    if ie is None or ea is None:
        return DeviceContext(name, role, None, "", (), ("needs IE and EA: not evaluated", PARTNER_WARNING))
    levels = CandidateLevels(ie.value, ea.value, SCALE, ie.std, ea.std)
    gap = optical_gap(evidence)
    suggestions = suggest_partners(levels, role=role, n_best=n_best)
    notes = [PARTNER_WARNING, SCHARBER_WARNING]
    try:
        partners = tuple(_estimated(item, levels, role=role, gap=gap) for item in suggestions)
    except (MissingDependencyError, InputError) as error:  # no spectrum, or a gap outside it: the partners still stand
        partners = tuple(PartnerEstimate(item, None, None) for item in suggestions)
        notes.append(str(error))
    if gap is None and role == "donor":
        notes.append(
            "the optical gap is not known; the model uses IE - EA, which is larger, so its Jsc is a lower bound"
        )
    level = ", ".join(dict.fromkeys(reading.evidence.key.level for reading in (ie, ea)))
    return DeviceContext(name, role, levels, level, partners, tuple(notes))


def optical_gap(evidence: Sequence[Evidence]) -> float | None:
    """Measured optical gap of the candidate, eV; None = not known."""
    keys = {item.key: item.value for item in evidence if item.key.name == "optical_gap"}
    return keys.get(PropertyKey("optical_gap", "experiment-film"), next(iter(keys.values()), None))


def _estimated(item: Suggestion, levels: CandidateLevels, *, role: PartnerRole, gap: float | None) -> PartnerEstimate:
    """The model as published: one gap, the donor's, gives the current and, with its HOMO, its LUMO.

    With a LUMO from elsewhere one gap would stand for two, and the model would exceed its own maximum of 11.1 %.
    """
    partner = item.partner
    if role == "donor":
        ionization_energy = levels.ionization_energy
        donor_gap = gap if gap is not None else levels.ionization_energy - levels.electron_affinity
        affinity = partner.electron_affinity
    else:
        ionization_energy, donor_gap = partner.ionization_energy, partner.optical_gap
        affinity = levels.electron_affinity
    estimate = scharber_estimate(
        donor_ionization_energy=ionization_energy,
        donor_electron_affinity=ionization_energy - donor_gap,
        acceptor_electron_affinity=affinity,
        gap_eV=donor_gap,
    )
    return PartnerEstimate(item, donor_gap, estimate)
