"""A molecule as labelled integers: what the junction tree keeps of it.

Every atom is labelled by element, formal charge, total valence and, inside an aromatic system, by whether it takes
one of the system's double bonds. Hydrogens follow from these (valence minus bonds), and so does the Kekule structure
(a perfect matching of the atoms that take a double bond), so a fragment cut out of its context can be put back
exactly. Stereo marks and isotopes are not kept: the constitution is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from rdkit import Chem

from heliosc.chemistry.identity import parse_smiles
from heliosc.errors import InputError

AROMATIC = 4
"""Order code of an aromatic bond; 1, 2 and 3 are single, double and triple."""

NOT_AROMATIC = -1
"""``pi`` of an atom without aromatic bonds."""

_ORDER_CODES = {
    Chem.BondType.SINGLE: 1,
    Chem.BondType.DOUBLE: 2,
    Chem.BondType.TRIPLE: 3,
    Chem.BondType.AROMATIC: AROMATIC,
}
BOND_TYPES = {code: bond_type for bond_type, code in _ORDER_CODES.items()}


class AtomLabel(NamedTuple):
    """What an atom is, independent of what it is bonded to.

    ``pi`` is 1 if the atom takes a double bond of its aromatic system, 0 if it is aromatic without one (pyrrole N,
    thiophene S, C of a ring C=O) and ``NOT_AROMATIC`` if it has no aromatic bond.
    """

    element: int
    charge: int
    valence: int
    pi: int


def sigma_order(order: int) -> int:
    """Valence that a bond takes before double bonds of aromatic systems are placed."""
    return 1 if order == AROMATIC else order


@dataclass(frozen=True, slots=True)
class MoleculeGraph:
    """Flat description of one molecule.

    Attributes
    ----------
    smiles : canonical SMILES of the constitution
    labels : (n_atoms,)
    hydrogens : (n_atoms,) hydrogens on each atom
    bonds : (n_bonds,) ``(atom, atom, order code)`` with the lower atom first
    in_ring : (n_bonds,)
    rings : symmetrised smallest rings, atoms in ring order
    ranks : (n_atoms,) canonical ranks, independent of the order of the atoms in the input
    """

    smiles: str
    labels: tuple[AtomLabel, ...]
    hydrogens: tuple[int, ...]
    bonds: tuple[tuple[int, int, int], ...]
    in_ring: tuple[bool, ...]
    rings: tuple[tuple[int, ...], ...]
    ranks: tuple[int, ...]


def constitution(smiles: str) -> Chem.Mol:
    """Parse a molecule without stereo marks and isotopes.

    Raises
    ------
    InputError : unparsable or too large (see ``parse_smiles``)
    """
    return constitution_of(parse_smiles(smiles))


def constitution_of(molecule: Chem.Mol) -> Chem.Mol:
    """A copy without stereo marks and isotopes."""
    plain = Chem.Mol(molecule)
    Chem.RemoveStereochemistry(plain)
    labelled = [atom for atom in plain.GetAtoms() if atom.GetIsotope()]
    for atom in labelled:
        atom.SetIsotope(0)
    return Chem.RemoveHs(plain) if labelled else plain


def molecule_graph(molecule: Chem.Mol) -> MoleculeGraph:
    """Read a sanitised molecule.

    Raises
    ------
    InputError : radicals, several components, a single atom, query atoms, or bonds that are not single, double, triple
        or aromatic (metal complexes with dative bonds)
    """
    _refuse_unfit(molecule)
    n_atoms = molecule.GetNumAtoms()
    kekulised = Chem.Mol(molecule)
    Chem.Kekulize(kekulised)
    bonds, in_ring = [], []
    orders = [0] * n_atoms
    sigmas = [0] * n_atoms
    is_aromatic = [False] * n_atoms
    for bond, plain in zip(molecule.GetBonds(), kekulised.GetBonds(), strict=True):
        i, j = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()
        code = _ORDER_CODES[bond.GetBondType()]
        order, sigma = _ORDER_CODES[plain.GetBondType()], sigma_order(code)
        orders[i] += order
        orders[j] += order
        sigmas[i] += sigma
        sigmas[j] += sigma
        if code == AROMATIC:
            is_aromatic[i] = is_aromatic[j] = True
        bonds.append((i, j, code) if i < j else (j, i, code))
        in_ring.append(bond.IsInRing())
    labels, hydrogens = [], []
    for i, atom in enumerate(molecule.GetAtoms()):
        n_h = atom.GetTotalNumHs()
        pi = orders[i] - sigmas[i] if is_aromatic[i] else NOT_AROMATIC
        labels.append(AtomLabel(atom.GetAtomicNum(), atom.GetFormalCharge(), orders[i] + n_h, pi))
        hydrogens.append(n_h)
    return MoleculeGraph(
        smiles=Chem.MolToSmiles(molecule, isomericSmiles=False),
        labels=tuple(labels),
        hydrogens=tuple(hydrogens),
        bonds=tuple(bonds),
        in_ring=tuple(in_ring),
        rings=tuple(tuple(ring) for ring in Chem.GetSymmSSSR(molecule)),
        ranks=tuple(Chem.CanonicalRankAtoms(molecule, includeChirality=False)),
    )


def _refuse_unfit(molecule: Chem.Mol) -> None:
    def refuse(reason: str) -> InputError:
        return InputError(f"{Chem.MolToSmiles(molecule)[:80]!r} cannot be decomposed: {reason}")

    if molecule.GetNumAtoms() < 2:
        raise refuse("a single atom has no bond; expected at least two heavy atoms")
    if molecule.GetNumBonds() < molecule.GetNumAtoms() - 1 or len(Chem.GetMolFrags(molecule)) > 1:
        raise refuse("several components; give the organic one alone")
    for atom in molecule.GetAtoms():
        if atom.GetNumRadicalElectrons():
            raise refuse(f"atom {atom.GetIdx()} ({atom.GetSymbol()}) is a radical; expected a closed shell")
        if atom.GetAtomicNum() == 0:
            raise refuse("it contains a query or dummy atom")
    for bond in molecule.GetBonds():
        if bond.GetBondType() not in _ORDER_CODES:
            raise refuse(f"bond type {bond.GetBondType()}; expected single, double, triple or aromatic")
