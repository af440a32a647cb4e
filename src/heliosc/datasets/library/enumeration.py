"""The rule-based enumerator: recipes that join building blocks into conjugated molecules.

Every draw comes from the passed generator, so a seed fixes the whole list. E/Z is left unspecified and no
stereocentres are marked: molecules are told apart by constitution.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from importlib.resources import files

import numpy as np
import yaml
from rdkit import Chem

from heliosc.datasets.library.assemble import attachment_points, block, cap, chain, decorate, join, swap_chalcogens
from heliosc.datasets.library.fused import grow_fused

Recipe = Callable[[np.random.Generator], Chem.Mol | None]


@lru_cache(maxsize=1)
def load_blocks() -> Mapping[str, list[str]]:
    """Building blocks by group, see ``blocks.yaml``."""
    text = files("heliosc.datasets.library").joinpath("blocks.yaml").read_text(encoding="utf-8")
    blocks: dict[str, list[str]] = yaml.safe_load(text)
    return blocks


def draw(group: str, rng: np.random.Generator) -> str:
    """One block of a group, as SMILES; repeated rows are drawn more often."""
    rows = load_blocks()[group]
    return rows[int(rng.integers(len(rows)))]


def draw_core(group: str, rng: np.random.Generator) -> str:
    """One acceptor core with its fields filled in; the same field has the same value throughout a core."""
    fields: Mapping[str, list[str]] = load_blocks()["fields"]  # type: ignore[assignment]
    chosen = {name: values[int(rng.integers(len(values)))] for name, values in fields.items()}
    return re.sub(r"\{(\w)\}", lambda match: chosen[match[1]], draw(group, rng))


def substituted_core(rng: np.random.Generator) -> Chem.Mol:
    """A polycyclic or quinoid core with one kind of group at its sites."""
    molecule = block(draw("cores", rng))
    kind = rng.choice(["bare", "donor_ends", "acceptor_ends", "arylamine_arms"], p=[0.4, 0.25, 0.2, 0.15])
    if kind != "bare":
        molecule = _fill(molecule, str(kind), rng, symmetric=rng.random() < 0.7, share=0.8)
    return decorate(cap(molecule), rng, n_changes=int(rng.integers(3)))


def fused_system(rng: np.random.Generator) -> Chem.Mol | None:
    """A fused aromatic system, bare or with substituents."""
    molecule = grow_fused(rng, n_rings=int(rng.choice([2, 3, 4, 5, 6], p=[0.08, 0.25, 0.32, 0.25, 0.1])))
    return None if molecule is None else decorate(molecule, rng, n_changes=int(rng.integers(4)))


def oligomer(rng: np.random.Generator) -> Chem.Mol:
    """Two to four donor units in a row, ends bare or with donor groups."""
    unit = draw("donors", rng)
    units = [unit] * int(rng.integers(2, 4)) if rng.random() < 0.35 else [draw("donors", rng) for _ in range(2)]
    if rng.random() < 0.3:
        units.insert(1, draw("bridges", rng))
    return _finish(chain(units), rng, n_max=2)


def donor_ends_on_donor(rng: np.random.Generator) -> Chem.Mol:
    """A donor core with donor ends: the p-dopable kind."""
    molecule = _fill(block(draw("donors", rng)), "donor_ends", rng, symmetric=rng.random() < 0.7, share=0.85)
    return _finish(molecule, rng, n_max=1)


def donor_acceptor(rng: np.random.Generator) -> Chem.Mol:
    """D-A: one donor end, perhaps a bridge, one acceptor unit or end."""
    units = [draw("donors", rng), draw("bridges", rng)]
    molecule = chain([*units, draw("acceptors", rng)]) if rng.random() < 0.45 else _with_end(units, rng)
    if 1 in attachment_points(molecule) and rng.random() < 0.6:
        molecule = join(molecule, 1, block(draw("donor_ends", rng)), 1)
    return _finish(molecule, rng, n_max=1)


def donor_acceptor_donor(rng: np.random.Generator) -> Chem.Mol:
    """D-A-D: an acceptor core between two donor ends."""
    molecule = _fill(block(draw("acceptors", rng)), "donor_ends", rng, symmetric=rng.random() < 0.75, share=1.0)
    return _finish(molecule, rng, n_max=1)


def acceptor_acceptor(rng: np.random.Generator) -> Chem.Mol:
    """Acceptor units with acceptor ends: the n-dopable kind."""
    molecule = _fill(block(draw("acceptors", rng)), "acceptor_ends", rng, symmetric=rng.random() < 0.7, share=0.8)
    return _finish(molecule, rng, n_max=1)


def acceptor_donor_acceptor(rng: np.random.Generator) -> Chem.Mol:
    """Small A-D-A: a donor core, or one of the acceptors' cores, between two acceptor ends."""
    core = draw("donors", rng) if rng.random() < 0.6 else draw_core("ada_cores", rng)
    molecule = _fill(block(core), "acceptor_ends", rng, symmetric=True, share=1.0)
    return _finish(molecule, rng, n_max=1)


def star(rng: np.random.Generator) -> Chem.Mol:
    """Three equal or unequal arms on a core with three sites."""
    arms = str(rng.choice(["arylamine_arms", "donor_ends", "acceptor_ends"], p=[0.6, 0.25, 0.15]))
    molecule = _fill(block(draw("stars", rng)), arms, rng, symmetric=rng.random() < 0.6, share=1.0)
    return _finish(molecule, rng, n_max=1)


def large_ada(rng: np.random.Generator) -> Chem.Mol:
    """A-D-A of today's acceptors: core, equal bridges, equal end groups."""
    return _large(draw_core("ada_cores", rng), draw("ada_bridges", rng), rng)


def large_dad(rng: np.random.Generator) -> Chem.Mol:
    """A-DA'D-A of today's acceptors, with a ring A' closed on the central benzene."""
    return _large(draw_core("dad_cores", rng), draw("ada_bridges", rng) if rng.random() < 0.15 else "", rng)


SMALL_RECIPES: dict[str, tuple[Recipe, float]] = {
    "core": (substituted_core, 0.15),
    "fused": (fused_system, 0.10),
    "oligomer": (oligomer, 0.10),
    "donor": (donor_ends_on_donor, 0.14),
    "D-A": (donor_acceptor, 0.22),
    "D-A-D": (donor_acceptor_donor, 0.12),
    "A-A": (acceptor_acceptor, 0.09),
    "A-D-A": (acceptor_donor_acceptor, 0.08),
    "star": (star, 0.07),
}
LARGE_RECIPES: dict[str, tuple[Recipe, float]] = {"A-D-A": (large_ada, 0.5), "A-DA'D-A": (large_dad, 0.5)}


def _large(core: str, bridge: str, rng: np.random.Generator) -> Chem.Mol:
    arm = chain([bridge, draw("ada_ends", rng)])
    molecule = block(core)
    for point in (1, 2):
        molecule = join(molecule, point, arm, 1)
    return cap(molecule)


def _with_end(units: list[str], rng: np.random.Generator) -> Chem.Mol:
    return join(chain(units), 2, block(draw("acceptor_ends", rng)), 1)


def _fill(molecule: Chem.Mol, group: str, rng: np.random.Generator, *, symmetric: bool, share: float) -> Chem.Mol:
    """Bind blocks of a group to the free points; each point but the first is filled with probability ``share``."""
    first = draw(group, rng)
    for index, point in enumerate(attachment_points(molecule)):
        end = first if symmetric or index == 0 else draw(group, rng)
        if index == 0 or rng.random() < share:
            molecule = join(molecule, point, block(end), 1)
    return molecule


def _finish(molecule: Chem.Mol, rng: np.random.Generator, *, n_max: int) -> Chem.Mol:
    """Cap, swap chalcogens in one molecule of seven, decorate."""
    molecule = cap(molecule)
    if rng.random() < 1 / 7:
        molecule = swap_chalcogens(molecule, rng)
    return decorate(molecule, rng, n_changes=int(rng.integers(n_max + 1)))
