"""What is computed from the structure of every molecule of the master table. To add a column, add a family here.

A column named ``NAME@structure`` is a property of the vocabulary; the others are plain numbers from the graph. Where a
family has no answer (an element without increments, a fullerene without packing score) its cells stay empty.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache

from rdkit import Chem
from rdkit.Chem import rdMolDescriptors

from heliosc.chemistry.condensed_phase import CONDENSED_PHASE_SCORES, condensed_phase_scores
from heliosc.chemistry.descriptors import conjugated_systems
from heliosc.chemistry.graph import MolecularGraph
from heliosc.chemistry.identity import parse_smiles
from heliosc.chemistry.packing import estimated_twists
from heliosc.chemistry.scaffolds import cut_alkyl_chains
from heliosc.chemistry.synthesizability import sa_score
from heliosc.errors import InputError

Values = tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Family:
    """Columns that one function computes together."""

    columns: tuple[str, ...]
    compute: Callable[[MolecularGraph], Values]


def _size(graph: MolecularGraph) -> Values:
    molecule = graph.molecule
    rings = molecule.GetRingInfo()
    log_p, _ = rdMolDescriptors.CalcCrippenDescriptors(molecule)
    return (
        rdMolDescriptors.CalcExactMolWt(molecule),
        molecule.GetNumHeavyAtoms(),
        rings.NumRings(),
        rdMolDescriptors.CalcNumAromaticRings(molecule),
        rdMolDescriptors.CalcNumRotatableBonds(molecule),
        log_p,
        rdMolDescriptors.CalcTPSA(molecule),
        rdMolDescriptors.CalcFractionCSP3(molecule),
    )


def _conjugation(graph: MolecularGraph) -> Values:
    sizes = [len(system) for system in conjugated_systems(graph)]
    return max(sizes, default=0), sum(sizes) / graph.molecule.GetNumHeavyAtoms()


def _torsions(graph: MolecularGraph) -> Values:
    twists = estimated_twists(graph)
    return len(twists), max(twists.values(), default=0.0)


def _synthesizability(graph: MolecularGraph) -> Values:
    whole = sa_score(graph.molecule)
    if not graph.molecule.HasSubstructMatch(_long_chain()):
        return whole, whole
    return whole, sa_score(cut_alkyl_chains(graph.molecule))


def _condensed_phase(graph: MolecularGraph) -> Values:
    scores = condensed_phase_scores(graph)
    return tuple(scores.get(name) for name in CONDENSED_PHASE_SCORES)


@lru_cache(maxsize=1)
def _long_chain() -> Chem.Mol:
    """Three acyclic sp3 carbons in a row: only then can the core differ from the molecule."""
    return Chem.MolFromSmarts("[CX4;!R]-[CX4;!R]-[CX4;!R]")


FAMILIES: tuple[Family, ...] = (
    Family(
        (
            "exact_mass",
            "n_heavy_atoms",
            "n_rings",
            "n_aromatic_rings",
            "n_rotatable_bonds",
            "log_p",
            "tpsa",
            "fraction_csp3",
        ),
        _size,
    ),
    Family(("largest_conjugated_system", "conjugated_fraction"), _conjugation),
    Family(("n_twistable_bonds", "largest_torsion@structure"), _torsions),
    Family(("sa_score@structure", "sa_score_core@structure"), _synthesizability),
    Family(tuple(f"{name}@structure" for name in CONDENSED_PHASE_SCORES), _condensed_phase),
)
COLUMNS: tuple[str, ...] = tuple(column for family in FAMILIES for column in family.columns)
VERSION = "1"
"""Raised when a number of any family changes, so that stored ones are computed again."""

FINGERPRINT = hashlib.sha256("\n".join((VERSION, *COLUMNS)).encode()).hexdigest()[:16]
"""Identity of what is computed."""


def describe_smiles(smiles: str) -> Values:
    """All columns of one molecule, None where a family has no answer."""
    try:
        graph = MolecularGraph(parse_smiles(smiles))
    except InputError:
        return (None,) * len(COLUMNS)
    return tuple(value for family in FAMILIES for value in _computed(family, graph))


def describe_many(smiles: Iterable[str], check: Callable[[int], str | None]) -> list[Values]:
    """Columns of several molecules; those that ``check`` excludes have none."""
    return [
        (None,) * len(COLUMNS) if check(index) is not None else describe_smiles(text)
        for index, text in enumerate(smiles)
    ]


def _computed(family: Family, graph: MolecularGraph) -> Values:
    try:
        values = family.compute(graph)
    except (InputError, RuntimeError, ValueError, ArithmeticError):  # RDKit and increments fail on odd structures
        return (None,) * len(family.columns)
    return tuple(None if value is None else float(value) for value in values)
