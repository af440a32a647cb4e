"""The molecule list of the embedded library: named semiconductors first, then enumerated ones, interleaved.

A labelling job that is cut short still covers every family and size, because the enumerated molecules come in random
order with the large acceptors spread evenly among them.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from importlib.resources import files

import numpy as np
from rdkit import Chem

from heliosc.chemistry.identity import inchikey, parse_smiles
from heliosc.datasets.library.enumeration import LARGE_RECIPES, SMALL_RECIPES, Recipe
from heliosc.datasets.library.filters import is_acceptable
from heliosc.datasets.library.records import LibraryMolecule
from heliosc.errors import InputError, ResourceError

# Share of molecules by heavy atoms (first, last): quantum chemistry grows steeply with size.
SMALL_SIZES: dict[tuple[int, int], float] = {
    (10, 13): 0.09,
    (14, 17): 0.17,
    (18, 20): 0.20,
    (21, 23): 0.20,
    (24, 27): 0.17,
    (28, 32): 0.12,
    (33, 45): 0.05,
}
LARGE_SIZES: dict[tuple[int, int], float] = {(45, 52): 0.42, (53, 58): 0.40, (59, 66): 0.14, (67, 75): 0.04}
MAX_DRAWS_PER_MOLECULE = 200


def library_molecules(*, seed: int = 0, n_small: int = 3600, n_large: int = 320) -> list[LibraryMolecule]:
    """The library in labelling order.

    Raises
    ------
    ResourceError : the rules yield fewer distinct molecules than asked for
    """
    named = named_molecules()
    seen = {_skeleton(molecule) for molecule in named}
    small = list(enumerate_molecules(SMALL_RECIPES, SMALL_SIZES, n_small, seen, np.random.default_rng([seed, 1])))
    large = list(enumerate_molecules(LARGE_RECIPES, LARGE_SIZES, n_large, seen, np.random.default_rng([seed, 2])))
    return named + _interleave(small, large, np.random.default_rng([seed, 3]))


def named_molecules() -> list[LibraryMolecule]:
    """The curated table ``named.csv``, smallest molecules first.

    Raises
    ------
    InputError : a row cannot be read
    """
    text = files("heliosc.datasets.library").joinpath("named.csv").read_text(encoding="utf-8")
    rows = [_named(row) for row in csv.DictReader(text.splitlines())]
    return sorted(rows, key=lambda molecule: (molecule.n_heavy_atoms, molecule.smiles))


def _named(row: Mapping[str, str]) -> LibraryMolecule:
    try:
        molecule = parse_smiles(row["smiles"])
    except InputError as error:
        raise InputError(f"named.csv: {row['name']}: {error}") from error
    return LibraryMolecule(
        Chem.MolToSmiles(molecule, isomericSmiles=False),
        inchikey(molecule),
        row["name"],
        row["class"],
        "named",
        "named",
        molecule.GetNumHeavyAtoms(),
        row["side_chains"],
        row["notes"],
    )


def _skeleton(molecule: LibraryMolecule) -> str:
    return molecule.inchikey.split("-")[0]


def enumerate_molecules(
    recipes: Mapping[str, tuple[Recipe, float]],
    sizes: Mapping[tuple[int, int], float],
    n_molecules: int,
    seen: set[str],
    rng: np.random.Generator,
) -> Iterator[LibraryMolecule]:
    """Draw recipes until every size range is full; ``seen`` skeletons are skipped and new ones added to it."""
    room = _quotas(sizes, n_molecules)
    families, weights = list(recipes), np.array([weight for _, weight in recipes.values()])
    for _ in range(MAX_DRAWS_PER_MOLECULE * max(n_molecules, 1)):
        if not any(room.values()):
            return
        family = families[int(rng.choice(len(families), p=weights / weights.sum()))]
        drawn = recipes[family][0](rng)
        candidate = None if drawn is None else _admit(drawn, family, room, seen)
        if candidate is not None:
            yield candidate
    raise ResourceError(f"the enumerator's rules left {sum(room.values())} of {n_molecules} molecules undrawn: {room}")


def _admit(drawn: Chem.Mol, family: str, room: dict[tuple[int, int], int], seen: set[str]) -> LibraryMolecule | None:
    """The drawn molecule as a library row if its size is wanted, it is new and acceptable; updates room and seen."""
    n_heavy = drawn.GetNumHeavyAtoms()
    size = next((key for key in room if key[0] <= n_heavy <= key[1] and room[key]), None)
    if size is None:
        return None
    smiles = Chem.MolToSmiles(drawn, isomericSmiles=False)
    molecule = Chem.MolFromSmiles(smiles)
    if molecule is None or not is_acceptable(molecule):
        return None
    row = LibraryMolecule(smiles, inchikey(molecule), None, "", "enumerated", family, n_heavy)
    if _skeleton(row) in seen:
        return None
    seen.add(_skeleton(row))
    room[size] -= 1
    return row


def _quotas(sizes: Mapping[tuple[int, int], float], n_molecules: int) -> dict[tuple[int, int], int]:
    """Whole numbers that add up to ``n_molecules``; the middle range takes the rounding."""
    quotas = {size: int(share * n_molecules) for size, share in sizes.items()}
    middle = list(sizes)[len(sizes) // 2]
    quotas[middle] += n_molecules - sum(quotas.values())
    return quotas


def _interleave(
    small: list[LibraryMolecule], large: list[LibraryMolecule], rng: np.random.Generator
) -> list[LibraryMolecule]:
    """Both lists shuffled, the large ones spread evenly through the small ones."""
    groups = [[group[i] for i in rng.permutation(len(group))] for group in (small, large)]
    placed = [((i + 0.5) / len(group), molecule) for group in groups for i, molecule in enumerate(group)]
    return [molecule for _, molecule in sorted(placed, key=lambda item: (item[0], item[1].inchikey))]
