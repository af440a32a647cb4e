"""Packing score: how well the conjugated system of a molecule can stack, from its graph alone or with a conformer.

    score = size x planarity x access,   each from 0 to 1
    size = n / (n + 12)                     n atoms of the largest conjugated system: the face that can be covered
    planarity = product over the bonds between conjugated units of (1 - w sin^2 theta)
                                            w = 2 min(n_left, n_right) / n, theta the twist
    access = 1 / [1 + (m_bulk + 0.1 m_chain) / n]
                                            heavy atoms outside the system that stand on a quaternary atom at its edge
                                            (CR2 bridges, tert-butyl, SiR3: they hold the next molecule off), and others

From the graph theta is estimated from the groups beside the bond: theta = 90 deg [1 - exp(-clash / 2.1)], where clash
sums, over the two pairs that face each other in the better of both arrangements, the excess of their bulk over 1.3.
The bulks beside a six-membered ring (bare N or O 0.3, bare S 0.7, H 1.0, C=O 1.0, F 1.2, OR 1.3, aryl 1.7, alkyl 1.9;
0.4 less beside a five-membered ring, whose substituents point away) and the 2.1 are set so that biphenyl has 44 deg,
bithiophene and bipyridine lie flat and 2,2'-dimethylbiphenyl stands at 70 deg. From a conformer planarity is
1 / [1 + (MPP / 0.7 A)^2].

This is heliosc's own definition, made to rank molecules in bulk before any dimer has been computed. It knows neither
the crystal nor hydrogen bonds, nor the curvature of helicenes and bowls; it is not defined for fullerenes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import exp, radians, sin

from rdkit import Chem

from heliosc.chemistry.cages import fullerene_cage
from heliosc.chemistry.descriptors import conjugated_systems
from heliosc.chemistry.planarity import Planarity, unit_bonds

_SIZE = 12.0  # atoms of the conjugated system at which the size factor is one half
_CHAIN_WEIGHT = 0.1
_DEVIATION = 0.7  # A, MPP at which the planarity of a conformer counts one half
_CLASH_SCALE = 2.1
_ROOM = 1.3  # two groups whose bulks add up to this lie beside each other in the plane
_HYDROGEN, _HYDROGEN_OF_FIVE_RING, _HYDROGEN_OF_SIX_RING = 0.2, 0.6, 1.0
_BARE = {7: 0.3, 8: 0.3, 16: 0.7, 34: 0.8, 52: 0.9}
_SUBSTITUENTS = {1: 1.0, 7: 1.3, 8: 1.3, 9: 1.2}
_ARYL, _ALKYL, _LINEAR, _CARBONYL = 1.7, 1.9, 1.3, 1.0
_BRANCHED = 0.8  # an atom without hydrogen in no ring with the end of the bond: the aryl of an amine, C(CN)2
_BARE_BESIDE = 0.3  # a bare ring atom one bond further out, such as the N of benzothiadiazole
_RECESS_OF_FIVE_RING = 0.4


def packing_score(molecule: Chem.Mol) -> float | None:
    """Packing score of the graph; 0 without a conjugated system, None for a fullerene, for which it is not defined."""
    system = _stacking_system(molecule)
    if system is None:
        return None
    if not system:
        return 0.0
    twists = {bond: estimated_twist(molecule, bond) for bond in unit_bonds(molecule, system)}
    return _size(system) * _flatness(molecule, system, twists) * _access(molecule, system)


def conformer_packing_score(molecule: Chem.Mol, shape: Planarity) -> float | None:
    """Packing score with the planarity of a real conformer; None for a fullerene."""
    system = _stacking_system(molecule)
    if system is None:
        return None
    return _size(system) * _access(molecule, system) / (1.0 + (shape.deviation / _DEVIATION) ** 2) if system else 0.0


def estimated_twist(molecule: Chem.Mol, bond: tuple[int, int]) -> float:
    """Twist about a bond between two conjugated units from the groups beside it, 0 to 90 degrees."""
    left, right = (
        sorted(_bulks_beside(molecule, here, other=there), reverse=True) for here, there in (bond, bond[::-1])
    )
    clash = min(_clash(left, right), _clash(left, right[::-1]))
    return 90.0 * (1.0 - exp(-clash / _CLASH_SCALE))


def _stacking_system(molecule: Chem.Mol) -> frozenset[int] | None:
    systems = conjugated_systems(molecule)
    if not systems:
        return frozenset()
    is_large = len(systems[0]) >= 20 and molecule.GetRingInfo().NumRings() >= 12
    return None if is_large and fullerene_cage(molecule) else systems[0]


def _size(system: frozenset[int]) -> float:
    return len(system) / (len(system) + _SIZE)


def _flatness(molecule: Chem.Mol, system: frozenset[int], twists: Mapping[tuple[int, int], float]) -> float:
    product = 1.0
    for bond, twist in twists.items():
        side = len(_reachable(molecule, bond[0], within=system, without=bond[1]))
        weight = 2.0 * min(side, len(system) - side) / len(system)
        product *= 1.0 - weight * sin(radians(twist)) ** 2
    return product


def _access(molecule: Chem.Mol, system: frozenset[int]) -> float:
    outside = frozenset(range(molecule.GetNumAtoms())) - system
    bulky: set[int] = set()
    for index in outside:
        atom = molecule.GetAtomWithIdx(index)
        at_edge = any(neighbour.GetIdx() in system for neighbour in atom.GetNeighbors())
        if at_edge and atom.GetDegree() >= 4:
            bulky |= _reachable(molecule, index, within=outside, without=-1)
    return 1.0 / (1.0 + (len(bulky) + _CHAIN_WEIGHT * (len(outside) - len(bulky))) / len(system))


def _reachable(molecule: Chem.Mol, start: int, *, within: frozenset[int], without: int) -> set[int]:
    """Atoms that can be reached from one, without leaving a set or stepping on one atom."""
    found, waiting = {start}, [start]
    while waiting:
        for neighbour in molecule.GetAtomWithIdx(waiting.pop()).GetNeighbors():
            index = neighbour.GetIdx()
            if index in within and index != without and index not in found:
                found.add(index)
                waiting.append(index)
    return found


def _clash(left: Sequence[float], right: Sequence[float]) -> float:
    return sum(max(0.0, a + b - _ROOM) for a, b in zip(left, right, strict=False))


def _bulks_beside(molecule: Chem.Mol, here: int, *, other: int) -> list[float]:
    """Bulk of the two groups next to one end of the bond, its own hydrogens included."""
    atom = molecule.GetAtomWithIdx(here)
    bulks = [_bulk(molecule, neighbour, here) for neighbour in atom.GetNeighbors() if neighbour.GetIdx() != other]
    return (bulks + [_HYDROGEN] * atom.GetTotalNumHs())[:2]


def _bulk(molecule: Chem.Mol, atom: Chem.Atom, end: int) -> float:
    """Bulk that an atom next to the end of the bond presents to the other side."""
    index, rings = atom.GetIdx(), molecule.GetRingInfo()
    if not rings.AreAtomsInSameRing(index, end):
        return _HYDROGEN_OF_FIVE_RING if atom.GetTotalNumHs() else _BRANCHED
    recess = _RECESS_OF_FIVE_RING if rings.AreAtomsInSameRingOfSize(index, end, 5) else 0.0
    neighbours = [neighbour for neighbour in atom.GetNeighbors() if neighbour.GetIdx() != end]
    outward = [neighbour for neighbour in neighbours if not rings.AreAtomsInSameRing(neighbour.GetIdx(), end)]
    if outward:
        return max(_substituent_bulk(neighbour) for neighbour in outward) - recess
    if atom.GetTotalNumHs():
        return _HYDROGEN_OF_SIX_RING - recess
    return _BARE.get(atom.GetAtomicNum(), _HYDROGEN_OF_FIVE_RING)


def _substituent_bulk(atom: Chem.Atom) -> float:
    number = atom.GetAtomicNum()
    if atom.IsInRing() and number in _BARE and atom.GetDegree() == 2:
        return _BARE[number] + _BARE_BESIDE
    if number in _SUBSTITUENTS:
        return _SUBSTITUENTS[number]
    if number == 6 and atom.GetHybridization() == Chem.HybridizationType.SP:
        return _LINEAR
    if number == 6 and atom.GetHybridization() == Chem.HybridizationType.SP2:
        is_carbonyl = any(n.GetAtomicNum() == 8 and n.GetDegree() == 1 for n in atom.GetNeighbors())
        return _CARBONYL if is_carbonyl else _ARYL
    return _ALKYL
