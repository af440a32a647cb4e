"""Molecules growing side by side from latent vectors, one decision of each at a time.

Every choice is masked to what keeps the molecule legal: labels and free valences must agree, a fused ring must leave
every aromatic double bond a place, an atom that chemistry never leaves open (C of a ring C=O, sulfone S) must be
filled before its node is finished. Construction ends after ``DecodeLimits`` at the latest; free valences then become
hydrogens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from rdkit import Chem
from torch import Tensor

from heliosc.chemistry.identity import MAX_HEAVY_ATOMS
from heliosc.generation.jtvae.assemble import finish
from heliosc.generation.jtvae.decoding import Decoding
from heliosc.generation.jtvae.network import Network
from heliosc.generation.jtvae.schedule import free_class, legal_ports, legal_sites
from heliosc.generation.jtvae.tree import JunctionTree
from heliosc.generation.jtvae.valence import BoolArray, LegalMoves, PartialMolecule, SiteState


@dataclass(frozen=True, slots=True)
class DecodeLimits:
    """Where construction stops at the latest.

    Attributes
    ----------
    max_nodes, max_atoms : every molecule that can be read in can come out
    max_fused_rings : conjugated rings of one fused system, unless a single word has more. To find which rings are
        aromatic RDKit tries all sets of up to six rings: 0.3 s at 32 rings, half a minute at 66
    """

    max_nodes: int = MAX_HEAVY_ATOMS
    max_atoms: int = MAX_HEAVY_ATOMS
    max_fused_rings: int = 32


@dataclass(frozen=True, slots=True)
class Decoded:
    """One decoded molecule.

    Attributes
    ----------
    smiles : canonical SMILES; None if RDKit cannot read its own spelling of it (counted, never seen on trained models)
    is_saturated : an aromatic atom found no partner for its double bond and was given a hydrogen
    is_cut : a limit ended the construction, or kept words out of it
    """

    smiles: str | None
    is_saturated: bool
    is_cut: bool


@dataclass
class Growing:
    """A molecule on its way.

    Attributes
    ----------
    row : of the latent vector, and of the decoder's states
    stack : nodes not yet ended, the one decided on last
    sites : open sites of that node, or those of them that must be filled first
    words : (n_words,) those that fit the sites
    score : log likelihood of the choices so far, where a search keeps count
    """

    partial: PartialMolecule
    row: int
    stack: list[int] = field(default_factory=lambda: [0])
    sites: dict[int, SiteState] = field(default_factory=dict)
    words: BoolArray = field(default_factory=lambda: np.zeros(0, dtype=bool))
    is_cut: bool = False
    score: float = 0.0

    @property
    def node(self) -> int:
        return self.stack[-1]

    @property
    def last(self) -> int:
        return len(self.partial.nodes) - 1

    def copy(self, *, row: int, score: float) -> Growing:
        """An independent copy in another row."""
        return replace(self, partial=self.partial.copy(), row=row, stack=list(self.stack), score=score)


class Chunk:
    """One batch of molecules growing side by side."""

    def __init__(
        self,
        network: Network,
        legal: LegalMoves,
        latent: Tensor,
        *,
        decoding: Decoding,
        generator: torch.Generator,
        limits: DecodeLimits,
    ) -> None:
        self._decoder, self._tables = network.decoder, network.tables
        self._legal, self._vocabulary, self._limits = legal, legal.vocabulary, limits
        self._device = latent.device
        self._latent, self._decoding, self._generator = latent, decoding, generator
        shape = (len(latent), self._limits.max_nodes, self._decoder.start(latent).shape[1])
        self._states = latent.new_zeros(shape)
        self._memory = latent.new_zeros(shape)

    def grow(self, core: JunctionTree | None) -> list[Growing]:
        """Choose until every molecule is whole."""
        growing = self._plant_roots(self._pick(self._root_logits()).tolist()) if core is None else self._plant(core)
        alive = [molecule for molecule in growing if self._settle(molecule)]
        while alive:
            self._decide(alive)
            alive = [molecule for molecule in alive if self._settle(molecule)]
        return growing

    def _root_logits(self) -> Tensor:
        return self._decoder.root_logits(self._latent)

    def _plant_roots(self, roots: list[int]) -> list[Growing]:
        growing = [Growing(PartialMolecule(self._vocabulary, root), row) for row, root in enumerate(roots)]
        state = self._decoder.start(self._latent)
        self._advance(growing, state, ports=[0] * len(growing), sites=[0] * len(growing))
        return growing

    def _plant(self, core: JunctionTree) -> list[Growing]:
        """Begin every molecule with all nodes of a tree, and let all of them get more children."""
        n = len(self._latent)
        growing = self._plant_roots([core.words[0]] * n)
        nodes = zip(core.words, core.parents, core.ports, core.sites, strict=True)
        for word, parent, port, site in list(nodes)[1:]:
            for molecule in growing:
                molecule.stack = [parent]
                molecule.partial.attach(parent, site=site, word=word, port=port)
            self._move_on(growing, [port] * n, [site] * n)
        for molecule in growing:
            molecule.stack = list(range(len(core)))
        return growing

    def _advance(self, molecules: Sequence[Growing], states: Tensor, *, ports: list[int], sites: list[int]) -> None:
        """Let the recurrence read the nodes made last; ``ports`` and ``sites`` count from 1, 0 is the root's."""
        rows = [molecule.row for molecule in molecules]
        words = [molecule.partial.words[-1] for molecule in molecules]
        placed = self._tables(self._tensor(words), self._tensor(ports), self._tensor(sites))
        inputs = self._decoder.step_input(placed, self._latent[rows])
        _, after = self._decoder.recurrence(inputs.unsqueeze(1), states.unsqueeze(0).contiguous())
        self._states[rows, [molecule.last for molecule in molecules]] = after[0]
        if ports[0]:
            parents = [molecule.node for molecule in molecules]
            self._memory[rows, parents] += self._decoder.remember(placed)

    def _settle(self, molecule: Growing) -> bool:
        """Leave nodes at which nothing can be put; false when none is left."""
        partial = molecule.partial
        if len(partial.nodes) >= self._limits.max_nodes:
            molecule.is_cut = True
            return False
        while molecule.stack:
            molecule.sites = partial.open_sites(molecule.node)
            if molecule.sites and self._has_words(molecule):
                return True
            molecule.stack.pop()
        return False

    def _has_words(self, molecule: Growing) -> bool:
        """Find the words that fit the molecule's sites and leave it within the limit of atoms."""
        words = self._legal.words(frozenset(molecule.sites.values()))
        room = self._limits.max_atoms - molecule.partial.n_atoms
        if room < self._legal.most_new_atoms:
            fitting = words & (self._legal.new_atoms <= room)
            molecule.is_cut |= bool((fitting != words).any())
            words = fitting
        molecule.words = words
        return bool(words.any())

    def _decide(self, alive: list[Growing]) -> None:
        """Take one decision for each molecule."""
        context, topology = self._contexts(alive)
        expands = self._expands(topology).tolist()
        chosen = []
        for place, (molecule, expand) in enumerate(zip(alive, expands, strict=True)):
            if expand or self._must_fill(molecule):
                chosen.append(place)
            else:
                molecule.stack.pop()
        if chosen:
            self._expand([alive[place] for place in chosen], context[chosen])

    def _contexts(self, growing: list[Growing]) -> tuple[Tensor, Tensor]:
        """What the next decision of each molecule sees, (n, hidden), and the score of going on, (n,)."""
        rows = [molecule.row for molecule in growing]
        nodes = [molecule.node for molecule in growing]
        last = [molecule.last for molecule in growing]
        context = self._decoder.decision_context(
            self._states[rows, last], self._states[rows, nodes], self._memory[rows, nodes], self._latent[rows]
        )
        return context, self._decoder.topology_logits(context)

    def _must_fill(self, molecule: Growing) -> bool:
        """Whether an atom must not stay open and can be filled; what comes next is then restricted to such atoms."""
        unfinished = {
            site: molecule.sites[site]
            for site in molecule.partial.unfinished_sites(molecule.node)
            if site in molecule.sites and self._legal.ports(molecule.sites[site]).any()
        }
        if not unfinished:
            return False
        molecule.sites = unfinished
        return self._has_words(molecule)

    def _expands(self, logits: Tensor) -> Tensor:
        if self._decoding.temperature == 0:
            return logits > 0
        chance = torch.rand(len(logits), generator=self._generator).to(logits.device)
        return chance < torch.sigmoid(logits / self._decoding.temperature)

    def _expand(self, molecules: list[Growing], context: Tensor) -> None:
        words = self._pick(self._masked_words(molecules, context)).tolist()
        ports = self._choose_ports(molecules, context, words)
        sites = self._choose_sites(molecules, context, words, ports=ports)
        made = []
        for place, (molecule, site) in enumerate(zip(molecules, sites, strict=True)):
            if site is None:  # every site would break an aromatic system or a limit: nothing more is put here
                molecule.stack.pop()
                continue
            molecule.partial.attach(molecule.node, site=site, word=words[place], port=ports[place])
            made.append(place)
        if made:
            self._move_on([molecules[place] for place in made], [ports[p] for p in made], [sites[p] or 0 for p in made])

    def _masked_words(self, molecules: list[Growing], context: Tensor) -> Tensor:
        """Scores of the words, (n, n_words), -inf where one does not fit."""
        allowed = torch.from_numpy(np.stack([molecule.words for molecule in molecules])).to(self._device)
        return self._decoder.word_logits(context).masked_fill(~allowed, -torch.inf)

    def _move_on(self, molecules: list[Growing], ports: list[int], sites: list[int]) -> None:
        rows = [molecule.row for molecule in molecules]
        before = self._states[rows, [molecule.last - 1 for molecule in molecules]]
        words = [molecule.partial.words[-1] for molecule in molecules]
        parents = [molecule.partial.words[molecule.node] for molecule in molecules]
        port_offsets, site_offsets = self._vocabulary.port_offsets, self._vocabulary.site_offsets
        flat_ports = [1 + port_offsets[word] + port for word, port in zip(words, ports, strict=True)]
        flat_sites = [1 + site_offsets[word] + site for word, site in zip(parents, sites, strict=True)]
        self._advance(molecules, before, ports=flat_ports, sites=flat_sites)
        for molecule in molecules:
            molecule.stack.append(molecule.last)

    def _choose_ports(self, molecules: list[Growing], context: Tensor, words: list[int]) -> list[int]:
        options = [legal_ports(self._legal, word, m.sites) for m, word in zip(molecules, words, strict=True)]
        chosen = [ports[0] for ports in options]
        open_rows = [row for row, ports in enumerate(options) if len(ports) > 1]
        if open_rows:
            found = [options[row] for row in open_rows]
            logits = self._port_logits([words[row] for row in open_rows], context[open_rows], found)
            for row, pick in zip(open_rows, self._pick_place(logits).tolist(), strict=True):
                chosen[row] = options[row][pick]
        return chosen

    def _choose_sites(
        self, molecules: list[Growing], context: Tensor, words: list[int], *, ports: list[int]
    ) -> list[int | None]:
        options = [self._sound_sites(m, w, p) for m, w, p in zip(molecules, words, ports, strict=True)]
        chosen: list[int | None] = [sites[0] if sites else None for sites in options]
        open_rows = [row for row, sites in enumerate(options) if len(sites) > 1]
        if open_rows:
            placed = [(words[row], ports[row]) for row in open_rows]
            on, found = [molecules[row] for row in open_rows], [options[row] for row in open_rows]
            logits = self._site_logits(on, context[open_rows], placed, found)
            for row, pick in zip(open_rows, self._pick_place(logits).tolist(), strict=True):
                chosen[row] = options[row][pick]
        return chosen

    def _port_logits(self, words: Sequence[int], context: Tensor, options: Sequence[list[int]]) -> Tensor:
        """Scores of the ports of each word, (n, most options), -inf where there is none."""
        offsets = self._vocabulary.port_offsets
        repeats = [row for row, ports in enumerate(options) for _ in ports]
        flat = [1 + offsets[words[row]] + port for row, ports in enumerate(options) for port in ports]
        word = self._tensor([words[row] for row in repeats])
        return _padded(self._decoder.port_logits(context[repeats], word, self._tensor(flat)), options)

    def _site_logits(
        self,
        molecules: Sequence[Growing],
        context: Tensor,
        placed: Sequence[tuple[int, int]],
        options: Sequence[list[int]],
    ) -> Tensor:
        """Scores of the sites for each (word, port), (n, most options), -inf where there is none."""
        ports, sites = self._vocabulary.port_offsets, self._vocabulary.site_offsets
        repeats = [row for row, found in enumerate(options) for _ in found]
        nodes = [molecule.partial.words[molecule.node] for molecule in molecules]
        logits = self._decoder.site_logits(
            context[repeats],
            self._tensor([placed[row][0] for row in repeats]),
            self._tensor([1 + ports[placed[row][0]] + placed[row][1] for row in repeats]),
            sites=self._tensor([1 + sites[nodes[row]] + site for row, found in enumerate(options) for site in found]),
            free=self._tensor(
                [free_class(molecules[row].sites[site]) for row, found in enumerate(options) for site in found]
            ),
        )
        return _padded(logits, options)

    def _sound_sites(self, molecule: Growing, word: int, port: int) -> list[int]:
        partial, node = molecule.partial, molecule.node
        chosen = self._vocabulary.words[word]
        if len(chosen.ports[port]) == 2:
            n_rings = partial.n_fused_rings(node) + chosen.n_conjugated_rings
            if n_rings > self._limits.max_fused_rings and chosen.n_conjugated_rings:
                molecule.is_cut = True
                return []
        sites = legal_sites(self._legal, word, port, molecule.sites)
        return [site for site in sites if not partial.breaks_double_bonds(node, site=site, word=word, port=port)]

    def _pick(self, logits: Tensor) -> Tensor:
        """One column of each row, (n,)."""
        return self._drawn(logits, self._decoding.temperature)

    def _pick_place(self, logits: Tensor) -> Tensor:
        return self._drawn(logits, self._decoding.place_temperature)

    def _drawn(self, logits: Tensor, temperature: float) -> Tensor:
        if 0 < self._decoding.top_k < logits.shape[1]:
            lowest = logits.topk(self._decoding.top_k, dim=1).values[:, -1:]
            logits = logits.masked_fill(logits < lowest, -torch.inf)
        if temperature == 0:
            return logits.argmax(1)
        chance = torch.rand(logits.shape, generator=self._generator).clamp_min(1e-20).to(logits.device)
        return (logits / temperature - torch.log(-torch.log(chance))).argmax(1)

    def _tensor(self, values: list[int]) -> Tensor:
        return torch.tensor(values, dtype=torch.int64, device=self._device)


def _padded(logits: Tensor, options: Sequence[list[int]]) -> Tensor:
    """(n_options,) of consecutive groups -> (n_groups, longest), -inf behind the shorter ones."""
    lengths = [len(found) for found in options]
    padded = logits.new_full((len(lengths), max(lengths)), -torch.inf)
    rows = [row for row, length in enumerate(lengths) for _ in range(length)]
    columns = [column for length in lengths for column in range(length)]
    padded[rows, columns] = logits
    return padded


def finished(molecule: Growing) -> Decoded:
    partial = molecule.partial
    # Read back once: in large macrocycles RDKit may find other aromatic bonds in its own spelling.
    read = Chem.MolFromSmiles(Chem.MolToSmiles(finish(partial)))
    smiles = None if read is None else Chem.MolToSmiles(read)
    return Decoded(smiles, is_saturated=partial.unmatched() > 0, is_cut=molecule.is_cut)
