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
from heliosc.chemistry.graph import MolecularGraph, Structure, as_graph, reachable
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


def packing_score(structure: Structure) -> float | None:
    """Packing score of the graph; 0 without a conjugated system, None for a fullerene, for which it is not defined."""
    graph = as_graph(structure)
    system = _stacking_system(graph)
    if system is None:
        return None
    if not system:
        return 0.0
    return _size(system) * _flatness(graph, system, estimated_twists(graph)) * _access(graph, system)


def conformer_packing_score(molecule: Chem.Mol, shape: Planarity) -> float | None:
    """Packing score with the planarity of a real conformer; None for a fullerene."""
    graph = as_graph(molecule)
    system = _stacking_system(graph)
    if system is None:
        return None
    return _size(system) * _access(graph, system) / (1.0 + (shape.deviation / _DEVIATION) ** 2) if system else 0.0


def estimated_twists(structure: Structure) -> dict[tuple[int, int], float]:
    """Twist about each bond between units of the largest conjugated system, degrees; empty without one."""
    return as_graph(structure).once(_estimated_twists)


def estimated_twist(structure: Structure, bond: tuple[int, int]) -> float:
    """Twist about a bond between two conjugated units from the groups beside it, 0 to 90 degrees."""
    graph = as_graph(structure)
    left, right = (sorted(_bulks_beside(graph, here, other=there), reverse=True) for here, there in (bond, bond[::-1]))
    clash = min(_clash(left, right), _clash(left, right[::-1]))
    return 90.0 * (1.0 - exp(-clash / _CLASH_SCALE))


def _estimated_twists(graph: MolecularGraph) -> dict[tuple[int, int], float]:
    systems = conjugated_systems(graph)
    return {bond: estimated_twist(graph, bond) for bond in unit_bonds(graph, systems[0])} if systems else {}


def _stacking_system(graph: MolecularGraph) -> frozenset[int] | None:
    systems = conjugated_systems(graph)
    if not systems:
        return frozenset()
    is_large = len(systems[0]) >= 20 and len(graph.rings) >= 12
    return None if is_large and fullerene_cage(graph.molecule) else systems[0]


def _size(system: frozenset[int]) -> float:
    return len(system) / (len(system) + _SIZE)


def _flatness(graph: MolecularGraph, system: frozenset[int], twists: Mapping[tuple[int, int], float]) -> float:
    product = 1.0
    for bond, twist in twists.items():
        side = len(reachable(graph, bond[0], within=system, without=bond[1]))
        weight = 2.0 * min(side, len(system) - side) / len(system)
        product *= 1.0 - weight * sin(radians(twist)) ** 2
    return product


def _access(graph: MolecularGraph, system: frozenset[int]) -> float:
    outside = frozenset(range(len(graph.numbers))) - system
    bulky: set[int] = set()
    for atom in outside:
        if graph.degree(atom) >= 4 and not system.isdisjoint(graph.neighbours[atom]):
            bulky |= reachable(graph, atom, within=outside)
    return 1.0 / (1.0 + (len(bulky) + _CHAIN_WEIGHT * (len(outside) - len(bulky))) / len(system))


def _clash(left: Sequence[float], right: Sequence[float]) -> float:
    return sum(max(0.0, a + b - _ROOM) for a, b in zip(left, right, strict=False))


def _bulks_beside(graph: MolecularGraph, here: int, *, other: int) -> list[float]:
    """Bulk of the two groups next to one end of the bond, its own hydrogens included."""
    bulks = [_bulk(graph, neighbour, here) for neighbour in graph.neighbours[here] if neighbour != other]
    return (bulks + [_HYDROGEN] * graph.hydrogens[here])[:2]


def _bulk(graph: MolecularGraph, atom: int, end: int) -> float:
    """Bulk that an atom next to the end of the bond presents to the other side."""
    shared = [ring for ring in graph.rings if atom in ring and end in ring]
    if not shared:
        return _HYDROGEN_OF_FIVE_RING if graph.hydrogens[atom] else _BRANCHED
    recess = _RECESS_OF_FIVE_RING if any(len(ring) == 5 for ring in shared) else 0.0
    outward = [
        neighbour
        for neighbour in graph.neighbours[atom]
        if neighbour != end and not any(neighbour in ring and end in ring for ring in graph.rings)
    ]
    if outward:
        return max(_substituent_bulk(graph, neighbour) for neighbour in outward) - recess
    if graph.hydrogens[atom]:
        return _HYDROGEN_OF_SIX_RING - recess
    return _BARE.get(graph.numbers[atom], _HYDROGEN_OF_FIVE_RING)


def _substituent_bulk(graph: MolecularGraph, index: int) -> float:
    number = graph.numbers[index]
    if number in _BARE and graph.degree(index) == 2 and any(index in ring for ring in graph.rings):
        return _BARE[number] + _BARE_BESIDE
    if number in _SUBSTITUENTS:
        return _SUBSTITUENTS[number]
    hybridisation = graph.molecule.GetAtomWithIdx(index).GetHybridization()
    if number == 6 and hybridisation == Chem.HybridizationType.SP:
        return _LINEAR
    if number == 6 and hybridisation == Chem.HybridizationType.SP2:
        is_carbonyl = any(graph.numbers[n] == 8 and graph.degree(n) == 1 for n in graph.neighbours[index])
        return _CARBONYL if is_carbonyl else _ARYL
    return _ALKYL
