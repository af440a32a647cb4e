"""Materials as they will be made: side chains grafted on a core, and the structural scores of the whole.

A polymer is judged by a chain of its repeat units capped with hydrogen, of four units where that is no more than
``MAX_HEAVY_ATOMS``, since the increments behind solubility know no open ends.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rdkit import Chem

from heliosc.chemistry.condensed_phase import condensed_phase_scores
from heliosc.chemistry.identity import MAX_HEAVY_ATOMS, parse_smiles
from heliosc.chemistry.polymers import oligomer, repeat_unit
from heliosc.chemistry.side_chains import graft_side_chains, mark_methyl_groups, site_numbers
from heliosc.chemistry.synthesizability import sa_score
from heliosc.errors import InputError

LONGEST_SCORED = 4


@dataclass(frozen=True, slots=True)
class Material:
    """A core with its side chains.

    Attributes
    ----------
    smiles : canonical; of the repeat unit where it is a polymer
    core : canonical, as it was given
    side_chains : number of each site and the chain on it
    n_units : repeat units of the oligomer that was scored; None for a molecule
    scores : property name -> value at level ``structure``
    """

    smiles: str
    core: str
    side_chains: tuple[tuple[int, str], ...]
    n_units: int | None
    scores: dict[str, float]


def made_material(smiles: str, chains: Mapping[int, str], *, marks_methyl: bool = False) -> Material:
    """Graft side chains on a core and score what comes out.

    Parameters
    ----------
    chains : number of a site -> name in ``SIDE_CHAINS`` or SMILES; numbers that the core does not have are left out
    marks_methyl : methyl groups on the conjugated core become sites number 1 first

    Raises
    ------
    InputError : no site, a site without a chain, an unreadable chain, or open ends that make no repeat unit
    """
    core = parse_smiles(smiles)
    marked = mark_methyl_groups(core) if marks_methyl else core
    numbers = site_numbers(marked)
    if not numbers:
        raise InputError(
            f"{smiles[:80]!r} has no site for a side chain; mark them as [*:1], or take its methyl groups for sites"
        )
    used = {number: chain for number, chain in sorted(chains.items()) if number in numbers}
    material = graft_side_chains(marked, used)
    scored, n_units = _scored(material)
    scores = {"sa_score": sa_score(scored), **condensed_phase_scores(scored)}
    return Material(Chem.MolToSmiles(material), Chem.MolToSmiles(core), tuple(used.items()), n_units, scores)


def _scored(material: Chem.Mol) -> tuple[Chem.Mol, int | None]:
    """The molecule itself, or the oligomer that stands for a polymer, and how many units it has."""
    if not any(atom.GetAtomicNum() == 0 for atom in material.GetAtoms()):
        return material, None
    unit = repeat_unit(Chem.MolToSmiles(material))
    heavy = sum(atom.GetAtomicNum() > 1 for atom in unit.molecule.GetAtoms())
    n_units = min(LONGEST_SCORED, MAX_HEAVY_ATOMS // heavy)
    return parse_smiles(oligomer(unit, n_units).smiles), n_units
