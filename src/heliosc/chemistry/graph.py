"""The graph of a molecule as plain Python lists, read from RDKit once and shared by all that walks over it.

Asking RDKit for an atom costs more than most of what is done with the answer; in bulk that is half of the time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from rdkit import Chem

Value = TypeVar("Value")


class MolecularGraph:
    """Atoms and bonds of one molecule, which must not be changed afterwards.

    Attributes
    ----------
    molecule : what was read
    numbers : (n_atoms,), atomic numbers
    hydrogens : (n_atoms,), hydrogens that are not atoms of the graph
    is_aromatic : (n_atoms,)
    neighbours : (n_atoms,), indices of the atoms bound to each, in RDKit's order
    bonds : (n_bonds,), begin, end and order (1.5 = aromatic, 1 also for a dative bond)
    rings : atoms of each ring
    """

    __slots__ = ("_known", "bonds", "hydrogens", "is_aromatic", "molecule", "neighbours", "numbers", "rings")

    def __init__(self, molecule: Chem.Mol) -> None:
        self.molecule = molecule
        # by index: RDKit's own iterators cost three times as much
        atoms = [molecule.GetAtomWithIdx(index) for index in range(molecule.GetNumAtoms())]
        self.numbers: list[int] = [atom.GetAtomicNum() for atom in atoms]
        self.hydrogens: list[int] = [atom.GetTotalNumHs() for atom in atoms]
        self.is_aromatic: list[bool] = [atom.GetIsAromatic() for atom in atoms]
        self.neighbours: list[list[int]] = [[] for _ in atoms]
        self.bonds: list[tuple[int, int, float]] = []
        for index in range(molecule.GetNumBonds()):
            bond = molecule.GetBondWithIdx(index)
            begin, end = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()
            self.bonds.append((begin, end, bond.GetBondTypeAsDouble()))
            self.neighbours[begin].append(end)
            self.neighbours[end].append(begin)
        self.rings: tuple[tuple[int, ...], ...] = tuple(molecule.GetRingInfo().AtomRings())
        self._known: dict[Callable[[MolecularGraph], Any], Any] = {}

    def once(self, compute: Callable[[MolecularGraph], Value]) -> Value:
        """``compute(graph)``, computed at the first call and kept."""
        if compute not in self._known:
            self._known[compute] = compute(self)
        value: Value = self._known[compute]
        return value

    def degree(self, atom: int) -> int:
        """Neighbours that are atoms of the graph."""
        return len(self.neighbours[atom])

    def is_single(self, begin: int, end: int) -> bool:
        """Whether the bond between two atoms is single and not dative."""
        return bool(self.molecule.GetBondBetweenAtoms(begin, end).GetBondType() == Chem.BondType.SINGLE)

    def is_linear(self, atom: int) -> bool:
        """Whether RDKit takes the atom for sp hybridised."""
        hybridisation = self.molecule.GetAtomWithIdx(atom).GetHybridization()
        return bool(hybridisation == Chem.HybridizationType.SP)


Structure = Chem.Mol | MolecularGraph
"""What functions of the graph take: one call needs the molecule only, several share what they read."""


def as_graph(structure: Structure) -> MolecularGraph:
    """The graph of a molecule, or the graph itself."""
    return structure if isinstance(structure, MolecularGraph) else MolecularGraph(structure)


def reachable(graph: MolecularGraph, start: int, *, within: frozenset[int], without: int = -1) -> set[int]:
    """Atoms that can be reached from one, without leaving a set or stepping on one atom."""
    found, waiting = {start}, [start]
    while waiting:
        for index in graph.neighbours[waiting.pop()]:
            if index in within and index != without and index not in found:
                found.add(index)
                waiting.append(index)
    return found
