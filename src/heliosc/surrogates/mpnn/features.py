"""Atoms and bonds as packed integer codes, and the codes as chemprop's feature vectors.

Molecules repeat a few hundred kinds of atoms and bonds. Each atom is stored as one integer holding everything that
chemprop 2.3.1's default featuriser (``MultiHotAtomFeaturizer.v2``) looks at; the 72 numbers are written out once per
distinct code. A test holds the vectors equal to chemprop's own.

References
----------
Heid et al., J. Chem. Inf. Model. 2024, 64, 9 (10.1021/acs.jcim.3c01250).
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]

_ATOMIC_NUMBERS = (*range(1, 37), 53)
_DEGREES = tuple(range(6))
_CHARGES = (-1, -2, 1, 2, 0)
_CHIRAL_TAGS = tuple(range(4))
_HYDROGENS = tuple(range(5))
_HYBRIDIZATIONS = tuple(
    int(getattr(Chem.HybridizationType, name)) for name in ("S", "SP", "SP2", "SP2D", "SP3", "SP3D", "SP3D2")
)
_BOND_TYPES = tuple(int(getattr(Chem.BondType, name)) for name in ("SINGLE", "DOUBLE", "TRIPLE", "AROMATIC"))
_STEREOS = tuple(range(6))

_ATOM_CHOICES = (_ATOMIC_NUMBERS, _DEGREES, _CHARGES, _CHIRAL_TAGS, _HYDROGENS, _HYBRIDIZATIONS)
# atomic number, degree, charge + 16, chiral tag, hydrogens, hybridization, aromaticity, isotope
_ATOM_BITS = (8, 5, 5, 4, 5, 4, 1, 10)
_CHARGE_SHIFT = 16
_SAME_MASS = 1e-6  # relative; masses come in single precision, an isotope's differs by 1e-5 and more
# bond type, conjugation, ring membership, stereo
_BOND_BITS = (5, 1, 1, 4)


class AtomKind(NamedTuple):
    """What an atom code holds."""

    atomic_number: int
    degree: int
    charge: int
    chiral_tag: int
    hydrogens: int
    hybridization: int
    aromatic: int
    isotope: int


class BondKind(NamedTuple):
    """What a bond code holds."""

    bond_type: int
    conjugated: int
    in_ring: int
    stereo: int


ATOM_FEATURES = sum(len(choices) + 1 for choices in _ATOM_CHOICES) + 2
BOND_FEATURES = 1 + len(_BOND_TYPES) + 2 + len(_STEREOS) + 1


def atom_code(atom: Chem.Atom) -> int:
    """Everything the featuriser sees of an atom, packed."""
    code = atom.GetAtomicNum()
    code = code << 5 | atom.GetTotalDegree()
    # chemprop tells charges beyond 2 not apart, so the few that would not fit may be cut
    code = code << 5 | min(max(atom.GetFormalCharge() + _CHARGE_SHIFT, 0), 2 * _CHARGE_SHIFT - 1)
    code = code << 4 | int(atom.GetChiralTag())
    code = code << 5 | atom.GetTotalNumHs()
    code = code << 4 | int(atom.GetHybridization())
    code = code << 1 | atom.GetIsAromatic()
    return code << 10 | (atom.GetIsotope() if atom.GetAtomicNum() else 0)  # the number of a dummy atom is a label


def pack_atoms(
    *,
    atomic_number: IntArray,
    degree: IntArray,
    charge: IntArray,
    chiral_tag: IntArray,
    hydrogens: IntArray,
    hybridization: IntArray,
    aromatic: IntArray,
    mass: NDArray[np.float32],
) -> IntArray:
    """Atom codes of many atoms, (n_atoms,); the isotope is told by the mass, in u."""
    shifted = (charge + _CHARGE_SHIFT).clip(0, 2 * _CHARGE_SHIFT - 1)
    weight = _atomic_weights()[atomic_number]
    isotope = np.where(np.abs(mass - weight) < _SAME_MASS * weight, 0, np.rint(mass).astype(np.int64))
    fields = (atomic_number, degree, shifted, chiral_tag, hydrogens, hybridization, aromatic, isotope)
    return _pack(fields, _ATOM_BITS)


def pack_bonds(*, bond_type: IntArray, conjugated: IntArray, in_ring: IntArray, stereo: IntArray) -> IntArray:
    """Bond codes of many bonds, (n_bonds,)."""
    return _pack((bond_type, conjugated, in_ring, stereo), _BOND_BITS)


def _pack(fields: tuple[IntArray, ...], bits: tuple[int, ...]) -> IntArray:
    code = fields[0]
    for field, width in zip(fields[1:], bits[1:], strict=True):
        code = code << width | field
    return code


@lru_cache(maxsize=1)
def _atomic_weights() -> FloatArray:
    """Standard weight of each element, u; entry 0 is the dummy atom."""
    table = Chem.GetPeriodicTable()
    return np.array([table.GetAtomicWeight(number) for number in range(119)])


def bond_code(bond: Chem.Bond) -> int:
    """Everything the featuriser sees of a bond, packed."""
    code = int(bond.GetBondType())
    code = code << 1 | bond.GetIsConjugated()
    code = code << 1 | bond.IsInRing()
    return code << 4 | int(bond.GetStereo())


@lru_cache(maxsize=100_000)
def unpack_atom(code: int) -> AtomKind:
    """Read an atom code."""
    fields = _unpack(code, _ATOM_BITS)
    fields[2] -= _CHARGE_SHIFT
    return AtomKind(*fields)


@lru_cache(maxsize=10_000)
def unpack_bond(code: int) -> BondKind:
    """Read a bond code."""
    return BondKind(*_unpack(code, _BOND_BITS))


def _unpack(code: int, bits: tuple[int, ...]) -> list[int]:
    fields = []
    for width in reversed(bits):
        fields.append(code & ((1 << width) - 1))
        code >>= width
    return fields[::-1]


def _mass(atomic_number: int, isotope: int) -> float:
    table = Chem.GetPeriodicTable()
    if isotope:
        return table.GetMassForIsotope(atomic_number, isotope) or float(isotope)
    return table.GetAtomicWeight(atomic_number)


def _atom_vector(code: int) -> NDArray[np.float32]:
    kind = unpack_atom(code)
    vector = np.zeros(ATOM_FEATURES, dtype=np.float32)
    start = 0
    for value, choices in zip(kind, _ATOM_CHOICES, strict=False):
        vector[start + (choices.index(value) if value in choices else len(choices))] = 1
        start += len(choices) + 1
    vector[start] = kind.aromatic
    vector[start + 1] = 0.01 * _mass(kind.atomic_number, kind.isotope)
    return vector


def _bond_vector(code: int) -> NDArray[np.float32]:
    bond_type, conjugated, in_ring, stereo = unpack_bond(code)
    vector = np.zeros(BOND_FEATURES, dtype=np.float32)
    if bond_type in _BOND_TYPES:
        vector[1 + _BOND_TYPES.index(bond_type)] = 1
    vector[5] = conjugated
    vector[6] = in_ring
    vector[7 + (_STEREOS.index(stereo) if stereo in _STEREOS else len(_STEREOS))] = 1
    return vector


def atom_vectors(codes: IntArray) -> NDArray[np.float32]:
    """Feature vectors of atom codes, (n_codes, 72)."""
    return np.stack([_atom_vector(int(code)) for code in codes]) if len(codes) else np.zeros((0, ATOM_FEATURES), "f4")


def bond_vectors(codes: IntArray) -> NDArray[np.float32]:
    """Feature vectors of bond codes, (n_codes, 14)."""
    return np.stack([_bond_vector(int(code)) for code in codes]) if len(codes) else np.zeros((0, BOND_FEATURES), "f4")
