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
    largest_conjugated_system : heavy atoms of the largest set linked by conjugated bonds
    conjugated_fraction : share of the heavy atoms that are in any conjugated system
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
    """Atom indices of each system linked by conjugated bonds, largest first.

    Two pi systems joined by an sp3 atom (a spiro centre, a silyl bridge) count apart.
    """
    skeleton = Chem.RWMol(molecule)
    skeleton.BeginBatchEdit()
    for bond in molecule.GetBonds():
        if not bond.GetIsConjugated():
            skeleton.RemoveBond(bond.GetBeginAtomIdx(), bond.GetEndAtomIdx())
    skeleton.CommitBatchEdit()
    systems = [frozenset(atoms) for atoms in Chem.GetMolFrags(skeleton) if len(atoms) > 1]
    return sorted(systems, key=lambda atoms: (-len(atoms), min(atoms)))
