"""Round trip of the gold tree: does following a molecule's own tree, under the decoder's rules, give the molecule back?

The walk takes the same decisions as the sampler and looks at the same masks, so what passes here can be decoded: a
mask that forbids a true decision is a failure even where the bare assembly is right.
"""

from __future__ import annotations

from rdkit import Chem

from heliosc.generation.jtvae.assemble import finish
from heliosc.generation.jtvae.growing import DecodeLimits
from heliosc.generation.jtvae.molecule_graph import MoleculeGraph
from heliosc.generation.jtvae.schedule import legal_ports, legal_sites
from heliosc.generation.jtvae.tree import JunctionTree
from heliosc.generation.jtvae.valence import LegalMoves, PartialMolecule


def failure_of(
    graph: MoleculeGraph, tree: JunctionTree, legal: LegalMoves, *, limits: DecodeLimits | None = None
) -> str | None:
    """Why the gold tree of a molecule does not lead back to it, or None.

    Parameters
    ----------
    limits : the sampler's; where they cut the molecule is a failure
    """
    walk = _Walk(tree, legal)
    reason = walk.run() or _cut(walk.partial, limits or DecodeLimits())
    if reason is not None:
        return reason
    rebuilt = Chem.MolToSmiles(finish(walk.partial), isomericSmiles=False)
    if rebuilt == graph.smiles or _read_again(rebuilt) == _read_again(graph.smiles):
        return None
    return f"another constitution: {rebuilt}"


def _cut(partial: PartialMolecule, limits: DecodeLimits) -> str | None:
    if len(partial.nodes) > limits.max_nodes or partial.n_atoms > limits.max_atoms:
        return (
            f"{len(partial.nodes)} nodes and {partial.n_atoms} atoms; "
            f"decoding stops at {limits.max_nodes} and {limits.max_atoms}"
        )
    return None


def _read_again(smiles: str) -> str | None:
    """RDKit's fixed point: a SMILES written from a molecule that was read, not built."""
    molecule = Chem.MolFromSmiles(smiles)
    return None if molecule is None else Chem.MolToSmiles(molecule)


class _Walk:
    """One walk along a tree."""

    def __init__(self, tree: JunctionTree, legal: LegalMoves) -> None:
        self._tree, self._legal = tree, legal
        self.partial = PartialMolecule(legal.vocabulary, tree.words[0])

    def run(self) -> str | None:
        """The first decision that the masks forbid."""
        stack, last = [0], 0
        while stack:
            node = stack[-1]
            if last + 1 < len(self._tree) and self._tree.parents[last + 1] == node:
                last += 1
                reason = self._expand(last, node)
                stack.append(last)
            else:
                reason = self._stop(node)
                stack.pop()
            if reason is not None:
                return reason
        return None

    def _expand(self, child: int, node: int) -> str | None:
        word, port, site = self._tree.words[child], self._tree.ports[child], self._tree.sites[child]
        name = self._legal.vocabulary.words[word].smiles
        sites = self.partial.open_sites(node)
        if port not in legal_ports(self._legal, word, sites):
            return f"no site is seen to take {name}"
        if site not in legal_sites(self._legal, word, port, sites):
            return f"the true site is not seen to take {name}"
        if self.partial.breaks_double_bonds(node, site=site, word=word, port=port):
            return f"{name} is thought to break double bonds"
        self.partial.attach(node, site=site, word=word, port=port)
        return None

    def _stop(self, node: int) -> str | None:
        sites = self.partial.open_sites(node)
        for site in self.partial.unfinished_sites(node):
            if site in sites and self._legal.ports(sites[site]).any():
                return f"the decoder would fill an atom that has hydrogens: {sites[site].atoms[0].label}"
        return None
