"""Cheap descriptors of a molecule from its graph: size, flexibility, polarity and conjugation."""

from __future__ import annotations

from dataclasses import dataclass

from rdkit import Chem
from rdkit.Chem import Descriptors, rdMolDescriptors

from heliosc.chemistry.graph import MolecularGraph, Structure, as_graph, reachable


@dataclass(frozen=True, slots=True)
class MolecularDescriptors:
    """Descriptors of one molecule.

    Attributes
    ----------
    elements : symbols, hydrogen included
    molecular_weight : g/mol, natural isotopes
    log_p : Crippen octanol-water partition coefficient
    largest_conjugated_system : heavy atoms of the largest pi-conjugated system
    conjugated_fraction : share of the heavy atoms that are in any pi-conjugated system
    """

    elements: frozenset[str]
    heavy_atoms: int
    fragments: int
    formal_charge: int
    molecular_weight: float
    log_p: float
    rotatable_bonds: int
    rings: int
    largest_conjugated_system: int
    conjugated_fraction: float


def crippen_log_p(molecule: Chem.Mol) -> float:
    """Octanol-water partition coefficient, see ``describe``."""
    return float(rdMolDescriptors.CalcCrippenDescriptors(molecule)[0])


def describe(molecule: Chem.Mol) -> MolecularDescriptors:
    """All descriptors of one molecule.

    References
    ----------
    Wildman, Crippen, J. Chem. Inf. Comput. Sci. 1999, 39, 868, 10.1021/ci990307l (log P).
    """
    systems = conjugated_systems(molecule)
    heavy_atoms = molecule.GetNumHeavyAtoms()
    return MolecularDescriptors(
        elements=elements(molecule),
        heavy_atoms=heavy_atoms,
        fragments=len(Chem.GetMolFrags(molecule)),
        formal_charge=Chem.GetFormalCharge(molecule),
        molecular_weight=Descriptors.MolWt(molecule),  # type: ignore[attr-defined]
        log_p=crippen_log_p(molecule),
        rotatable_bonds=rdMolDescriptors.CalcNumRotatableBonds(molecule),
        rings=rdMolDescriptors.CalcNumRings(molecule),
        largest_conjugated_system=max(map(len, systems), default=0),
        conjugated_fraction=sum(map(len, systems)) / heavy_atoms if heavy_atoms else 0.0,
    )


def elements(molecule: Chem.Mol) -> frozenset[str]:
    """Element symbols of the molecule, implicit hydrogen included."""
    symbols = {atom.GetSymbol() for atom in molecule.GetAtoms()}
    if any(atom.GetTotalNumHs() for atom in molecule.GetAtoms()):
        symbols.add("H")
    return frozenset(symbols)


def conjugated_systems(structure: Structure) -> list[frozenset[int]]:
    """Atom indices of each pi-conjugated system, largest first.

    A system is a connected set of unsaturated atoms and of the heteroatoms that bridge two of them through a lone pair
    or an empty orbital: the nitrogen of a triarylamine, the sulfur of tetrathiafulvalene or thianthrene, the boron of a
    triarylborane (RDKit's own flag leaves the sulfur out). Saturated carbon, silicon, sulfones and phosphine oxides
    interrupt it; a double bond alone is none.
    """
    return as_graph(structure).once(_conjugated_systems)


_BRIDGES = frozenset({5, 7, 8, 15, 16, 34, 52})  # B N O P S Se Te
_HYPERVALENT = frozenset({15, 16, 34, 52})


def _conjugated_systems(graph: MolecularGraph) -> list[frozenset[int]]:
    waiting = frozenset(_pi_atoms(graph))
    systems = []
    while waiting:
        system = frozenset(reachable(graph, min(waiting), within=waiting))
        waiting -= system
        if len(system) > 2:
            systems.append(system)
    return sorted(systems, key=len, reverse=True)  # stable: of equal ones that with the lowest index first


def _pi_atoms(graph: MolecularGraph) -> set[int]:
    oxidised = _oxidised_chalcogens_and_phosphorus(graph)
    unsaturated = {
        atom
        for begin, end, order in graph.bonds
        if order > 1
        for atom in (begin, end)
        if graph.is_aromatic[atom] or atom not in oxidised
    }
    bridging = {
        atom
        for atom, number in enumerate(graph.numbers)
        if number in _BRIDGES
        and graph.degree(atom) <= 3
        and atom not in oxidised
        and sum(neighbour in unsaturated for neighbour in graph.neighbours[atom]) >= 2
    }
    return unsaturated | bridging


def _oxidised_chalcogens_and_phosphorus(graph: MolecularGraph) -> set[int]:
    """Sulfoxides, sulfones, phosphine oxides and their kin: tetrahedral, no p orbital for the pi system."""
    return {
        atom
        for begin, end, order in graph.bonds
        if order == 2
        for atom in (begin, end)
        if graph.numbers[atom] in _HYPERVALENT and graph.degree(atom) >= 3
    }
