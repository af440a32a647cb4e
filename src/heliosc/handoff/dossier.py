"""What is known of one candidate, as titled tables; the PDF and the workbook show the same ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from heliosc.campaign.records import CandidateRecord
from heliosc.chemistry.disconnection import Disconnection, disconnect
from heliosc.chemistry.identity import parse_smiles
from heliosc.handoff.blocks.analytics import analytics, isotopes
from heliosc.handoff.blocks.electronics import electronics, references_beside
from heliosc.handoff.blocks.gates import ledger_table
from heliosc.handoff.blocks.hazards import hazards
from heliosc.handoff.blocks.identity import identity
from heliosc.handoff.blocks.partner import partner_table
from heliosc.handoff.blocks.processing import processing
from heliosc.handoff.blocks.provenance import provenance
from heliosc.handoff.blocks.synthesis import proposed_steps, route_smiles, synthesis
from heliosc.handoff.blocks.tables import Table
from heliosc.handoff.device import DeviceContext
from heliosc.handoff.promotion.ledger import GateLedger
from heliosc.handoff.retrosynthesis import NOT_SET_UP, RetrosynthesisAnswer


@dataclass(frozen=True, slots=True)
class Dossier:
    """All tables of one candidate, in reading order.

    Attributes
    ----------
    status : decision, and ``draft, xTB level`` until DFT or experiment has confirmed what decides
    route : the structures behind ``steps``, for the workbook
    """

    candidate: CandidateRecord
    status: str
    proposal: Disconnection
    identity: Table
    electronics: Table
    gates: Table
    references: Table | None
    partner: Table
    analytics: Table
    isotopes: Table
    synthesis: Table
    steps: Table | None
    route: Table
    hazards: Table
    processing: Table
    provenance: Table

    def tables(self) -> list[Table]:
        """Every table that has something to say."""
        found = (
            self.identity, self.electronics, self.gates, self.references, self.partner, self.analytics, self.isotopes,
            self.synthesis, self.steps, self.hazards, self.processing, self.provenance,
        )  # fmt: skip
        return [table for table in found if table is not None]


@dataclass(frozen=True, slots=True)
class Judgement:
    """What was found about a candidate beyond its own record.

    Attributes
    ----------
    ledger : of its promotion
    device : suggested partners and device estimates; None = the role has none
    retrosynthesis : a route, or why there is none
    """

    ledger: GateLedger
    device: DeviceContext | None = None
    retrosynthesis: RetrosynthesisAnswer = NOT_SET_UP


def build_dossier(
    candidate: CandidateRecord,
    *,
    judgement: Judgement,
    result: Mapping[str, Any],
    origin: Mapping[str, str],
    references: Mapping[str, Mapping[str, float]],
) -> Dossier:
    """Collect what the record and the stored calculation say.

    Parameters
    ----------
    result : four-point result as it lies in the store; with the excited states among its values, or ``optical``, why
        there are none (``heliosc.campaign.optical``)
    origin : further facts of provenance, label -> text
    references : name of a known material -> ``name@level`` -> value computed the same way

    Raises
    ------
    InputError : the SMILES cannot be parsed
    """
    molecule = parse_smiles(candidate.smiles)
    proposal = disconnect(candidate.smiles)
    return Dossier(
        candidate=candidate,
        status=judgement.ledger.status,
        proposal=proposal,
        identity=identity(candidate, molecule),
        electronics=electronics(candidate, result),
        gates=ledger_table(judgement.ledger),
        references=references_beside(result["values"], references),
        partner=partner_table(judgement.device),
        analytics=analytics(molecule, result),
        isotopes=isotopes(molecule),
        synthesis=synthesis(candidate, proposal, judgement.retrosynthesis),
        steps=proposed_steps(proposal),
        route=route_smiles(proposal),
        hazards=hazards(candidate, molecule),
        processing=processing(molecule, dipole_debye=_dipole(result["values"])),
        provenance=provenance(candidate, result, origin),
    )


def _dipole(values: Mapping[str, float]) -> float | None:
    return next((value for key, value in values.items() if key.startswith("dipole_moment@")), None)
