"""How it might be made: scores, a proposal by rules, a route where a retrosynthesis program is set up."""

from __future__ import annotations

from heliosc.campaign.records import CandidateRecord
from heliosc.chemistry.disconnection import Disconnection, Step
from heliosc.handoff.blocks.tables import Cell, Table, facts_table
from heliosc.handoff.labels import Number
from heliosc.handoff.retrosynthesis import RetrosynthesisAnswer


def synthesis(candidate: CandidateRecord, proposal: Disconnection, retro: RetrosynthesisAnswer) -> Table:
    """Scores and counts."""
    facts: dict[str, Cell] = {
        "SA score, core": Number(candidate.sa_score_core, 1),
        "SA score, full molecule": Number(candidate.sa_score, 1),
        "Retrosynthesis": retro.summary,
        "Proposed steps": f"{proposal.n_steps} in all, {proposal.longest_sequence} in the longest sequence"
        if proposal.steps
        else "none of the rules fits",
    }
    if proposal.steps:
        n_blocks = len(proposal.building_blocks)
        facts["Building blocks"] = f"{n_blocks}; whether they can be bought was not looked up"
    return facts_table(
        "Synthesis",
        facts,
        note="SA: 1 easy to 10 hard (Ertl 2009); the core is without alkyl chains of three carbons or more.",
    )


def proposed_steps(proposal: Disconnection) -> Table | None:
    """The steps of the proposal, forwards; None where no rule fits."""
    if not proposal.steps:
        return None
    number_of = {smiles: f"B{i}" for i, smiles in enumerate(proposal.building_blocks, start=1)}
    rows = []
    for index, step in enumerate(proposal.steps, start=1):
        precursors = " + ".join(number_of[name] for name in step.precursors)
        number_of[step.product] = "target" if index == proposal.n_steps else f"P{index}"
        rows.append((str(index), _named(step), precursors, number_of[step.product], step.alternative))
    return Table(
        "Proposed disconnection (a proposal by rules, for a chemist to judge)",
        ("Step", "Reaction", "From", "To", "Or"),
        tuple(rows),
        note=(
            "Rules know the couplings of the field, not selectivity, yields or protecting groups. Side chains are as "
            "drawn. SMILES of all intermediates are in the workbook."
        ),
    )


def route_smiles(proposal: Disconnection) -> Table:
    """Every building block and product of the proposal, with the numbers that the steps use."""
    rows = [(f"B{i}", "building block", smiles) for i, smiles in enumerate(proposal.building_blocks, start=1)]
    last = proposal.n_steps
    rows += [
        ("target" if i == last else f"P{i}", step.name, step.product) for i, step in enumerate(proposal.steps, start=1)
    ]
    return Table("Structures of the proposal", ("No.", "What", "SMILES"), tuple(rows))


def _named(step: Step) -> str:
    return step.name if step.n_sites == 1 else f"{step.name}, {step.n_sites} times"
