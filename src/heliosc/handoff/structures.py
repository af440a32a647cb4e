"""The computed geometries as SDF (V3000), checked against the drawing they belong to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from io import StringIO

from rdkit import Chem
from rdkit.Chem import rdDetermineBonds
from rdkit.Geometry import Point3D

from heliosc.chemistry.identity import parse_smiles
from heliosc.errors import ParseError
from heliosc.qc.geometries import Geometry, electron_count

CHARGES = {"neutral": 0, "cation": 1, "anion": -1}


@dataclass(frozen=True, slots=True)
class ChargedStructure:
    """A molecule at the geometry optimised in one charge state.

    Attributes
    ----------
    geometry : the optimised geometry
    molecule : explicit hydrogens, bonds of the drawing, one 3D conformer (A); None when the atoms are no longer
        connected as drawn
    """

    state: str
    geometry: Geometry
    molecule: Chem.Mol | None

    @property
    def charge(self) -> int:
        return CHARGES[self.state]

    @property
    def multiplicity(self) -> int:
        """Lowest 2S+1 that the electron count allows."""
        return 1 if electron_count(self.geometry.symbols, charge=self.charge) % 2 == 0 else 2


def charged_structures(smiles: str, geometries: Mapping[str, str]) -> list[ChargedStructure]:
    """Neutral, cation and anion, as far as their geometries are given as XYZ texts.

    Raises
    ------
    ParseError : a text is not XYZ, or has other atoms than the molecule
    """
    drawn = Chem.AddHs(parse_smiles(smiles))
    structures = []
    for state in CHARGES:
        if state in geometries:
            geometry = Geometry.from_xyz(geometries[state])
            _check_same_atoms(drawn, geometry, where=f"{state} geometry of {smiles[:80]}")
            structures.append(ChargedStructure(state, geometry, _with_drawn_bonds(drawn, geometry)))
    return structures


def to_sdf(structures: list[ChargedStructure], *, name: str, fields: Mapping[str, str]) -> str:
    """One V3000 record a charge state that is still connected as drawn.

    The net charge stands in a data field: no atom of a delocalised ion carries it.
    """
    stream = StringIO()
    writer = Chem.SDWriter(stream)
    writer.SetForceV3000(True)
    for structure in structures:
        if structure.molecule is None:
            continue
        molecule = Chem.Mol(structure.molecule)
        molecule.SetProp("_Name", f"{name} {structure.state}")
        record = {**fields, "charge": str(structure.charge), "multiplicity": str(structure.multiplicity)}
        for field, value in record.items():
            molecule.SetProp(field, value)
        writer.write(molecule)
    writer.close()
    return stream.getvalue()


def _check_same_atoms(drawn: Chem.Mol, geometry: Geometry, *, where: str) -> None:
    expected = Counter(atom.GetSymbol() for atom in drawn.GetAtoms())
    if Counter(geometry.symbols) != expected:
        raise ParseError(
            f"{where}: found atoms {dict(Counter(geometry.symbols))}, expected {dict(expected)}; "
            "the stored result belongs to another molecule: compute this one again"
        )


def _with_drawn_bonds(drawn: Chem.Mol, geometry: Geometry) -> Chem.Mol | None:
    """The drawn molecule with the coordinates of the geometry, whatever the order of its atoms."""
    order = _atom_order(drawn, _connected_by_distance(geometry))
    if order is None:
        return None
    molecule = Chem.Mol(drawn)
    conformer = Chem.Conformer(molecule.GetNumAtoms())
    for index, atom in enumerate(order):
        conformer.SetAtomPosition(index, Point3D(*map(float, geometry.positions[atom])))
    molecule.RemoveAllConformers()
    molecule.AddConformer(conformer, assignId=True)
    Chem.AssignStereochemistryFrom3D(molecule)
    return molecule


def _connected_by_distance(geometry: Geometry) -> Chem.Mol:
    molecule = Chem.MolFromXYZBlock(geometry.to_xyz())
    rdDetermineBonds.DetermineConnectivity(molecule, useHueckel=False)
    return molecule


def _atom_order(molecule: Chem.Mol, found: Chem.Mol) -> tuple[int, ...] | None:
    """Index in the geometry of each atom of the molecule; None when no order gives the drawn bonds."""
    if molecule.GetNumAtoms() != found.GetNumAtoms() or molecule.GetNumBonds() != found.GetNumBonds():
        return None
    as_drawn, as_computed = _skeleton(molecule), _skeleton(found)
    if _is_same_graph(as_drawn, as_computed):
        return tuple(range(molecule.GetNumAtoms()))
    return as_computed.GetSubstructMatch(as_drawn) or None


def _skeleton(molecule: Chem.Mol) -> Chem.Mol:
    """Elements and connections alone: every bond single, no charges, no stereo."""
    skeleton = Chem.RWMol()
    for atom in molecule.GetAtoms():
        bare = Chem.Atom(atom.GetAtomicNum())
        bare.SetNoImplicit(True)
        skeleton.AddAtom(bare)
    for bond in molecule.GetBonds():
        skeleton.AddBond(bond.GetBeginAtomIdx(), bond.GetEndAtomIdx(), Chem.BondType.SINGLE)
    return skeleton.GetMol()


def _is_same_graph(left: Chem.Mol, right: Chem.Mol) -> bool:
    symbols = [[atom.GetAtomicNum() for atom in molecule.GetAtoms()] for molecule in (left, right)]
    bonds = [
        {frozenset((bond.GetBeginAtomIdx(), bond.GetEndAtomIdx())) for bond in molecule.GetBonds()}
        for molecule in (left, right)
    ]
    return symbols[0] == symbols[1] and bonds[0] == bonds[1]
