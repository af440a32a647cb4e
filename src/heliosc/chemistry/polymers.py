"""Polymers as repeat units with two attachment points, and the capped oligomers that stand for them.

Oligomers are joined head to tail in the order in which the attachment points are written, and capped with hydrogen.

References
----------
Lin et al., ACS Cent. Sci. 2019, 5, 1523, 10.1021/acscentsci.9b00476 (BigSMILES).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from rdkit import Chem

from heliosc.chemistry.identity import MAX_HEAVY_ATOMS, parse_smiles
from heliosc.errors import InputError

CAP = "H"
_STOCHASTIC_OBJECT = re.compile(r"\{(.*)\}", re.DOTALL)
_TERMINAL_DESCRIPTOR = re.compile(r"^\[\]|\[\]$|^\[[$<>]\d*\](?=\[[$<>]\d*\])|(?<=\])\[[$<>]\d*\]$")
_DESCRIPTOR = re.compile(r"\[([$<>]?)\d*\]")


@dataclass(frozen=True, slots=True)
class RepeatUnit:
    """Repeat unit of a polymer.

    Attributes
    ----------
    molecule : with exactly two attachment points
    head, tail : atom indices of the attachment points, in the order written
    """

    molecule: Chem.Mol
    head: int
    tail: int

    @property
    def smiles(self) -> str:
        """Canonical SMILES; two units that differ only in their direction have the same one."""
        return Chem.MolToSmiles(self.molecule)


@dataclass(frozen=True, slots=True)
class Oligomer:
    """A chain of ``n_units`` repeat units.

    Attributes
    ----------
    smiles : canonical
    repeat_unit : canonical SMILES of the unit
    cap : what ends the chain on both sides
    """

    smiles: str
    n_units: int
    repeat_unit: str
    cap: str = CAP


def repeat_unit(smiles: str) -> RepeatUnit:
    """Read a repeat unit such as ``[*]c1ccc([*])s1``; marked side-chain sites ``[*:1]`` may be there too.

    Raises
    ------
    InputError : unreadable, or not two attachment points with one single bond each in one piece
    """
    molecule = parse_smiles(smiles)
    ends = [atom for atom in molecule.GetAtoms() if atom.GetAtomicNum() == 0 and not atom.GetAtomMapNum()]
    is_single = all(atom.GetDegree() == 1 and atom.GetBonds()[0].GetBondType() == Chem.BondType.SINGLE for atom in ends)
    if len(ends) != 2 or not is_single or len(Chem.GetMolFrags(molecule)) != 1:
        raise InputError(
            f"{smiles[:80]!r} is no repeat unit: it has {len(ends)} attachment points; expected two, each with one "
            "single bond, in one piece, such as [*]c1ccc([*])s1"
        )
    return RepeatUnit(molecule, ends[0].GetIdx(), ends[1].GetIdx())


def repeat_unit_from_bigsmiles(text: str) -> RepeatUnit:
    """Read the repeat unit of a BigSMILES homopolymer: ``{[$]CC[$]}``, ``{[][<]CC[>][]}``.

    With ``$`` on both sides nature joins units in either direction; oligomers are built head to tail all the same.

    Raises
    ------
    InputError : not one stochastic object with one repeat unit, end groups, or bonding descriptors that do not pair
    """
    found = _STOCHASTIC_OBJECT.fullmatch(text.strip())
    inside = found.group(1) if found else ""
    if not inside or any(mark in inside for mark in "{},;"):
        raise InputError(
            f"cannot read BigSMILES {text[:80]!r}; expected one stochastic object with one repeat unit and no end "
            "groups, such as {[$]CC[$]}"
        )
    body = _TERMINAL_DESCRIPTOR.sub("", inside)
    kinds = [match.group(1) for match in _DESCRIPTOR.finditer(body)]
    if sorted(kinds) not in (["$", "$"], ["<", ">"]):
        raise InputError(
            f"BigSMILES {text[:80]!r} has bonding descriptors {kinds}; expected [$] twice, or [<] and [>] once each"
        )
    return repeat_unit(_DESCRIPTOR.sub("[*]", body))


def oligomer(unit: RepeatUnit, n_units: int) -> Oligomer:
    """Chain of ``n_units`` units, capped with hydrogen on both ends.

    Raises
    ------
    InputError : no unit, or more heavy atoms than a molecule may have
    """
    heavy = sum(atom.GetAtomicNum() > 1 for atom in unit.molecule.GetAtoms())
    longest = MAX_HEAVY_ATOMS // max(heavy, 1)
    if not 1 <= n_units <= longest:
        raise InputError(f"{n_units} units of {heavy} heavy atoms each; expected an oligomer of 1 to {longest} units")
    units = [_labelled(unit, index, n_units=n_units) for index in range(n_units)]
    joined = units[0]
    for following in units[1:]:
        joined = Chem.molzip(joined, following, _by_isotope())  # keeps the stereo marks beside the new bond
    return Oligomer(Chem.MolToSmiles(_capped(joined)), n_units, unit.smiles)


def _labelled(unit: RepeatUnit, index: int, *, n_units: int) -> Chem.Mol:
    """A copy whose ends carry, as isotope, the number of the link they belong to; none at the ends of the chain."""
    molecule = Chem.Mol(unit.molecule)
    molecule.GetAtomWithIdx(unit.head).SetIsotope(index)
    molecule.GetAtomWithIdx(unit.tail).SetIsotope(index + 1 if index + 1 < n_units else 0)
    return molecule


def _by_isotope() -> Chem.MolzipParams:
    parameters = Chem.MolzipParams()
    parameters.label = Chem.MolzipLabel.Isotope
    return parameters


def _capped(chain: Chem.Mol) -> Chem.Mol:
    """Hydrogen on the two ends; stereo that a hydrogen defined is gone with it."""
    capped = Chem.RWMol(chain)
    for atom in capped.GetAtoms():
        if atom.GetAtomicNum() == 0 and not atom.GetAtomMapNum():
            atom.SetAtomicNum(1)
    parameters: Any = Chem.RemoveHsParameters()  # RDKit's type stubs take its settings for the class
    parameters.removeDefiningBondStereo = True
    result = Chem.RemoveHs(capped.GetMol(), parameters)
    Chem.AssignStereochemistry(result, cleanIt=True, force=True)
    return result


def double_bonds_on_path(unit: RepeatUnit) -> int:
    """Double bonds of one unit on the shortest way through unsaturated carbon from head to tail: Kuhn's oscillators.

    A triple bond counts once, thiophene-2,5-diyl and 1,4-phenylene count two each.

    Raises
    ------
    InputError : no such way: the unit is not conjugated from end to end
    """
    unsaturated = Chem.RWMol(unit.molecule)
    for bond in unit.molecule.GetBonds():
        ends = bond.GetBeginAtom(), bond.GetEndAtom()
        if not all(atom.GetAtomicNum() == 0 or _is_unsaturated_carbon(atom) for atom in ends):
            unsaturated.RemoveBond(ends[0].GetIdx(), ends[1].GetIdx())
    path = Chem.GetShortestPath(unsaturated, unit.head, unit.tail)
    if len(path) < 4:
        raise InputError(f"repeat unit {unit.smiles[:80]!r} is not conjugated through carbon from end to end")
    return (len(path) - 2) // 2


def _is_unsaturated_carbon(atom: Chem.Atom) -> bool:
    return atom.GetAtomicNum() == 6 and atom.GetHybridization() in (
        Chem.HybridizationType.SP,
        Chem.HybridizationType.SP2,
    )
