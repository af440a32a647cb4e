"""Polar and hydrogen-bonding contributions of functional groups to the cohesive energy, by additive increments.

Mathieu's model has no increment for aromatic heteroatoms, imines, sulfur, silicon, bromine and iodine, which organic
semiconductors are made of. Those are anchored here: each takes the value with which its parent compound (pyridine for
an aromatic nitrogen, thiophene for an aromatic sulfur, ...) has exactly the polar parameter that was measured.
Neighbouring dipoles that cancel are not seen by any additive model.

References
----------
Mathieu, ACS Omega 2018, 3, 17049, 10.1021/acsomega.8b02601 (increments and groups; Supporting Information).
Hansen, Hansen Solubility Parameters: A User's Handbook, 2nd ed., CRC Press 2007, table A.1 (the parent compounds).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cache
from math import fsum

from rdkit import Chem

from heliosc.chemistry.graph import MolecularGraph, Structure, as_graph
from heliosc.chemistry.molar_volume import molar_volume

_POLAR: dict[str, float] = {  # J/mol
    "N(1)": 2783, "N(2)": 8235, "O(0)": 1603, "O(1)": 4125, "Cl(0)": 1637, "C=O": 7492, "COOH": -5494,
    "amide": 15972, "cyclic carbonate": 19019, "ester": 3653, "C#N": 16056, "nitro": 13276, "O=P": 20310,
    "N(0)": 0, "F(0)": 0,
}  # fmt: skip
_HYDROGEN_BONDING: dict[str, float] = {  # J/mol
    "HC": 24.5, "HN": -1576, "HN of an amide": 5060, "H of NH2": 5484, "HO": 16945, "HO of an acid": 7094,
    "N": 3252, "O": 1980, "halogen": 412,
}  # fmt: skip

# group -> parent compound and its measured polar parameter, MPa^0.5; a parent may hold groups of earlier lines
_ANCHORS: dict[str, tuple[str, float]] = {
    "S(0)": ("CCSCC", 3.1),
    "S(1)": ("CCS", 6.5),
    "aromatic S": ("c1ccsc1", 2.4),
    "aromatic O": ("c1ccoc1", 1.8),
    "aromatic N": ("c1ccncc1", 8.8),
    "aromatic NH": ("c1cc[nH]c1", 7.4),
    "Br(0)": ("Brc1ccccc1", 5.5),
    "I(0)": ("Ic1ccccc1", 6.0),
    "O=S": ("CS(C)=O", 16.4),
    "sulfone": ("O=S1(=O)CCCC1", 18.2),
    "C=N": ("CON=C(C)C", 4.6),
    "C=S": ("CN(C)C(=S)N(C)C", 6.0),
    "Si": ("C[Si](C)(C)O[Si](C)(C)C", 2.0),
}
_TAKEN_AS = {"Se(0)": "S(0)", "aromatic Se": "aromatic S"}  # nothing measured: the lighter homologue stands in

# SMARTS, which of its atoms are spoken for, and the atomic number of that with the double bond to oxygen
_PATTERNS: dict[str, tuple[str, tuple[int, ...], int]] = {
    "COOH": ("[CX3](=O)[OX2H1]", (0, 1, 2), 6),
    "nitro": ("[#6][$([NX3](=O)=O),$([NX3+](=O)[O-])]", (0, 1), 7),
    "cyclic carbonate": ("[OX2;R][CX3;R](=O)[OX2]", (0, 1, 2, 3), 6),
    "ester": ("[OX2][CX3]=O", (0, 1, 2), 6),
    "amide": ("[NX3][CX3](=[OX1])[#6]", (0, 1, 2, 3), 6),
    "sulfone": ("O=S=O", (0, 1, 2), 16),
}


@dataclass(frozen=True, slots=True)
class PolarEnergy:
    """Polar cohesive energy of one molecule.

    Attributes
    ----------
    value : J/mol, or None when a group has no increment; the sum may be below zero, which stands for none
    anchored : groups whose increment rests on one parent compound
    unknown : groups without any increment
    """

    value: float | None
    anchored: tuple[str, ...]
    unknown: tuple[str, ...]


def polar_energy(structure: Structure) -> PolarEnergy:
    """Sum of the polar increments of the molecule's groups."""
    groups = polar_groups(structure)
    anchored = {group for group in groups if group not in _POLAR and _TAKEN_AS.get(group, group) in _ANCHORS}
    unknown = set(groups) - set(_POLAR) - anchored
    value = None if unknown else fsum(n * _increment(group) for group, n in groups.items())
    return PolarEnergy(value, tuple(sorted(anchored)), tuple(sorted(unknown)))


def hydrogen_bonding_energy(structure: Structure) -> float:
    """Sum of the hydrogen-bonding increments, J/mol; defined for every molecule."""
    graph = as_graph(structure)
    composites = graph.once(_composite_groups)
    nitro, amides, acids = ({match[place] for match in composites.get(name, ())} for name, place in _HB_SITES)
    energies = []
    for atom, (number, n_hydrogens) in enumerate(zip(graph.numbers, graph.hydrogens, strict=True)):
        if number in _ACCEPTORS and atom not in nitro:
            energies.append(_HYDROGEN_BONDING[_ACCEPTORS[number]])
        elif number in _HALOGENS:
            energies.append(_HYDROGEN_BONDING["halogen"])
        if n_hydrogens and (number == 6 or number in _ACCEPTORS):
            kind = _hydrogen_kind(number, n_hydrogens, is_amide=atom in amides, is_acid=atom in acids)
            energies.append(n_hydrogens * _HYDROGEN_BONDING[kind])
    return fsum(energies)


def polar_groups(structure: Structure) -> Counter[str]:
    """How often each polar group occurs.

    Composite groups first, then unsaturated bonds between different elements that no composite group has claimed, then
    every heteroatom with its number of hydrogens; aromatic ones apart.
    """
    graph = as_graph(structure)
    counts: Counter[str] = Counter()
    claimed: set[int] = set()
    for name, matches in graph.once(_composite_groups).items():
        for match in matches:
            counts[name] += 1
            claimed.update(match[position] for position in _PATTERNS[name][1])
    for begin, end, order in graph.bonds:
        mark = _UNSATURATED.get(order)
        if mark and graph.numbers[begin] != graph.numbers[end] and begin not in claimed and end not in claimed:
            counts[mark.join(sorted((_symbol(graph.numbers[begin]), _symbol(graph.numbers[end]))))] += 1
            claimed.update((begin, end))
    kinds = Counter(zip(graph.numbers, map(len, graph.neighbours), graph.hydrogens, graph.is_aromatic, strict=True))
    for kind, n_atoms in kinds.items():
        for group in _heteroatom_groups(*kind):
            counts[group] += n_atoms
    return counts


_UNSATURATED = {2.0: "=", 3.0: "#"}
_HB_SITES = (("nitro", 1), ("amide", 0), ("COOH", 2))
_ACCEPTORS = {7: "N", 8: "O"}
_HALOGENS = frozenset({9, 17, 35, 53})


def _hydrogen_kind(number: int, n_hydrogens: int, *, is_amide: bool, is_acid: bool) -> str:
    if number == 6:
        return "HC"
    if number == 8:
        return "HO of an acid" if is_acid else "HO"
    if is_amide:
        return "HN of an amide"
    return "H of NH2" if n_hydrogens == 2 else "HN"


@cache
def _heteroatom_groups(number: int, degree: int, n_hydrogens: int, is_aromatic: bool) -> tuple[str, ...]:
    symbol = _symbol(number)
    if symbol in ("C", "H") or (symbol == "P" and degree + n_hydrogens > 3):
        return ()
    if symbol == "Si":
        return ("Si",)
    plain = f"{symbol}({n_hydrogens})"
    if not is_aromatic:
        return (plain,)
    if symbol == "N":
        return ("aromatic NH",) if n_hydrogens else ("aromatic N",) if degree == 2 else (plain,)
    return plain, f"aromatic {symbol}"


def _composite_groups(graph: MolecularGraph) -> dict[str, tuple[tuple[int, ...], ...]]:
    """Atoms of each occurrence of the groups of ``_PATTERNS``."""
    with_oxygen = {  # elements with a double bond to oxygen: every composite group has one
        graph.numbers[atom]
        for begin, end, order in graph.bonds
        if order == 2.0
        for atom, other in ((begin, end), (end, begin))
        if graph.numbers[other] == 8
    }
    found = {}
    for name, (_, _, centre) in _PATTERNS.items():
        if centre in with_oxygen:
            found[name] = graph.molecule.GetSubstructMatches(_pattern(name))
    return found


@cache
def _symbol(number: int) -> str:
    return str(Chem.GetPeriodicTable().GetElementSymbol(number))


@cache
def _pattern(name: str) -> Chem.Mol:
    return Chem.MolFromSmarts(_PATTERNS[name][0])


@cache
def _increment(group: str) -> float:
    """Polar increment, J/mol: Mathieu's, or what the parent compound leaves for this group."""
    group = _TAKEN_AS.get(group, group)
    if group in _POLAR:
        return _POLAR[group]
    smiles, delta_p = _ANCHORS[group]
    parent = Chem.MolFromSmiles(smiles)
    groups = polar_groups(parent)
    others = sum(n * _increment(other) for other, n in groups.items() if other != group)
    return (delta_p**2 * molar_volume(parent) - others) / groups[group]
