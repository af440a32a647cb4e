"""The teacher's schedule: every decision that builds a junction tree, with what was legal when it was taken."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from heliosc.errors import InputError
from heliosc.generation.jtvae.arrays import COLUMNS, PreparedSet
from heliosc.generation.jtvae.molecule_graph import MoleculeGraph, constitution, molecule_graph
from heliosc.generation.jtvae.tree import NO_PLACE, JunctionTree, UnknownWordError, junction_tree
from heliosc.generation.jtvae.valence import LegalMoves, PartialMolecule, SiteState
from heliosc.generation.jtvae.vocabulary import Vocabulary

Columns = dict[str, list[int]]


@dataclass(frozen=True, slots=True)
class Preparation:
    """What became of a list of molecules.

    Attributes
    ----------
    prepared : the molecules that a model can be trained on
    rows : (n_prepared,) index of each in the input
    refused : SMILES -> reason, for input that cannot be decomposed at all
    unknown : SMILES of molecules with clusters outside the vocabulary
    """

    prepared: PreparedSet
    rows: tuple[int, ...]
    refused: dict[str, str]
    unknown: tuple[str, ...]


def read_graphs(smiles: Sequence[str], *, distinct: bool = True) -> tuple[dict[int, MoleculeGraph], dict[str, str]]:
    """Graphs by input index, and the reasons for refused input; ``distinct`` keeps each constitution once."""
    graphs: dict[int, MoleculeGraph] = {}
    refused: dict[str, str] = {}
    seen: set[str] = set()
    for index, text in enumerate(smiles):
        try:
            graph = molecule_graph(constitution(text))
        except InputError as error:
            refused[text] = str(error)
            continue
        if not distinct or graph.smiles not in seen:
            seen.add(graph.smiles)
            graphs[index] = graph
    return graphs, refused


def build_vocabulary(graphs: Iterable[MoleculeGraph]) -> Vocabulary:
    """All words of some molecules, commonest first."""
    vocabulary = Vocabulary()
    grow_vocabulary(vocabulary, graphs)
    return vocabulary.sorted_by_count()


def grow_vocabulary(vocabulary: Vocabulary, graphs: Iterable[MoleculeGraph]) -> int:
    """Add the words of some molecules and count them; the number of new words."""
    before = len(vocabulary)
    for graph in graphs:
        vocabulary.count(graph, junction_tree(graph, vocabulary, grow=True).words)
    return len(vocabulary) - before


def prepare(smiles: Sequence[str], vocabulary: Vocabulary, legal: LegalMoves, *, distinct: bool = True) -> Preparation:
    """Decompose molecules with a fixed vocabulary and lay them out for training."""
    graphs, refused = read_graphs(smiles, distinct=distinct)
    return prepare_graphs(smiles, graphs, refused=refused, vocabulary=vocabulary, legal=legal)


def prepare_graphs(
    smiles: Sequence[str],
    graphs: dict[int, MoleculeGraph],
    *,
    refused: dict[str, str],
    vocabulary: Vocabulary,
    legal: LegalMoves,
) -> Preparation:
    """The second half of ``prepare``, for graphs that were read before."""
    rows, molecules, unknown = [], [], []
    for index, graph in graphs.items():
        try:
            tree = junction_tree(graph, vocabulary)
        except UnknownWordError:
            unknown.append(smiles[index])
            continue
        rows.append(index)
        molecules.append(tree_columns(tree, vocabulary, legal) | graph_columns(graph))
    prepared = PreparedSet.stack([graphs[row].smiles for row in rows], molecules)
    return Preparation(prepared, tuple(rows), refused, tuple(unknown))


def tree_columns(tree: JunctionTree, vocabulary: Vocabulary, legal: LegalMoves) -> Columns:
    """Columns of the spaces ``nodes`` to ``site_options`` of one molecule."""
    return _Teacher(tree, vocabulary, legal).run()


class _Teacher:
    """Walks a tree depth first, writing down decisions that are not forced."""

    def __init__(self, tree: JunctionTree, vocabulary: Vocabulary, legal: LegalMoves) -> None:
        self._tree, self._vocabulary, self._legal = tree, vocabulary, legal
        self._partial = PartialMolecule(vocabulary, tree.words[0])
        self._children: list[list[int]] = [[] for _ in tree.words]
        self._columns: Columns = {name: [] for name, (space, _) in COLUMNS.items() if space not in ("atoms", "edges")}

    def run(self) -> Columns:
        self._add_node(0, depth=0)
        stack = [0]
        last = 0
        while stack:
            node = stack[-1]
            makes_child = last + 1 < len(self._tree) and self._tree.parents[last + 1] == node
            sites = self._partial.open_sites(node)
            if not sites:
                stack.pop()
                continue
            self._add_event(last, node, makes_child)
            if not makes_child:
                stack.pop()
                continue
            last += 1
            self._expand(last, node, sites)
            stack.append(last)
        return self._columns

    def _add_node(self, node: int, *, depth: int) -> None:
        tree, columns = self._tree, self._columns
        word, parent = tree.words[node], tree.parents[node]
        is_root = parent == NO_PLACE
        columns["word"].append(word)
        columns["parent"].append(node if is_root else parent)
        columns["port"].append(0 if is_root else self._flat_port(word, tree.ports[node]))
        columns["site"].append(0 if is_root else self._flat_site(tree.words[parent], tree.sites[node]))
        columns["depth"].append(depth)

    def _flat_port(self, word: int, port: int) -> int:
        return 1 + self._vocabulary.port_offsets[word] + port

    def _flat_site(self, word: int, site: int) -> int:
        return 1 + self._vocabulary.site_offsets[word] + site

    def _add_event(self, last: int, node: int, makes_child: bool) -> None:
        columns = self._columns
        event = len(columns["last"])
        columns["last"].append(last)
        columns["current"].append(node)
        columns["expands"].append(int(makes_child))
        columns["pair_event"].extend([event] * len(self._children[node]))
        columns["pair_child"].extend(self._children[node])

    def _expand(self, child: int, node: int, sites: dict[int, SiteState]) -> None:
        word, port, site = self._tree.words[child], self._tree.ports[child], self._tree.sites[child]
        self._add_port_choice(word, port, sites)
        self._add_site_choice(node, word, port, site, sites)
        self._partial.attach(node, site=site, word=word, port=port)
        self._children[node].append(child)
        self._add_node(child, depth=self._columns["depth"][node] + 1)

    def _add_port_choice(self, word: int, port: int, sites: dict[int, SiteState]) -> None:
        options = legal_ports(self._legal, word, sites)
        if len(options) > 1:
            columns = self._columns
            choice = len(columns["port_event"])
            columns["port_event"].append(len(columns["last"]) - 1)
            columns["port_choice"].extend([choice] * len(options))
            columns["port_option"].extend(self._flat_port(word, option) for option in options)
            columns["port_taken"].extend(int(option == port) for option in options)

    def _add_site_choice(self, node: int, word: int, port: int, site: int, sites: dict[int, SiteState]) -> None:
        options = legal_sites(self._legal, word, port, sites)
        if len(options) > 1:
            columns = self._columns
            choice = len(columns["site_event"])
            columns["site_event"].append(len(columns["last"]) - 1)
            columns["site_choice"].extend([choice] * len(options))
            columns["site_option"].extend(self._flat_site(self._tree.words[node], option) for option in options)
            columns["site_free"].extend(free_class(sites[option]) for option in options)
            columns["site_taken"].extend(int(option == site) for option in options)


def legal_ports(legal: LegalMoves, word: int, sites: dict[int, SiteState]) -> list[int]:
    """Ports of a word that fit at least one open site."""
    start, end = legal.vocabulary.port_offsets[word], legal.vocabulary.port_offsets[word + 1]
    mask = legal.ports_of_any(frozenset(sites.values()))[start:end]
    return [int(port) for port in mask.nonzero()[0]]


def legal_sites(legal: LegalMoves, word: int, port: int, sites: dict[int, SiteState]) -> list[int]:
    """Open sites that a port of a word fits."""
    flat = legal.vocabulary.port_offsets[word] + port
    return [site for site, state in sites.items() if legal.ports(state)[flat]]


def free_class(state: SiteState) -> int:
    """Free valence of a site's first atom, at most 4."""
    return min(state.atoms[0].amount, 4)


def graph_columns(graph: MoleculeGraph) -> Columns:
    """Columns of the spaces ``atoms`` and ``edges`` of one molecule."""
    n_rings = [0] * len(graph.labels)
    for ring in graph.rings:
        for atom in ring:
            n_rings[atom] += 1
    source, target, bond = [], [], []
    for (i, j, order), in_ring in zip(graph.bonds, graph.in_ring, strict=True):
        source += [i, j]
        target += [j, i]
        bond += [order + 4 * in_ring] * 2
    return {
        "element": [min(label.element, 119) for label in graph.labels],
        "charge": [min(max(label.charge + 4, 0), 8) for label in graph.labels],
        "hydrogens": [min(n, 4) for n in graph.hydrogens],
        "pi": [min(max(label.pi + 1, 0), 2) for label in graph.labels],
        "rings": [min(n, 3) for n in n_rings],
        "source": source,
        "target": target,
        "bond": bond,
    }
