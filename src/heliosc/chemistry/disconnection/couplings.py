"""Couplings of two aromatic rings: which bonds to cut at a time, and which handle goes on which side.

Equivalent bonds are made in one step. Of all classes of bonds the one is cut that leaves the smallest largest piece.
Each piece carries one kind of handle: halides on the electron-poor side, stannanes (Stille, where a five-membered ring
takes part) or boronates (Suzuki) on the other. Direct (hetero)arylation is named where the stannane stands beside the
heteroatom of a five-membered ring, since its C-H bond can do the same.

References
----------
Carsten, He, Son, Xu, Yu, Chem. Rev. 2011, 111, 1493, 10.1021/cr100320w (Stille).
Suzuki, Angew. Chem. Int. Ed. 2011, 50, 6722, 10.1002/anie.201101379.
Pouliot, Grenier, Blaskovits, Beaupre, Leclerc, Chem. Rev. 2016, 116, 14225, 10.1021/acs.chemrev.6b00498 (direct
(hetero)arylation).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from rdkit import Chem
from rdkit.Chem import rdChemReactions

HALIDE, STANNANE, BORONATE = 1, 2, 3
_HANDLES = {HALIDE: "Br", STANNANE: "[Sn](C)(C)C", BORONATE: "B1OC(C)(C)C(C)(C)O1"}
_FUNCTIONAL = {
    "halogenation (NBS)": "[c:1]-[Br]>>[c:1]",
    "stannylation": "[c:1]-[Sn](-[CH3])(-[CH3])-[CH3]>>[c:1]",
    "borylation": "[c:1]-B1OC(C)(C)C(C)(C)O1>>[c:1]",
}
_POOR = (
    (2, Chem.MolFromSmarts("[$(C#N),$([CX3]=O),$([CX3]=C(C#N)C#N),$([n;X2]),$([N+](=O)[O-])]")),
    (1, Chem.MolFromSmarts("[F,Cl]")),
)
_RICH = Chem.MolFromSmarts("[$([s;r5]),$([se;r5]),$([o;r5]),$([nX3]),$([OX2](c)C),$([NX3](c)(c)c)]")
_LARGEST_RING = 8
DIRECT_ARYLATION = "direct (hetero)arylation of the C-H in place of the stannane"


@dataclass(frozen=True)
class Coupling:
    """One step that joins pieces.

    Attributes
    ----------
    pieces : with their handles
    n_sites : bonds made in the step
    """

    name: str
    pieces: tuple[Chem.Mol, ...]
    n_sites: int
    alternative: str = ""


def best_coupling(molecule: Chem.Mol) -> Coupling | None:
    """The class of equivalent bonds between aromatic rings that is best made last; None without any."""
    ranks = list(Chem.CanonicalRankAtoms(molecule, breakTies=False))
    classes: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for bond in coupling_bonds(molecule):
        ends = sorted((ranks[bond.GetBeginAtomIdx()], ranks[bond.GetEndAtomIdx()]))
        classes[tuple(ends)].append(bond.GetIdx())
    found = [coupling for _, bonds in sorted(classes.items()) if (coupling := cut(molecule, bonds)) is not None]
    return min(found, default=None, key=lambda coupling: (_largest(coupling), _names(coupling)))


def coupling_bonds(molecule: Chem.Mol) -> list[Chem.Bond]:
    """Single bonds between carbon atoms of two aromatic rings, in no ring of usual size."""
    small = {bond for ring in molecule.GetRingInfo().BondRings() if len(ring) <= _LARGEST_RING for bond in ring}
    return [
        bond
        for bond in molecule.GetBonds()
        if bond.GetIdx() not in small
        and bond.GetBondType() == Chem.BondType.SINGLE
        and all(atom.GetIsAromatic() and atom.GetAtomicNum() == 6 for atom in (bond.GetBeginAtom(), bond.GetEndAtom()))
    ]


def cut(molecule: Chem.Mol, bonds: list[int]) -> Coupling | None:
    """Cut these bonds; None where some piece would need both kinds of handle."""
    fragmented = Chem.FragmentOnBonds(molecule, bonds, addDummies=False)
    members = Chem.GetMolFrags(fragmented)
    piece_of = {atom: piece for piece, atoms in enumerate(members) for atom in atoms}
    ends = [(molecule.GetBondWithIdx(b).GetBeginAtomIdx(), molecule.GetBondWithIdx(b).GetEndAtomIdx()) for b in bonds]
    has_halide = _two_colours([(piece_of[a], piece_of[b]) for a, b in ends], len(members))
    if has_halide is None:
        return None
    poverty = [_poverty(molecule, atoms) for atoms in members]
    if sum(poverty[i] for i, halide in has_halide.items() if halide) < sum(
        poverty[i] for i, halide in has_halide.items() if not halide
    ):
        has_halide = {piece: not halide for piece, halide in has_halide.items()}
    metals = [a if not has_halide[piece_of[a]] else b for a, b in ends]
    is_stille = any(_is_in_five_ring(molecule, atom) for pair in ends for atom in pair)
    metal = STANNANE if is_stille else BORONATE
    labels = [
        (HALIDE if has_halide[piece_of[b]] else metal, HALIDE if has_halide[piece_of[a]] else metal) for a, b in ends
    ]  # the dummy on an atom carries the label of its own piece; FragmentOnBonds takes the partner's first
    return Coupling(
        "Stille coupling" if is_stille else "Suzuki coupling",
        _distinct(_with_handles(Chem.FragmentOnBonds(molecule, bonds, dummyLabels=labels))),
        len(bonds),
        DIRECT_ARYLATION if is_stille and all(_is_beside_heteroatom(molecule, atom) for atom in metals) else "",
    )


def without_handles(molecule: Chem.Mol) -> list[tuple[str, Chem.Mol]]:
    """Name of each step that puts handles on a molecule, last first, and the molecule before it."""
    found = []
    current = molecule
    for name, smarts in _FUNCTIONAL.items():
        reaction = rdChemReactions.ReactionFromSmarts(smarts)
        before = current
        while outcomes := reaction.RunReactants((current,)):
            current = outcomes[0][0]
            Chem.SanitizeMol(current)
        if current is not before:
            found.append((name, current))
    return found


def _two_colours(edges: list[tuple[int, int]], n_pieces: int) -> dict[int, bool] | None:
    """Piece -> whether it has the halides, neighbours always differing; None where that cannot be."""
    neighbours = defaultdict(set)
    for left, right in edges:
        neighbours[left].add(right)
        neighbours[right].add(left)
    colour = {0: False}
    queue = [0]
    for piece in queue:
        for other in neighbours[piece]:
            if other not in colour:
                colour[other] = not colour[piece]
                queue.append(other)
            elif colour[other] == colour[piece]:
                return None
    return colour if len(colour) == n_pieces else None


def _with_handles(labelled: Chem.Mol) -> list[Chem.Mol]:
    """Pieces with the isotope-marked dummy atoms turned into handles."""
    current = labelled
    for label, handle in _HANDLES.items():
        dummy = Chem.MolFromSmarts(f"[{label}#0]")
        replacement = Chem.MolFromSmiles(handle)
        if current.HasSubstructMatch(dummy):
            current = Chem.ReplaceSubstructs(current, dummy, replacement, replaceAll=True)[0]
    Chem.SanitizeMol(current)
    return list(Chem.GetMolFrags(current, asMols=True))


def _distinct(pieces: list[Chem.Mol]) -> tuple[Chem.Mol, ...]:
    by_name = {Chem.MolToSmiles(piece): piece for piece in pieces}
    return tuple(by_name[name] for name in sorted(by_name, key=lambda name: (-len(name), name)))


def _poverty(molecule: Chem.Mol, atoms: tuple[int, ...]) -> int:
    """How electron-poor a piece is: acceptor groups less donor groups."""
    piece = set(atoms)
    terms = (*_POOR, (-1, _RICH))
    return sum(
        weight for weight, pattern in terms for match in molecule.GetSubstructMatches(pattern) if match[0] in piece
    )


def _is_in_five_ring(molecule: Chem.Mol, atom: int) -> bool:
    return molecule.GetRingInfo().IsAtomInRingOfSize(atom, 5)


def _is_beside_heteroatom(molecule: Chem.Mol, atom: int) -> bool:
    neighbours = molecule.GetAtomWithIdx(atom).GetNeighbors()
    return _is_in_five_ring(molecule, atom) and any(n.GetAtomicNum() in (7, 8, 16, 34) for n in neighbours)


def _largest(coupling: Coupling) -> int:
    return max(_skeleton_size(piece) for piece in coupling.pieces)


def _skeleton_size(piece: Chem.Mol) -> int:
    """Heavy atoms without handles."""
    bare = without_handles(piece)
    return int((bare[-1][1] if bare else piece).GetNumHeavyAtoms())


def _names(coupling: Coupling) -> tuple[str, ...]:
    return tuple(Chem.MolToSmiles(piece) for piece in coupling.pieces)
