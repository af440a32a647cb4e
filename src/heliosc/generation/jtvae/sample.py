"""Decoding latent vectors into molecules, many at once.

Every choice is masked to what keeps the molecule legal: labels and free valences must agree, a fused ring must leave
every aromatic double bond a place, an atom that chemistry never leaves open (C of a ring C=O, sulfone S) must be
filled before its node is finished. Construction ends after ``DecodeLimits`` at the latest; free valences then become
hydrogens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from rdkit import Chem
from torch import Tensor

from heliosc.chemistry.identity import MAX_HEAVY_ATOMS
from heliosc.generation.jtvae.assemble import finish
from heliosc.generation.jtvae.network import Network
from heliosc.generation.jtvae.schedule import free_class, legal_ports, legal_sites
from heliosc.generation.jtvae.tree import JunctionTree
from heliosc.generation.jtvae.valence import BoolArray, LegalMoves, PartialMolecule, SiteState

CHUNK = 128
"""Molecules decoded side by side."""


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
class _Growing:
    partial: PartialMolecule
    row: int
    stack: list[int] = field(default_factory=lambda: [0])
    sites: dict[int, SiteState] = field(default_factory=dict)
    words: BoolArray = field(default_factory=lambda: np.zeros(0, dtype=bool))  # (n_words,) those that fit the sites
    is_cut: bool = False

    @property
    def node(self) -> int:
        return self.stack[-1]

    @property
    def last(self) -> int:
        return len(self.partial.nodes) - 1


class MoleculeSampler:
    """Decodes with one network and vocabulary."""

    def __init__(self, network: Network, legal: LegalMoves, *, limits: DecodeLimits | None = None) -> None:
        self._decoder = network.decoder
        self._tables = network.tables
        self._legal = legal
        self._vocabulary = legal.vocabulary
        self._limits = limits or DecodeLimits()
        self._device = network.tables.words.weight.device

    @torch.no_grad()
    def decode(
        self,
        latent: Tensor,
        *,
        temperature: float,
        generator: torch.Generator,
        top_k: int = 0,
        core: JunctionTree | None = None,
    ) -> list[Decoded]:
        """Decode conditioned latent vectors.

        Parameters
        ----------
        latent : (n, input_size) as from ``Network.condition``
        temperature : of every choice; 0 takes the likeliest
        generator : a CPU generator, the source of all chance
        top_k : choose words, ports and sites among so many of the likeliest; 0 = among all
        core : what every molecule begins with; its nodes are then offered more children, the last first
        """
        found: list[Decoded] = []
        for start in range(0, len(latent), CHUNK):
            rows = latent[start : start + CHUNK]
            run = _Chunk(self, rows, temperature=temperature, generator=generator, top_k=top_k)
            found.extend(run.decode(core))
        return found


class _Chunk:
    """One batch of molecules growing side by side."""

    def __init__(
        self, sampler: MoleculeSampler, latent: Tensor, *, temperature: float, generator: torch.Generator, top_k: int
    ) -> None:
        self._decoder, self._tables = sampler._decoder, sampler._tables
        self._legal, self._vocabulary, self._limits = sampler._legal, sampler._vocabulary, sampler._limits
        self._device = sampler._device
        self._latent, self._temperature, self._generator = latent, temperature, generator
        self._top_k = top_k
        shape = (len(latent), self._limits.max_nodes, self._decoder.start(latent).shape[1])
        self._states = latent.new_zeros(shape)
        self._memory = latent.new_zeros(shape)

    def decode(self, core: JunctionTree | None) -> list[Decoded]:
        growing = self._plant() if core is None else self._plant_core(core)
        alive = [molecule for molecule in growing if self._settle(molecule)]
        while alive:
            self._decide(alive)
            alive = [molecule for molecule in alive if self._settle(molecule)]
        return [_finish(molecule) for molecule in growing]

    def _plant(self) -> list[_Growing]:
        return self._plant_roots(self._pick(self._decoder.root_logits(self._latent)).tolist())

    def _plant_roots(self, roots: list[int]) -> list[_Growing]:
        growing = [_Growing(PartialMolecule(self._vocabulary, root), row) for row, root in enumerate(roots)]
        state = self._decoder.start(self._latent)
        self._advance(growing, state, ports=[0] * len(growing), sites=[0] * len(growing))
        return growing

    def _plant_core(self, core: JunctionTree) -> list[_Growing]:
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

    def _advance(self, molecules: Sequence[_Growing], states: Tensor, *, ports: list[int], sites: list[int]) -> None:
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

    def _settle(self, molecule: _Growing) -> bool:
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

    def _has_words(self, molecule: _Growing) -> bool:
        """Find the words that fit the molecule's sites and leave it within the limit of atoms."""
        words = self._legal.words(frozenset(molecule.sites.values()))
        room = self._limits.max_atoms - molecule.partial.n_atoms
        if room < self._legal.most_new_atoms:
            fitting = words & (self._legal.new_atoms <= room)
            molecule.is_cut |= bool((fitting != words).any())
            words = fitting
        molecule.words = words
        return bool(words.any())

    def _decide(self, alive: list[_Growing]) -> None:
        """Take one decision for each molecule."""
        rows = [molecule.row for molecule in alive]
        nodes = [molecule.node for molecule in alive]
        last = [molecule.last for molecule in alive]
        context = self._decoder.decision_context(
            self._states[rows, last], self._states[rows, nodes], self._memory[rows, nodes], self._latent[rows]
        )
        expands = self._expands(self._decoder.topology_logits(context)).tolist()
        chosen = []
        for place, (molecule, expand) in enumerate(zip(alive, expands, strict=True)):
            if expand or self._must_fill(molecule):
                chosen.append(place)
            else:
                molecule.stack.pop()
        if chosen:
            self._expand([alive[place] for place in chosen], context[chosen])

    def _must_fill(self, molecule: _Growing) -> bool:
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
        if self._temperature == 0:
            return logits > 0
        chance = torch.rand(len(logits), generator=self._generator).to(logits.device)
        return chance < torch.sigmoid(logits / self._temperature)

    def _expand(self, molecules: list[_Growing], context: Tensor) -> None:
        allowed = torch.from_numpy(np.stack([molecule.words for molecule in molecules])).to(self._device)
        words = self._pick(self._decoder.word_logits(context).masked_fill(~allowed, -torch.inf)).tolist()
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

    def _move_on(self, molecules: list[_Growing], ports: list[int], sites: list[int]) -> None:
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

    def _choose_ports(self, molecules: list[_Growing], context: Tensor, words: list[int]) -> list[int]:
        options = [legal_ports(self._legal, word, m.sites) for m, word in zip(molecules, words, strict=True)]
        chosen = [ports[0] for ports in options]
        open_rows = [row for row, ports in enumerate(options) if len(ports) > 1]
        if open_rows:
            repeats = [row for row in open_rows for _ in options[row]]
            flat = [1 + self._vocabulary.port_offsets[words[row]] + port for row in open_rows for port in options[row]]
            word = self._tensor([words[row] for row in repeats])
            logits = self._decoder.port_logits(context[repeats], word, self._tensor(flat))
            for row, pick in zip(
                open_rows, self._pick_ragged(logits, [len(options[r]) for r in open_rows]), strict=True
            ):
                chosen[row] = options[row][pick]
        return chosen

    def _choose_sites(
        self, molecules: list[_Growing], context: Tensor, words: list[int], *, ports: list[int]
    ) -> list[int | None]:
        options = [self._sound_sites(m, w, p) for m, w, p in zip(molecules, words, ports, strict=True)]
        chosen: list[int | None] = [sites[0] if sites else None for sites in options]
        open_rows = [row for row, sites in enumerate(options) if len(sites) > 1]
        if open_rows:
            repeats = [row for row in open_rows for _ in options[row]]
            nodes = {row: molecules[row].partial.words[molecules[row].node] for row in open_rows}
            flat = [1 + self._vocabulary.site_offsets[nodes[row]] + site for row in open_rows for site in options[row]]
            free = [free_class(molecules[row].sites[site]) for row in open_rows for site in options[row]]
            flat_ports = [1 + self._vocabulary.port_offsets[words[row]] + ports[row] for row in repeats]
            logits = self._decoder.site_logits(
                context[repeats],
                self._tensor([words[row] for row in repeats]),
                self._tensor(flat_ports),
                sites=self._tensor(flat),
                free=self._tensor(free),
            )
            for row, pick in zip(
                open_rows, self._pick_ragged(logits, [len(options[r]) for r in open_rows]), strict=True
            ):
                chosen[row] = options[row][pick]
        return chosen

    def _sound_sites(self, molecule: _Growing, word: int, port: int) -> list[int]:
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
        if 0 < self._top_k < logits.shape[1]:
            lowest = logits.topk(self._top_k, dim=1).values[:, -1:]
            logits = logits.masked_fill(logits < lowest, -torch.inf)
        if self._temperature == 0:
            return logits.argmax(1)
        chance = torch.rand(logits.shape, generator=self._generator).clamp_min(1e-20).to(logits.device)
        return (logits / self._temperature - torch.log(-torch.log(chance))).argmax(1)

    def _pick_ragged(self, logits: Tensor, lengths: list[int]) -> list[int]:
        """One option of each group of consecutive rows, counted within the group."""
        padded = logits.new_full((len(lengths), max(lengths)), -torch.inf)
        rows = [row for row, length in enumerate(lengths) for _ in range(length)]
        columns = [column for length in lengths for column in range(length)]
        padded[rows, columns] = logits
        return self._pick(padded).tolist()

    def _tensor(self, values: list[int]) -> Tensor:
        return torch.tensor(values, dtype=torch.int64, device=self._device)


def _finish(molecule: _Growing) -> Decoded:
    partial = molecule.partial
    # Read back once: in large macrocycles RDKit may find other aromatic bonds in its own spelling.
    read = Chem.MolFromSmiles(Chem.MolToSmiles(finish(partial)))
    smiles = None if read is None else Chem.MolToSmiles(read)
    return Decoded(smiles, is_saturated=partial.unmatched() > 0, is_cut=molecule.is_cut)
