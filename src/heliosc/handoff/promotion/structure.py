"""Gates that are read off the structure and the geometries: alerts, synthesis, stability."""

from __future__ import annotations

from collections.abc import Sequence

from heliosc.chemistry.alerts import AlertHit
from heliosc.chemistry.planarity import planarity
from heliosc.errors import InputError
from heliosc.handoff.promotion.criteria import StructureLimits
from heliosc.handoff.promotion.ledger import GateEntry, Verdict
from heliosc.handoff.structures import CHARGES, ChargedStructure

PHOTO_OXIDATION = ("linear_acene", "vinylidene_dicyano", "thiol", "aldehyde")
"""Warning alerts that stand for attack by light and oxygen."""
_ALERTS_SOURCE = "alerts.yaml of heliosc; drug filters are not used"


def structure_entries(
    *,
    alerts: Sequence[AlertHit],
    sa_core: float | None,
    structures: Sequence[ChargedStructure],
    limits: StructureLimits,
) -> list[GateEntry]:
    """All structural gates, in the order of their weight."""
    return [
        rejecting_alerts_entry(alerts),
        warning_alerts_entry(alerts),
        synthesis_entry(sa_core, limits),
        connectivity_entry(structures),
        torsion_entry(structures, limits),
        photo_oxidation_entry(alerts),
        weakest_bond_entry(),
    ]


def rejecting_alerts_entry(alerts: Sequence[AlertHit]) -> GateEntry:
    """Motifs that are dangerous or do not survive."""
    hits = [hit for hit in alerts if hit.verdict == "reject"]
    return GateEntry(
        "structural alerts: reject",
        Verdict.FAIL if hits else Verdict.PASS,
        decides=True,
        limit="none",
        value=float(len(hits)),
        tier="structure",
        note="; ".join(f"{hit.name}: {hit.reason}" for hit in hits),
        source=_ALERTS_SOURCE,
    )


def warning_alerts_entry(alerts: Sequence[AlertHit]) -> GateEntry:
    """Motifs to know about; good semiconductors have them."""
    hits = [hit for hit in alerts if hit.verdict == "warn"]
    return GateEntry(
        "structural alerts: to know",
        Verdict.WARN if hits else Verdict.PASS,
        decides=False,
        limit="none",
        value=float(len(hits)),
        tier="structure",
        note="; ".join(f"{hit.name}: {hit.reason}" for hit in hits),
        source=_ALERTS_SOURCE,
    )


def synthesis_entry(sa_core: float | None, limits: StructureLimits) -> GateEntry:
    """SA score of the core: passes, or a person decides, or fails."""
    if sa_core is None:
        verdict = Verdict.NOT_EVALUATED
    elif sa_core <= limits.sa_pass:
        verdict = Verdict.PASS
    else:
        verdict = Verdict.WARN if sa_core <= limits.sa_limit else Verdict.FAIL
    return GateEntry(
        "SA score of the core",
        verdict,
        decides=True,
        limit=f"at most {limits.sa_pass:g}; to {limits.sa_limit:g} a person decides",
        property="sa_score_core",
        value=sa_core,
        unit="1",
        level="structure",
        tier="structure",
        upper=limits.sa_pass,
        margin=None if sa_core is None else limits.sa_pass - sa_core,
        note="alkyl chains of three carbons or more cut to methyl",
        source=limits.sa_source,
    )


def connectivity_entry(structures: Sequence[ChargedStructure]) -> GateEntry:
    """Whether the molecule survives its charge: neutral, cation and anion connected as drawn."""
    changed = [structure.state for structure in structures if structure.molecule is None]
    verdict = Verdict.NOT_EVALUATED if len(structures) < len(CHARGES) else Verdict.PASS
    if changed:
        verdict = Verdict.FAIL
    return GateEntry(
        "connectivity of the ions",
        verdict,
        decides=verdict is not Verdict.NOT_EVALUATED,
        limit="as drawn in all charge states",
        value=float(len(structures) - len(changed)),
        tier="structure",
        note=f"changed: {', '.join(changed)}" if changed else f"{len(structures)} of {len(CHARGES)} geometries",
        source="an ion that rearranges is not the material that was asked for",
    )


def torsion_entry(structures: Sequence[ChargedStructure], limits: StructureLimits) -> GateEntry:
    """Largest change of a torsion between conjugated units from the neutral to an ion; large ones cost mobility."""
    change = _largest_change(structures)
    verdict = Verdict.NOT_EVALUATED
    if change is not None:
        verdict = Verdict.WARN if change > limits.torsion_change_deg else Verdict.PASS
    return GateEntry(
        "torsion change on charging",
        verdict,
        decides=False,
        limit=f"at most {limits.torsion_change_deg:g} degrees",
        value=change,
        unit="deg",
        tier="structure",
        upper=limits.torsion_change_deg,
        margin=None if change is None else limits.torsion_change_deg - change,
        note="" if change is not None else "needs the geometries of the neutral and an ion",
        source="inner-sphere lambda is not to be trusted where units turn; Nat. Commun. 2019, RSC Adv. 2018",
    )


def photo_oxidation_entry(alerts: Sequence[AlertHit]) -> GateEntry:
    """Motifs that light and oxygen attack."""
    hits = [hit for hit in alerts if hit.name in PHOTO_OXIDATION]
    return GateEntry(
        "photo-oxidation motifs",
        Verdict.WARN if hits else Verdict.PASS,
        decides=False,
        limit="none",
        value=float(len(hits)),
        tier="structure",
        note=", ".join(hit.name for hit in hits),
        source=_ALERTS_SOURCE,
    )


def weakest_bond_entry() -> GateEntry:
    """Bond energies are not computed, and the ledger says so."""
    return GateEntry(
        "weakest bond", Verdict.NOT_EVALUATED, decides=False, note="no bond dissociation energies are computed",
        source="stability flag of the hand-off",
    )  # fmt: skip


def _largest_change(structures: Sequence[ChargedStructure]) -> float | None:
    torsions = {item.state: found for item in structures if (found := _torsions(item)) is not None}
    neutral = torsions.pop("neutral", None)
    if neutral is None or not torsions:
        return None
    changes = [abs(a - b) for ion in torsions.values() for a, b in zip(neutral, ion, strict=True)]
    return max(changes, default=0.0)


def _torsions(structure: ChargedStructure) -> tuple[float, ...] | None:
    if structure.molecule is None:
        return None
    try:
        return planarity(structure.molecule, structure.molecule.GetConformer().GetPositions()).torsions
    except InputError:  # no conjugated system: nothing that could turn
        return ()
