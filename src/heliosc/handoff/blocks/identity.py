"""What the substance is."""

from __future__ import annotations

from rdkit import Chem
from rdkit.Chem import rdMolDescriptors

from heliosc.campaign.records import CandidateRecord
from heliosc.chemistry.identity import inchikey
from heliosc.handoff.analytics import average_mass, element_counts
from heliosc.handoff.blocks.tables import Table, facts_table
from heliosc.handoff.labels import MISSING


def identity(candidate: CandidateRecord, molecule: Chem.Mol) -> Table:
    """Identifier, formula, masses, line notations."""
    return facts_table(
        "Identity",
        {
            "Identifier": candidate.id,
            "Role": candidate.role,
            "Formula": rdMolDescriptors.CalcMolFormula(molecule),
            "Molecular weight": f"{average_mass(element_counts(molecule)):.2f} g/mol",
            "Exact mass": f"{rdMolDescriptors.CalcExactMolWt(molecule):.4f} Da",
            "SMILES": Chem.MolToSmiles(molecule),
            "InChI": Chem.MolToInchi(molecule) or MISSING,
            "InChIKey": inchikey(molecule),
        },
        note="Side chains are as drawn; solubilising chains are for the chemist to choose.",
    )
