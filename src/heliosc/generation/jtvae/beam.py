"""Beam search: of every latent vector the likeliest molecule that some partial molecules side by side lead to.

A round extends every partial molecule by one node, or ends its node, in three steps: what to do (end the node, or which
word), at which port, at which site. After each step the ``width`` likeliest of a latent vector are kept, whole ones
among them. Likelihoods only fall, so a vector is done when its likeliest is whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from heliosc.generation.jtvae.decoding import Decoding
from heliosc.generation.jtvae.growing import Chunk, Growing
from heliosc.generation.jtvae.network import Network
from heliosc.generation.jtvae.schedule import legal_ports
from heliosc.generation.jtvae.tree import JunctionTree
from heliosc.generation.jtvae.valence import LegalMoves

_WHOLE, _END = -2, -1


@dataclass(frozen=True, slots=True)
class _Step:
    """What may become of a partial molecule.

    Attributes
    ----------
    score : log likelihood with this step
    place : of the partial molecule among those decided on; of whole ones in their own list
    word : its number, or one of the marks above
    """

    score: float
    parent: Growing
    place: int
    word: int
    port: int = -1
    site: int = -1


class Beam(Chunk):
    """A chunk in which each latent vector has as many rows as partial molecules are followed."""

    def __init__(
        self, network: Network, legal: LegalMoves, latent: Tensor, *, decoding: Decoding, **others: Any
    ) -> None:
        self._width, self._n = decoding.beam_width, len(latent)
        super().__init__(network, legal, latent.repeat_interleave(self._width, 0), decoding=decoding, **others)

    def grow(self, core: JunctionTree | None) -> list[Growing]:
        """The likeliest molecule of each latent vector; cores are not for beams."""
        del core
        beams = self._first()
        while True:
            open_beams = [number for number, beam in enumerate(beams) if beam[0].stack]
            if not open_beams:
                return [beam[0] for beam in beams]
            for number, beam in zip(open_beams, self._next([beams[k] for k in open_beams]), strict=True):
                beams[number] = beam

    def _first(self) -> list[list[Growing]]:
        """Each latent vector's likeliest roots."""
        width = self._width
        logits = functional.log_softmax(self._root_logits()[::width], dim=1)
        top = logits.topk(min(width, logits.shape[1]), dim=1)
        roots = functional.pad(top.indices, (0, width - top.indices.shape[1]))
        growing = self._plant_roots(roots.flatten().tolist())
        scores = functional.pad(top.values, (0, width - top.values.shape[1]), value=-torch.inf).flatten().tolist()
        for molecule, score in zip(growing, scores, strict=True):
            molecule.score = score
            self._settle(molecule)
        beams = [growing[k * width : (k + 1) * width] for k in range(self._n)]
        return [_likeliest_first([m for m in beam if m.score > -torch.inf]) for beam in beams]

    def _next(self, beams: list[list[Growing]]) -> list[list[Growing]]:
        """Beams after one more round."""
        growing = [molecule for beam in beams for molecule in beam if molecule.stack]
        context, topology = self._contexts(growing)
        place_of = {id(molecule): place for place, molecule in enumerate(growing)}
        ends, expansions = functional.logsigmoid(-topology), functional.logsigmoid(topology)
        must_fill = [self._must_fill(molecule) for molecule in growing]
        likelihoods = functional.log_softmax(self._masked_words(growing, context), dim=1)
        best = likelihoods.topk(min(self._width, likelihoods.shape[1]), dim=1)
        end_scores, expand_scores = ends.tolist(), expansions.tolist()
        values, indices = best.values.tolist(), best.indices.tolist()

        def actions(molecule: Growing) -> list[_Step]:
            if not molecule.stack:
                return [_Step(molecule.score, molecule, -1, _WHOLE)]
            k = place_of[id(molecule)]
            score = molecule.score + (0.0 if must_fill[k] else expand_scores[k])
            found = [
                _Step(score + v, molecule, k, w) for v, w in zip(values[k], indices[k], strict=True) if v > -torch.inf
            ]
            return found if must_fill[k] else [*found, _Step(molecule.score + end_scores[k], molecule, k, _END)]

        steps = [self._kept([step for molecule in beam for step in actions(molecule)]) for beam in beams]
        steps = self._with_ports(steps, context)
        steps = self._with_sites(steps, context)
        return self._taken(steps)

    def _kept(self, steps: Sequence[_Step]) -> list[_Step]:
        return sorted(steps, key=lambda step: -step.score)[: self._width]

    def _with_ports(self, beams: list[list[_Step]], context: Tensor) -> list[list[_Step]]:
        options = {
            id(step): legal_ports(self._legal, step.word, step.parent.sites)
            for beam in beams
            for step in beam
            if step.word >= 0
        }
        chosen = [step for beam in beams for step in beam if step.word >= 0]
        scores: dict[int, list[float]] = {}
        if chosen:
            rows = [options[id(step)] for step in chosen]
            logits = self._port_logits([step.word for step in chosen], context[[step.place for step in chosen]], rows)
            scores = dict(zip(map(id, chosen), functional.log_softmax(logits, dim=1).tolist(), strict=True))

        def branches(step: _Step) -> list[_Step]:
            if step.word < 0:
                return [step]
            pairs = zip(options[id(step)], scores[id(step)], strict=False)
            return [replace(step, port=port, score=step.score + score) for port, score in pairs]

        return [self._kept([branch for step in beam for branch in branches(step)]) for beam in beams]

    def _with_sites(self, beams: list[list[_Step]], context: Tensor) -> list[list[_Step]]:
        chosen = [step for beam in beams for step in beam if step.word >= 0]
        options = {id(step): self._sound_sites(step.parent, step.word, step.port) for step in chosen}
        scored = [step for step in chosen if options[id(step)]]
        scores: dict[int, list[float]] = {}
        if scored:
            logits = self._site_logits(
                [step.parent for step in scored],
                context[[step.place for step in scored]],
                [(step.word, step.port) for step in scored],
                [options[id(step)] for step in scored],
            )
            scores = dict(zip(map(id, scored), functional.log_softmax(logits, dim=1).tolist(), strict=True))

        def branches(step: _Step) -> list[_Step]:
            if step.word < 0:
                return [step]
            if not options[id(step)]:  # every site would break something: as in greedy decoding the node ends
                return [replace(step, word=_END)]
            pairs = zip(options[id(step)], scores[id(step)], strict=False)
            return [replace(step, site=site, score=step.score + score) for site, score in pairs]

        return [self._kept([branch for step in beam for branch in branches(step)]) for beam in beams]

    def _taken(self, beams: list[list[_Step]]) -> list[list[Growing]]:
        """Carry the steps out. A latent vector's rows are handed out anew: what two share is copied."""
        after: list[list[Growing]] = []
        sources: list[int] = []
        targets: list[int] = []
        made: list[tuple[Growing, _Step]] = []
        for beam in beams:
            first = beam[0].parent.row // self._width * self._width
            molecules = []
            for slot, step in enumerate(beam):
                molecule = step.parent.copy(row=first + slot, score=step.score)
                sources.append(step.parent.row)
                targets.append(molecule.row)
                molecules.append(molecule)
                if step.word == _END:
                    molecule.stack.pop()
                elif step.word >= 0:
                    molecule.partial.attach(molecule.node, site=step.site, word=step.word, port=step.port)
                    made.append((molecule, step))
            after.append(molecules)
        self._states[targets], self._memory[targets] = self._states[sources], self._memory[sources]
        if made:
            self._move_on([m for m, _ in made], [step.port for _, step in made], [step.site for _, step in made])
        for molecule in (molecule for beam in after for molecule in beam):
            if molecule.stack and not self._settle(molecule):
                molecule.stack = []
        return [_likeliest_first(beam) for beam in after]


def _likeliest_first(beam: list[Growing]) -> list[Growing]:
    return sorted(beam, key=lambda molecule: -molecule.score)
