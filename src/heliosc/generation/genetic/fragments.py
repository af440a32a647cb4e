"""What mutations add: substituents, linkers and rings of known organic semiconductors."""

from __future__ import annotations

from functools import lru_cache

from rdkit import Chem

from heliosc.generation.genetic.parts import Part

SUBSTITUENTS = (
    "[1*]F", "[1*]Cl", "[1*]Br", "[1*]C", "[1*]OC", "[1*]SC", "[1*]C#N", "[1*]C(F)(F)F", "[1*]N(C)C",
    "[1*]N(c1ccccc1)c1ccccc1", "[1*]c1ccccc1", "[1*]c1cccs1", "[1*]c1ccc[se]1", "[1*]c1ccco1", "[1*]c1ccncc1",
    "[1*]C=C(C#N)C#N", "[1*][Si](C)(C)C", "[1*]C(=O)OC", "[1*]P(=O)(c1ccccc1)c1ccccc1",
    "[1*]B(c1c(C)cc(C)cc1C)c1c(C)cc(C)cc1C", "[1*]n1c2ccccc2c2ccccc21", "[1*]S(C)(=O)=O",
)  # fmt: skip
"""Joined by a single bond at the dummy's neighbour."""

LINKERS = (
    "[1*]C=C[2*]", "[1*]C#C[2*]", "[1*]c1ccc([2*])cc1", "[1*]c1ccc([2*])s1", "[1*]c1ccc([2*])o1",
    "[1*]c1ccc([2*])[se]1", "[1*]c1cc2sc([2*])cc2s1", "[1*]c1ccc([2*])c2nsnc12", "[1*]c1ccc([2*])nc1",
    "[1*]c1cnc([2*])s1", "[1*]c1c(F)cc([2*])cc1F",
)  # fmt: skip
"""Put into a single bond, at the neighbours of the two dummies."""

RINGS = (
    "[cH:1]1[cH:2]cccc1", "[cH:1]1[cH:2]ccs1", "[cH:1]1[cH:2]csc1", "[cH:1]1[cH:2]cco1", "[cH:1]1[cH:2]cc[se]1",
    "[cH:1]1[cH:2]ccn1C", "[cH:1]1[cH:2]ccnc1", "[cH:1]1[cH:2]cccn1", "[cH:1]1[cH:2]nccn1", "[cH:1]1[cH:2]nsn1",
    "[cH:1]1[cH:2]scn1", "[CH:1]1=[CH:2]C(=O)N(C)C1=O", "[CH:1]1=[CH:2]C=CC1(C)C", "[CH:1]1=[CH:2]C=C[Si]1(C)C",
    "[CH:1]1=[CH:2]C(=O)C=C1",
)  # fmt: skip
"""Fused at the bond between the two numbered atoms."""


@lru_cache(maxsize=1)
def substituents() -> tuple[Part, ...]:
    """``SUBSTITUENTS`` as parts with a joint of one atom."""
    return tuple(_without_dummies(smiles)[0] for smiles in SUBSTITUENTS)


@lru_cache(maxsize=1)
def linkers() -> tuple[tuple[Part, Part], ...]:
    """``LINKERS``: the same part twice, with its two ends as joints."""
    return tuple((parts[0], parts[1]) for parts in map(_without_dummies, LINKERS))


@lru_cache(maxsize=1)
def rings() -> tuple[Part, ...]:
    """``RINGS`` as parts with a joint of two atoms."""
    return tuple(map(_numbered, RINGS))


def _without_dummies(smiles: str) -> list[Part]:
    """The part at each dummy, in the order of the dummies' numbers."""
    molecule = Chem.MolFromSmiles(smiles)
    dummies = sorted((a for a in molecule.GetAtoms() if a.GetAtomicNum() == 0), key=Chem.Atom.GetIsotope)
    kept = frozenset(range(molecule.GetNumAtoms())) - {dummy.GetIdx() for dummy in dummies}
    return [Part(molecule, kept, (dummy.GetNeighbors()[0].GetIdx(),)) for dummy in dummies]


def _numbered(smiles: str) -> Part:
    molecule = Chem.MolFromSmiles(smiles)
    joint = sorted((a for a in molecule.GetAtoms() if a.GetAtomMapNum()), key=Chem.Atom.GetAtomMapNum)
    for atom in joint:
        atom.SetAtomMapNum(0)
    return Part(molecule, frozenset(range(molecule.GetNumAtoms())), tuple(atom.GetIdx() for atom in joint))
