"""Cheap descriptors of a molecule from its graph: size, flexibility, polarity and conjugation."""

from __future__ import annotations

from dataclasses import dataclass

from rdkit import Chem
from rdkit.Chem import Descriptors, rdMolDescriptors


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
        log_p=rdMolDescriptors.CalcCrippenDescriptors(molecule)[0],
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


def conjugated_systems(molecule: Chem.Mol) -> list[frozenset[int]]:
    """Atom indices of each pi-conjugated system, largest first.

    A system is a connected set of unsaturated atoms and of the heteroatoms that bridge two of them through a lone pair
    or an empty orbital: the nitrogen of a triarylamine, the sulfur of tetrathiafulvalene or thianthrene, the boron of a
    triarylborane (RDKit's own flag leaves the sulfur out). Saturated carbon, silicon, sulfones and phosphine oxides
    interrupt it; a double bond alone is none.
    """
    pi_atoms = _pi_atoms(molecule)
    skeleton = Chem.RWMol(molecule)
    skeleton.BeginBatchEdit()
    for bond in molecule.GetBonds():
        if not {bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()} <= pi_atoms:
            skeleton.RemoveBond(bond.GetBeginAtomIdx(), bond.GetEndAtomIdx())
    skeleton.CommitBatchEdit()
    systems = [frozenset(atoms) for atoms in Chem.GetMolFrags(skeleton) if len(atoms) > 2]
    return sorted(systems, key=lambda atoms: (-len(atoms), min(atoms)))


_BRIDGES = frozenset({5, 7, 8, 15, 16, 34, 52})  # B N O P S Se Te
_HYPERVALENT = frozenset({15, 16, 34, 52})


def _pi_atoms(molecule: Chem.Mol) -> set[int]:
    unsaturated = {
        atom.GetIdx()
        for bond in molecule.GetBonds()
        if bond.GetBondTypeAsDouble() > 1
        for atom in (bond.GetBeginAtom(), bond.GetEndAtom())
        if atom.GetIsAromatic() or not _is_oxidised_chalcogen_or_phosphorus(atom)
    }
    bridging = {
        atom.GetIdx()
        for atom in molecule.GetAtoms()
        if atom.GetAtomicNum() in _BRIDGES
        and atom.GetDegree() <= 3
        and not _is_oxidised_chalcogen_or_phosphorus(atom)
        and sum(neighbour.GetIdx() in unsaturated for neighbour in atom.GetNeighbors()) >= 2
    }
    return unsaturated | bridging


def _is_oxidised_chalcogen_or_phosphorus(atom: Chem.Atom) -> bool:
    """Sulfoxide, sulfone, phosphine oxide and their kin: tetrahedral, no p orbital for the pi system."""
    double_bonds = sum(bond.GetBondTypeAsDouble() == 2 for bond in atom.GetBonds())
    return atom.GetAtomicNum() in _HYPERVALENT and atom.GetDegree() >= 3 and double_bonds > 0
