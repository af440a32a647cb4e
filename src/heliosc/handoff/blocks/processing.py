"""From the powder to the film: solubility parameters, solvents, side chains."""

from __future__ import annotations

from collections.abc import Mapping

from rdkit import Chem

from heliosc.chemistry.descriptors import conjugated_systems
from heliosc.chemistry.hansen import MEASURED_PARAMETERS, HansenParameters, hansen_distance, hansen_parameters
from heliosc.chemistry.side_chains import SIDE_CHAINS, mark_methyl_groups, site_numbers
from heliosc.errors import InputError
from heliosc.handoff.blocks.tables import NOT_EVALUATED, Cell, Table, facts_table

NO_MORPHOLOGY = "no morphology model: mixing, crystallisation and film formation are not predicted"
_FULLERENES = ("PC61BM", "C60")
_CANDIDATE_CHAINS = ("hexyl", "2-ethylhexyl", "2-butyloctyl", "2-hexyldecyl", "2-octyldodecyl")
ALKYL_SHARE = 0.5
"""Alkyl carbons for each atom of the conjugated core that chains should bring: a rule of thumb."""
N_SOLVENTS = 4


def processing(molecule: Chem.Mol, *, dipole_debye: float | None) -> Table:
    """Hansen parameters, the nearest solvents, a side-chain suggestion.

    Parameters
    ----------
    dipole_debye : computed dipole moment of the neutral; used where the increments know no polar part
    """
    try:
        parameters = _parameters(molecule, dipole_debye=dipole_debye)
    except InputError as error:
        facts: dict[str, Cell] = {"Hansen parameters": f"{NOT_EVALUATED}: {error}"}
    else:
        facts = {"Hansen parameters": _hansen_text(parameters), "Solvents to try": _solvent_text(parameters)}
    facts |= {"Side chains": side_chain_suggestion(molecule), "Morphology": NO_MORPHOLOGY}
    return facts_table(
        "Processing",
        facts,
        note=(
            "Hansen parameters are group increments (D/P/H, MPa^0.5) of the molecule as drawn; Ra is the distance to "
            "the solvent, smaller dissolves better; ranks solvents, predicts no solubility."
        ),
    )


def side_chain_suggestion(molecule: Chem.Mol) -> str:
    """Which usual chain would bring enough alkyl carbon to the core, and where it can go."""
    n_core = len(frozenset().union(*conjugated_systems(molecule)))
    n_alkyl = sum(_is_chain_carbon(atom) for atom in molecule.GetAtoms())
    if n_alkyl >= ALKYL_SHARE * n_core:
        return f"as drawn: {n_alkyl} alkyl carbons on a conjugated core of {n_core} atoms"
    marked = mark_methyl_groups(molecule)
    n_sites = sum(atom.GetAtomMapNum() > 0 for atom in marked.GetAtoms()) if site_numbers(marked) else 0
    if not n_sites:
        return "no methyl group on the core marks a place for a chain; a chemist chooses"
    sizes = {name: Chem.MolFromSmiles(SIDE_CHAINS[name]).GetNumHeavyAtoms() for name in _CANDIDATE_CHAINS}
    enough = [name for name, size in sizes.items() if n_alkyl + n_sites * (size - 1) >= ALKYL_SHARE * n_core]
    chain = enough[0] if enough else _CANDIDATE_CHAINS[-1]
    return f"{chain} in place of {n_sites} methyl group{'s' if n_sites > 1 else ''} (rule of thumb by size)"


def _is_chain_carbon(atom: Chem.Atom) -> bool:
    return atom.GetAtomicNum() == 6 and str(atom.GetHybridization()) == "SP3" and not atom.IsInRing()


def _parameters(molecule: Chem.Mol, *, dipole_debye: float | None) -> HansenParameters:
    by_increments = hansen_parameters(molecule)
    if by_increments.delta_p is None and dipole_debye is not None:
        return hansen_parameters(molecule, dipole_debye=dipole_debye)
    return by_increments


def _hansen_text(parameters: HansenParameters) -> str:
    polar = "unknown" if parameters.delta_p is None else f"{parameters.delta_p:.1f}"
    text = f"{parameters.delta_d:.1f} / {polar} / {parameters.delta_h:.1f}"
    return "; ".join((text, *parameters.warnings))


def _solvent_text(parameters: HansenParameters) -> str:
    distances = _solvent_distances(parameters)
    if not distances:
        return f"{NOT_EVALUATED}: the polar parameter is unknown"
    nearest = sorted(distances.items(), key=lambda item: item[1])[:N_SOLVENTS]
    return ", ".join(f"{name} (Ra {distance:.1f})" for name, distance in nearest)


def _solvent_distances(parameters: HansenParameters) -> Mapping[str, float]:
    found = {
        entry.name: hansen_distance(parameters, hansen_parameters(Chem.MolFromSmiles(entry.smiles)))
        for entry in MEASURED_PARAMETERS
        if entry.name not in _FULLERENES
    }
    return {name: distance for name, distance in found.items() if distance is not None}
