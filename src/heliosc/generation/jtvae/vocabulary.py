"""The vocabulary: all words that a model can put together, their counts, ports and sites in flat numbering.

A word's identity is its labelled graph, tested by isomorphism; SMILES spellings are stored for people only, so a change
of RDKit's spelling between versions changes nothing. What could change is what RDKit finds aromatic or symmetric: a
stored vocabulary holds probes of both, and one from another RDKit version is refused if they come out differently.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rdkit import rdBase

from heliosc.errors import InputError
from heliosc.generation.jtvae.clusters import Cluster, find_clusters
from heliosc.generation.jtvae.molecule_graph import (
    AROMATIC,
    NOT_AROMATIC,
    AtomLabel,
    MoleculeGraph,
    constitution,
    molecule_graph,
)
from heliosc.generation.jtvae.words import Word, isomorphism, number_atoms

FORMAT = 1
MAX_WORD_ATOMS = 120

_RawKey = tuple[tuple[AtomLabel, ...], tuple[tuple[int, int, int], ...], bool]


class Vocabulary:
    """Words in a fixed order; new ones are appended, so numbers stay valid while it grows.

    Attributes
    ----------
    words : (n_words,)
    counts : (n_words,) occurrences in the molecules that built it
    max_hydrogens : for each atom label the most hydrogens seen on it; more would leave a valence open that chemistry
        fills (the C of a ring C=O, sulfone S, nitro N)
    """

    def __init__(self) -> None:
        self.words: list[Word] = []
        self.counts: list[int] = []
        self.max_hydrogens: dict[AtomLabel, int] = {}
        self._numbers: dict[_RawKey, tuple[int, tuple[int, ...]]] = {}
        self._buckets: dict[tuple, list[int]] = {}
        self._port_offsets = [0]
        self._site_offsets = [0]

    def __len__(self) -> int:
        return len(self.words)

    @property
    def n_ports(self) -> int:
        return self._port_offsets[-1]

    @property
    def n_sites(self) -> int:
        return self._site_offsets[-1]

    @property
    def port_offsets(self) -> Sequence[int]:
        """(n_words + 1,) first flat port number of each word."""
        return self._port_offsets

    @property
    def site_offsets(self) -> Sequence[int]:
        """(n_words + 1,) first flat site number of each word."""
        return self._site_offsets

    def find(self, graph: MoleculeGraph, cluster: Cluster, *, grow: bool) -> tuple[int, tuple[int, ...]] | None:
        """Word number of a cluster, and the template atom of each of its atoms; None if unknown and not to be added.

        Raises
        ------
        InputError : growing by a word above ``MAX_WORD_ATOMS``
        """
        key = _raw_key(graph, cluster)
        found = self._numbers.get(key)
        if found is None:
            found = self._look_up(Word(key[0], _ordered(key[1]), cluster.is_ring), grow=grow)
            if found is not None:
                self._numbers[key] = found
        return found

    def _look_up(self, word: Word, *, grow: bool) -> tuple[int, tuple[int, ...]] | None:
        bucket = self._buckets.get(_invariant(word), [])
        for number in bucket:
            mapping = isomorphism(word, self.words[number])
            if mapping is not None:
                return number, mapping
        if not grow:
            return None
        if word.n_atoms > MAX_WORD_ATOMS:
            raise InputError(f"ring system of {word.n_atoms} atoms; at most {MAX_WORD_ATOMS} make a word")
        template = number_atoms(word)
        number = self._append(template, 0)
        mapping = isomorphism(word, template)
        if mapping is None:
            raise InputError(
                f"fragment {word.smiles!r} does not match its own renumbering; please report this molecule"
            )
        return number, mapping

    def _append(self, word: Word, count: int) -> int:
        self.words.append(word)
        self.counts.append(count)
        self._buckets.setdefault(_invariant(word), []).append(len(self.words) - 1)
        self._port_offsets.append(self.n_ports + len(word.ports))
        self._site_offsets.append(self.n_sites + len(word.sites))
        return len(self.words) - 1

    def count(self, graph: MoleculeGraph, numbers: Iterable[int]) -> None:
        """Count one molecule's words and the hydrogens on its atoms."""
        for number in numbers:
            self.counts[number] += 1
        for label, hydrogens in zip(graph.labels, graph.hydrogens, strict=True):
            if hydrogens > self.max_hydrogens.get(label, -1):
                self.max_hydrogens[label] = hydrogens

    def absorb(self, other: Vocabulary) -> NDArray[np.int64]:
        """Add another vocabulary's words, uncounted, and its hydrogens; (n_other,) their numbers here."""
        found = [self._look_up(word, grow=True) for word in other.words]
        for label, hydrogens in other.max_hydrogens.items():
            self.max_hydrogens[label] = max(hydrogens, self.max_hydrogens.get(label, -1))
        return np.asarray([number for number, _ in filter(None, found)], dtype=np.int64)

    def add_counts(self, numbers: NDArray[np.int64]) -> None:
        """Count words by their numbers, (n_occurrences,)."""
        more = np.bincount(numbers, minlength=len(self))
        self.counts = [count + int(n) for count, n in zip(self.counts, more, strict=True)]

    def sorted_by_count(self, *, least_count: int = 0) -> Vocabulary:
        """The words that occur at least so often, commonest first; ties by size and name."""
        order = sorted(
            (i for i in range(len(self)) if self.counts[i] >= least_count),
            key=lambda i: (-self.counts[i], self.words[i].n_atoms, self.words[i].smiles, i),
        )
        ordered = Vocabulary()
        ordered.max_hydrogens = dict(self.max_hydrogens)
        for i in order:
            ordered._append(self.words[i], self.counts[i])
        return ordered

    def frequencies(self) -> NDArray[np.float64]:
        """(n_words,) share of each word, never zero."""
        counts = np.asarray(self.counts, dtype=np.float64) + 0.5
        return counts / counts.sum()

    def to_document(self, *, with_probes: bool = True) -> dict[str, Any]:
        """A JSON-ready description of everything the vocabulary holds.

        Parameters
        ----------
        with_probes : check whether each word's SMILES is read back as the word, for readers with another RDKit
        """
        return {
            "format": FORMAT,
            "rdkit": rdBase.rdkitVersion,
            "words": [
                {
                    "smiles": word.smiles,
                    "labels": [list(label) for label in word.labels],
                    "bonds": [list(bond) for bond in word.bonds],
                    "is_ring": word.is_ring,
                    "count": count,
                    "n_ports": len(word.ports),
                    **({"reads_back": _reads_back(word)} if with_probes else {}),
                }
                for word, count in zip(self.words, self.counts, strict=True)
            ],
            "max_hydrogens": [[*label, n] for label, n in sorted(self.max_hydrogens.items())],
        }

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Vocabulary:
        """Rebuild a vocabulary.

        Raises
        ------
        InputError : another format, a damaged document, or words that this RDKit version understands differently
        """
        if not isinstance(document, dict) or document.get("format") != FORMAT:
            got = document.get("format") if isinstance(document, dict) else type(document).__name__
            raise InputError(f"vocabulary format {got!r}; this version reads format {FORMAT}")
        vocabulary = cls()
        try:
            for entry in document["words"]:
                labels = tuple(AtomLabel(*label) for label in entry["labels"])
                bonds = tuple((i, j, order) for i, j, order in entry["bonds"])
                vocabulary._append(Word(labels, bonds, bool(entry["is_ring"])), int(entry["count"]))
            for *label, n in document["max_hydrogens"]:
                vocabulary.max_hydrogens[AtomLabel(*label)] = n
            made_with = document["rdkit"]
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"damaged vocabulary: {error!r}; copy the model folder again or train it anew") from error
        if made_with != rdBase.rdkitVersion:
            vocabulary._check_probes(document)
        return vocabulary

    def _check_probes(self, document: dict[str, Any]) -> None:
        """Refuse words of another RDKit version that this one understands differently."""
        for word, entry in zip(self.words, document["words"], strict=True):
            n_ports = entry.get("n_ports", len(word.ports))
            wrong = f"{len(word.ports)} distinct places instead of {n_ports}" if n_ports != len(word.ports) else ""
            if entry.get("reads_back", False) and not _reads_back(word, smiles=entry["smiles"]):
                wrong = "other atoms or bonds"
            if wrong:
                raise InputError(
                    f"the vocabulary was made with RDKit {document['rdkit']}; RDKit {rdBase.rdkitVersion} sees {wrong} "
                    f"in its fragment {entry['smiles']!r}; install rdkit=={document['rdkit']} or train the model anew"
                )

    def fingerprint(self) -> str:
        """SHA-256 of the words in their order, without spellings, counts and versions."""
        plain = [[word.labels, word.bonds, word.is_ring] for word in self.words]
        return hashlib.sha256(json.dumps(plain).encode()).hexdigest()


def _raw_key(graph: MoleculeGraph, cluster: Cluster) -> _RawKey:
    """Labels and bonds of a cluster with its atoms counted from zero; aromatic are the atoms of its own bonds."""
    if not cluster.is_ring:
        i, j, order = cluster.bonds[0]
        return (_plain(graph.labels[i]), _plain(graph.labels[j])), ((0, 1, order),), False
    position = {atom: place for place, atom in enumerate(cluster.atoms)}
    aromatic = {atom for i, j, order in cluster.bonds if order == AROMATIC for atom in (i, j)}
    labels = [graph.labels[atom] if atom in aromatic else _plain(graph.labels[atom]) for atom in cluster.atoms]
    bonds = [(position[i], position[j], order) for i, j, order in cluster.bonds]
    return tuple(labels), tuple(bonds), True


@cache
def _plain(label: AtomLabel) -> AtomLabel:
    return label._replace(pi=NOT_AROMATIC)


def _reads_back(word: Word, *, smiles: str | None = None) -> bool:
    """Whether a word's SMILES, read as a molecule of its own, is that word and nothing else."""
    try:
        graph = molecule_graph(constitution(word.smiles if smiles is None else smiles))
    except InputError:
        return False
    clusters = find_clusters(graph)
    if len(clusters) != 1:
        return False
    labels, bonds, is_ring = _raw_key(graph, clusters[0])
    return isomorphism(Word(labels, _ordered(bonds), is_ring), word) is not None


def _ordered(bonds: Iterable[tuple[int, int, int]]) -> tuple[tuple[int, int, int], ...]:
    return tuple(sorted((min(i, j), max(i, j), order) for i, j, order in bonds))


def _invariant(word: Word) -> tuple:
    """Equal for isomorphic words: the labels with the orders around each atom."""
    around: list[list[int]] = [[] for _ in word.labels]
    for i, j, order in word.bonds:
        around[i].append(order)
        around[j].append(order)
    atoms = sorted((label, tuple(sorted(orders))) for label, orders in zip(word.labels, around, strict=True))
    return (word.is_ring, tuple(atoms))
