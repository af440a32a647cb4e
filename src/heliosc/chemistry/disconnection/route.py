"""The proposal: transforms and couplings, applied backwards until nothing large is left."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from rdkit import Chem

from heliosc.chemistry.disconnection.couplings import best_coupling, coupling_bonds, cut, without_handles
from heliosc.chemistry.disconnection.rules import AFTER_COUPLINGS, BEFORE_COUPLINGS, Rule, apply
from heliosc.chemistry.identity import parse_smiles
from heliosc.chemistry.polymers import repeat_unit

MAX_STEPS = 40
SMALL = 15
"""Heavy atoms up to which a molecule is left alone by rules that are for large ones only."""
_RINGS_ONLY = Chem.SANITIZE_PROPERTIES | Chem.SANITIZE_SYMMRINGS  # the closed chain must not be taken for aromatic


@dataclass(frozen=True, slots=True)
class Step:
    """One reaction, in the forward direction.

    Attributes
    ----------
    precursors, product : canonical SMILES
    n_sites : bonds of the kind that are made in the step
    alternative : another reaction that could do the same
    """

    name: str
    precursors: tuple[str, ...]
    product: str
    n_sites: int = 1
    alternative: str = ""


@dataclass(frozen=True, slots=True)
class Disconnection:
    """A proposal.

    Attributes
    ----------
    steps : in the order in which they are carried out
    building_blocks : what the steps start from; whether it can be bought was not looked up
    longest_sequence : most steps between a building block and the target
    """

    target: str
    steps: tuple[Step, ...]
    building_blocks: tuple[str, ...]
    longest_sequence: int

    @property
    def n_steps(self) -> int:
        return len(self.steps)


def disconnect(smiles: str) -> Disconnection:
    """Take a molecule, or the repeat unit of a polymer with its two ``[*]``, apart.

    Raises
    ------
    InputError : the SMILES cannot be parsed, or open ends make no repeat unit
    """
    molecule = parse_smiles(smiles)
    target = Chem.MolToSmiles(molecule)
    made: dict[str, Step] = {}
    waiting = [target]
    for product in waiting:
        if product in made or len(made) >= MAX_STEPS:
            continue
        step = _last_step(Chem.MolFromSmiles(product), product)
        if step is not None and product not in step.precursors:
            made[product] = step
            waiting.extend(step.precursors)
    blocks = sorted({name for step in made.values() for name in step.precursors} - set(made)) if made else [target]
    return Disconnection(target, tuple(_in_order(target, made)), tuple(blocks), _depth(target, made))


def _last_step(molecule: Chem.Mol, name: str) -> Step | None:
    """The reaction that comes last in making a molecule; None for what is left as a building block."""
    if any(atom.GetAtomicNum() == 0 for atom in molecule.GetAtoms()):
        return _polymerisation(name)
    by_group = _by_rule(molecule, name, BEFORE_COUPLINGS)
    if by_group is not None:
        return by_group
    bare = without_handles(molecule)
    plain = bare[-1][1] if bare else molecule
    following = _by_coupling(plain) or _by_rule(plain, Chem.MolToSmiles(plain), AFTER_COUPLINGS)
    if following is None:
        return None
    if bare:  # a handle would not survive the steps before it
        return Step(bare[0][0], (Chem.MolToSmiles(bare[0][1]),), name)
    return following


def _by_rule(molecule: Chem.Mol, name: str, rules: Iterable[Rule]) -> Step | None:
    is_small = molecule.GetNumHeavyAtoms() <= SMALL
    for rule in rules:
        applied = None if rule.is_for_large_only and is_small else apply(rule, molecule)
        if applied is not None:
            return Step(rule.name, _smiles(applied.precursors), name, applied.n_sites)
    return None


def _by_coupling(molecule: Chem.Mol) -> Step | None:
    coupling = best_coupling(molecule)
    if coupling is None:
        return None
    name = Chem.MolToSmiles(molecule)
    return Step(coupling.name, _smiles(coupling.pieces), name, coupling.n_sites, coupling.alternative)


def _polymerisation(name: str) -> Step:
    """Two monomers where the chain has two kinds of bond between rings to cut, else one with two halides."""
    unit = repeat_unit(name)
    ring = Chem.RWMol(unit.molecule)
    ends = [ring.GetAtomWithIdx(index) for index in (unit.head, unit.tail)]
    (left,), (right,) = (atom.GetNeighbors() for atom in ends)
    ring.AddBond(left.GetIdx(), right.GetIdx(), Chem.BondType.SINGLE)
    for index in sorted((unit.head, unit.tail), reverse=True):
        ring.RemoveAtom(index)
    chain = ring.GetMol()
    Chem.SanitizeMol(chain, _RINGS_ONLY)
    in_chain = [bond.GetIdx() for bond in coupling_bonds(chain) if bond.IsInRing()]
    pairs = [(a, b) for i, a in enumerate(in_chain) for b in in_chain[i + 1 :]]
    ranks = list(Chem.CanonicalRankAtoms(chain, breakTies=False))
    found = [
        ((not _is_equivalent(chain, pair, ranks), _imbalance(coupling.pieces)), coupling)
        for pair in pairs
        if (coupling := cut(chain, list(pair))) is not None and len(coupling.pieces) == 2
    ]
    if not found:
        halide = Chem.MolFromSmiles(name.replace("[*]", "*").replace("*", "Br"))
        precursor = Chem.MolToSmiles(halide) if halide is not None else name
        return Step("catalyst-transfer polycondensation of the dihalide (Grignard metathesis)", (precursor,), name)
    _, best = min(found, key=lambda item: (*item[0], _smiles(item[1].pieces)))
    return Step(f"polycondensation by {best.name}", _smiles(best.pieces), name, best.n_sites, best.alternative)


def _is_equivalent(chain: Chem.Mol, pair: tuple[int, int], ranks: list[int]) -> bool:
    kinds = [
        sorted((ranks[bond.GetBeginAtomIdx()], ranks[bond.GetEndAtomIdx()])) for bond in map(chain.GetBondWithIdx, pair)
    ]
    return all(left == right for left, right in pairwise(kinds))


def _imbalance(pieces: tuple[Chem.Mol, ...]) -> int:
    sizes = [piece.GetNumHeavyAtoms() for piece in pieces]
    return max(sizes) - min(sizes)


def _smiles(molecules: Iterable[Chem.Mol]) -> tuple[str, ...]:
    """Canonical SMILES that can be read again."""
    return tuple(dict.fromkeys(Chem.CanonSmiles(Chem.MolToSmiles(molecule)) for molecule in molecules))


def _in_order(target: str, made: dict[str, Step]) -> list[Step]:
    """Precursors before what is made from them, the target last."""
    ordered: dict[str, Step] = {}

    def visit(product: str) -> None:
        if product in made and product not in ordered:
            for precursor in made[product].precursors:
                visit(precursor)
            ordered[product] = made[product]

    visit(target)
    return list(ordered.values())


def _depth(product: str, made: dict[str, Step]) -> int:
    if product not in made:
        return 0
    return 1 + max(_depth(precursor, made) for precursor in made[product].precursors)
