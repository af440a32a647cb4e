"""A molecule as labelled integers: what the junction tree keeps of it.

Every atom is labelled by element, formal charge, total valence and, inside an aromatic system, by whether it takes
one of the system's double bonds. Hydrogens follow from these (valence minus bonds), and so does the Kekule structure
(a perfect matching of the atoms that take a double bond), so a fragment cut out of its context can be put back
exactly. Stereo marks and isotopes are not kept: the constitution is.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, NamedTuple

from rdkit import Chem
from rdkit.Chem import rdMolInterchange

from heliosc.chemistry.identity import parse_smiles
from heliosc.errors import InputError

AROMATIC = 4
"""Order code of an aromatic bond; 1, 2 and 3 are single, double and triple."""

NOT_AROMATIC = -1
"""``pi`` of an atom without aromatic bonds."""

BOND_TYPES = {
    1: Chem.BondType.SINGLE,
    2: Chem.BondType.DOUBLE,
    3: Chem.BondType.TRIPLE,
    AROMATIC: Chem.BondType.AROMATIC,
}

_ISOTOPE = re.compile(r"\[\d")


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


class UnfitMoleculeError(InputError):
    """A molecule that has no junction tree.

    Attributes
    ----------
    cause : why, without the molecule
    """

    def __init__(self, message: str, *, cause: str) -> None:
        super().__init__(message)
        self.cause = cause


def constitution(smiles: str) -> Chem.Mol:
    """Parse a molecule without stereo marks and isotopes.

    Raises
    ------
    InputError : unparsable or too large (see ``parse_smiles``)
    """
    molecule = parse_smiles(smiles)
    Chem.RemoveStereochemistry(molecule)
    if _ISOTOPE.search(smiles):
        for atom in molecule.GetAtoms():
            atom.SetIsotope(0)
        return Chem.RemoveHs(molecule)
    return molecule


def molecule_graph(molecule: Chem.Mol) -> MoleculeGraph:
    """Read a sanitised molecule.

    Raises
    ------
    UnfitMoleculeError : radicals, several components, a single atom, query atoms, or bonds that are not single, double,
        triple or aromatic (metal complexes with dative bonds)
    """
    # One call writes all atoms, Kekule orders and rings; asking RDKit atom by atom costs five times as much.
    document = json.loads(rdMolInterchange.MolToJSON(molecule))
    atoms, bonds = _rows(document, "atom"), _rows(document, "bond")
    _refuse_unfit(molecule, atoms, bonds)
    rings, aromatic_bonds = _representation(document)
    # An aromatic triple bond (benzyne) keeps its order; the matching has only double bonds to place.
    aromatic_bonds = frozenset(number for number in aromatic_bonds if bonds[number]["bo"] < 3)
    orders, sigmas = [0] * len(atoms), [0] * len(atoms)
    pairs = []
    for number, bond in enumerate(bonds):
        (i, j), order = bond["atoms"], bond["bo"]
        is_aromatic = number in aromatic_bonds
        sigma = 1 if is_aromatic else order
        orders[i] += order
        orders[j] += order
        sigmas[i] += sigma
        sigmas[j] += sigma
        code = AROMATIC if is_aromatic else order
        pairs.append((i, j, code) if i < j else (j, i, code))
    in_aromatic_bond = {atom for number in aromatic_bonds for atom in bonds[number]["atoms"]}
    in_ring = {pair for ring in rings for pair in _sorted_pairs(ring)}
    return MoleculeGraph(
        smiles=Chem.MolToSmiles(molecule, isomericSmiles=False),
        labels=tuple(
            AtomLabel(
                atom["z"],
                atom["chg"],
                orders[i] + atom["impHs"],
                orders[i] - sigmas[i] if i in in_aromatic_bond else NOT_AROMATIC,
            )
            for i, atom in enumerate(atoms)
        ),
        hydrogens=tuple(atom["impHs"] for atom in atoms),
        bonds=tuple(pairs),
        in_ring=tuple(pair[:2] in in_ring for pair in pairs),
        rings=rings,
        ranks=tuple(Chem.CanonicalRankAtoms(molecule, includeChirality=False)),
    )


def _rows(document: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    """Atoms or bonds of an RDKit JSON document with the entries that it leaves at their defaults."""
    defaults = document["defaults"][kind]
    return [defaults | row for row in document["molecules"][0][f"{kind}s"]]


def _representation(document: dict[str, Any]) -> tuple[tuple[tuple[int, ...], ...], frozenset[int]]:
    """Symmetrised smallest rings, atoms in ring order, and the numbers of the aromatic bonds."""
    extensions = document["molecules"][0]["extensions"]
    found = next(extension for extension in extensions if extension["name"] == "rdkitRepresentation")
    return tuple(map(tuple, found.get("atomRings", ()))), frozenset(found.get("aromaticBonds", ()))


def _sorted_pairs(ring: tuple[int, ...]) -> list[tuple[int, int]]:
    return [(i, j) if i < j else (j, i) for i, j in zip(ring, (*ring[1:], ring[0]), strict=True)]


def _refuse_unfit(molecule: Chem.Mol, atoms: list[dict[str, Any]], bonds: list[dict[str, Any]]) -> None:
    def refuse(reason: str, cause: str) -> UnfitMoleculeError:
        return UnfitMoleculeError(f"{Chem.MolToSmiles(molecule)[:80]!r} cannot be decomposed: {reason}", cause=cause)

    if len(atoms) < 2:
        raise refuse("a single atom has no bond; expected at least two heavy atoms", "single atom")
    if len(bonds) < len(atoms) - 1 or len(Chem.GetMolFrags(molecule)) > 1:
        raise refuse("several components; give the organic one alone", "several components")
    for index, atom in enumerate(atoms):
        if atom["nRad"]:
            symbol = Chem.GetPeriodicTable().GetElementSymbol(atom["z"])
            raise refuse(f"atom {index} ({symbol}) is a radical; expected a closed shell", "radical")
        if atom["z"] == 0:
            raise refuse("it contains a query or dummy atom", "query or dummy atom")
    for number, bond in enumerate(bonds):
        if bond["bo"] not in (1, 2, 3):
            kind = molecule.GetBondWithIdx(number).GetBondType()
            raise refuse(f"bond type {kind}; expected single, double, triple or aromatic", f"{kind} bond".lower())
