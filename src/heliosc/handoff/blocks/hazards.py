"""What may be dangerous, as far as patterns of atoms tell."""

from __future__ import annotations

from rdkit import Chem

from heliosc.campaign.records import CandidateRecord
from heliosc.chemistry.alerts import find_alerts
from heliosc.handoff.blocks.tables import Table, facts_table

HAZARD_STATEMENT = (
    "This is not a safety data sheet. The compound is new: its toxicity and its energetic behaviour are unknown. "
    "Alerts are structural patterns only; their absence proves nothing."
)


def hazards(candidate: CandidateRecord, molecule: Chem.Mol) -> Table:
    """Structural alerts."""
    reasons = {hit.name: hit.reason for hit in find_alerts(molecule)}
    facts = {f"Alert: {_plain(name)}": reasons.get(name, "see the table of alerts") for name in candidate.alerts}
    return facts_table("Hazards", facts or {"Structural alerts": "none found"}, note=HAZARD_STATEMENT)


def _plain(name: str) -> str:
    return name.replace("_", " ")
