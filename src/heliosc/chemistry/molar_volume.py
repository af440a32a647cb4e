"""Molar volume, molar refraction and density by additive increments: no geometry, no calculation.

An atom's increment depends on its element, its number of neighbours and hydrogens, and for the refraction on
aromaticity; rings add their own. The density is that of a condensed phase at room temperature, an estimate of a few
per cent for organic liquids and small crystals; only a periodic simulation at constant pressure gives one of its own.

References
----------
Mathieu, ACS Omega 2018, 3, 17049, 10.1021/acsomega.8b02601 (increments; the tables of its Supporting Information).
"""

from __future__ import annotations

from collections import Counter
from functools import cache
from math import fsum

from rdkit import Chem
from rdkit.Chem import Descriptors

from heliosc.chemistry.graph import MolecularGraph, Structure, as_graph
from heliosc.errors import InputError

# element, neighbours (hydrogen included), hydrogens[, "a" aromatic] -> cm3/mol (volume), cm3/mol (refraction)
_ATOMS: dict[str, tuple[float, float]] = {
    "B30": (7.61, 2.91), "Br10": (27.52, 8.44), "C10": (14.68, 2.32), "C20": (9.89, 4.01), "C21": (22.77, 4.58),
    "C30": (0.0, 3.15), "C30a": (0.0, 3.48), "C31": (13.23, 4.65), "C31a": (13.23, 4.46), "C32": (27.17, 5.38),
    "C40": (-8.40, 2.60), "C41": (4.46, 3.48), "C42": (16.57, 4.60), "C43": (29.58, 5.74), "Cl10": (24.74, 5.87),
    "F10": (17.63, 1.06), "Ge40": (9.36, 8.54), "I10": (35.64, 13.75), "N10": (14.09, 1.55), "N20": (7.42, 2.60),
    "N20a": (7.42, 2.44), "N21": (18.14, 3.55), "N30": (-3.08, 2.89), "N30a": (-3.08, 2.85), "N31": (7.74, 3.69),
    "N31a": (7.74, 3.72), "N32": (17.81, 4.60), "N43": (5.36, 8.02), "O10": (14.89, 1.84), "O20": (6.25, 1.55),
    "O20a": (6.25, 0.71), "O21": (11.78, 2.51), "P30": (10.42, 7.41), "P40": (-1.94, 4.98), "P41": (10.06, 5.41),
    "S10": (25.92, 10.60), "S20": (14.90, 8.22), "S20a": (14.90, 7.05), "S21": (26.14, 8.71), "S30": (5.58, 7.28),
    "S40": (-3.74, 5.12), "Se20": (19.00, 11.53), "Se20a": (19.00, 9.43), "Si40": (9.28, 6.38), "Si41": (23.35, 7.85),
    "Sn40": (14.47, 14.90), "Ti40": (6.09, 14.66),
}  # fmt: skip
_SMALL_RING, _FIVE_RING, _SIX_RING, _LARGE_RING = 10.89, 9.41, 6.89, 3.75  # cm3/mol for each ring of that size
_AROMATIC_RING = 1.82  # cm3/mol, on top of the ring's size


def molar_volume(structure: Structure) -> float:
    """Molar volume of the condensed phase, cm3/mol.

    Raises
    ------
    InputError : an atom without increment, such as an attachment point or an unusual valence, or too few atoms
    """
    return volume_and_refraction(structure)[0]


def volume_and_refraction(structure: Structure) -> tuple[float, float]:
    """Molar volume and molar refraction, cm3/mol.

    Raises
    ------
    InputError : see ``molar_volume``
    """
    graph = as_graph(structure)
    counts = _counted_atoms(graph)
    volumes = (_ATOMS[code][0] * n for code, n in counts.items())
    volume = fsum((*volumes, *_ring_volumes(graph)))  # exact, so that the order of the atoms cannot show
    if volume <= 0:
        raise InputError(
            f"increments give {Chem.MolToSmiles(graph.molecule)!r} no volume; expected an organic molecule"
        )
    return volume, fsum(_ATOMS[code][1] * n for code, n in counts.items())


def estimated_density(molecule: Chem.Mol) -> float:
    """Density, g/cm3: molar mass over molar volume.

    Raises
    ------
    InputError : see ``molar_volume``
    """
    return Descriptors.MolWt(molecule) / molar_volume(molecule)  # type: ignore[attr-defined]


def _counted_atoms(graph: MolecularGraph) -> Counter[str]:
    kinds = Counter(zip(graph.numbers, map(len, graph.neighbours), graph.hydrogens, graph.is_aromatic, strict=True))
    counts: Counter[str] = Counter()
    for kind, n_atoms in kinds.items():
        counts[_atom_code(*kind)] += n_atoms
    unknown = sorted(set(counts) - set(_ATOMS))
    if unknown:
        raise InputError(
            f"no volume increment for {', '.join(unknown)} (element, neighbours, hydrogens) in "
            f"{Chem.MolToSmiles(graph.molecule)[:80]!r}; expected neutral organic groups without attachment points"
        )
    return counts


@cache
def _atom_code(number: int, degree: int, n_hydrogens: int, is_aromatic: bool) -> str:
    symbol = Chem.GetPeriodicTable().GetElementSymbol(number)
    return f"{symbol}{degree + n_hydrogens}{n_hydrogens}{'a' if is_aromatic else ''}"


def _ring_volumes(graph: MolecularGraph) -> list[float]:
    volumes = []
    for ring in graph.rings:
        volumes.append({5: _FIVE_RING, 6: _SIX_RING}.get(len(ring), _SMALL_RING if len(ring) < 5 else _LARGE_RING))
        if all(graph.is_aromatic[atom] for atom in ring):
            volumes.append(_AROMATIC_RING)
    return volumes
