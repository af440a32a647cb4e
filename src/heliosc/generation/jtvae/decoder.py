"""The decoder: which words, where, in depth-first order.

A gated recurrent unit runs over the nodes in the order in which they are made. A decision at a node (expand or finish;
which word; which port of it; which site) sees the state after the node made last, the state when the decision's own
node was made, what already hangs from that node, and the latent vector.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from heliosc.generation.jtvae.batch import Batch
from heliosc.generation.jtvae.config import ModelConfig
from heliosc.generation.jtvae.encoder import sum_by


class WordTables(nn.Module):
    """Embeddings of words, ports and sites, shared by encoder and decoder. Row 0 of ports and sites means the root."""

    def __init__(self, config: ModelConfig, *, n_words: int, n_ports: int, n_sites: int) -> None:
        super().__init__()
        self.words = nn.Embedding(n_words, config.word_size)
        self.ports = nn.Embedding(n_ports + 1, config.place_size)
        self.sites = nn.Embedding(n_sites + 1, config.place_size)
        nn.init.normal_(self.words.weight, std=0.3)  # also the output layer: logits start near zero

    def forward(self, word: Tensor, port: Tensor, site: Tensor) -> Tensor:
        """(n, word_size + 2 place_size)"""
        return torch.cat([self.words(word), self.ports(port), self.sites(site)], 1)


class RecurrenceInputs(NamedTuple):
    """What the recurrence over the made nodes reads.

    Attributes
    ----------
    placed : (n_nodes, placed) embedded nodes
    steps : (n_molecules, longest, hidden)
    start : (1, n_molecules, hidden)
    """

    placed: Tensor
    steps: Tensor
    start: Tensor


@dataclass(frozen=True, slots=True)
class DecoderLosses:
    """Negative log-likelihoods of a batch, summed over its decisions, nats."""

    topology: Tensor
    word: Tensor
    port: Tensor
    site: Tensor

    def total(self) -> Tensor:
        return self.topology + self.word + self.port + self.site


class TreeDecoder(nn.Module):
    """Scores every decision of the depth-first construction.

    Parameters
    ----------
    input_size : width of the latent vector with its condition
    """

    def __init__(self, config: ModelConfig, tables: WordTables, *, input_size: int) -> None:
        super().__init__()
        hidden, placed = config.hidden, config.word_size + 2 * config.place_size
        self.tables = tables
        self.node = nn.Linear(placed, hidden)
        self.latent_to_start = nn.Linear(input_size, hidden)
        self.latent_to_step = nn.Linear(input_size, hidden)
        self.recurrence = nn.GRU(hidden, hidden, batch_first=True)
        self.latent_to_context = nn.Linear(input_size, hidden)
        self.memory = nn.Linear(placed, hidden)
        self.context = nn.Linear(3 * hidden, hidden, bias=False)
        self.context_output = nn.Linear(hidden, hidden)
        self.root = nn.Sequential(nn.Linear(input_size, hidden), nn.ReLU(), nn.Linear(hidden, config.word_size))
        self.topology = nn.Linear(hidden, 1)
        self.word = nn.Linear(hidden, config.word_size)
        self.word_bias = nn.Parameter(torch.zeros(tables.words.num_embeddings))
        self.port = nn.Linear(hidden + config.word_size, config.place_size)
        self.port_key = nn.Linear(config.place_size, config.place_size)
        self.site = nn.Linear(hidden + config.word_size + config.place_size, config.place_size)
        self.site_key = nn.Linear(config.place_size, config.place_size)
        self.site_free = nn.Embedding(5, config.place_size)

    # -- pieces used by training and by sampling ----------------------------------------------------------------------

    def start(self, latent: Tensor) -> Tensor:
        """First state of the recurrence, (n, hidden)."""
        return torch.tanh(self.latent_to_start(latent))

    def root_logits(self, latent: Tensor) -> Tensor:
        """(n, n_words)"""
        return self._word_logits(self.root(latent))

    def step_input(self, placed: Tensor, latent: Tensor) -> Tensor:
        """What the recurrence reads when a node is made, (n, hidden)."""
        return torch.relu(self.node(placed) + self.latent_to_step(latent))

    def remember(self, placed: Tensor) -> Tensor:
        """What a node remembers of a child it has got, (n, hidden)."""
        return torch.tanh(self.memory(placed))

    def decision_context(self, last: Tensor, current: Tensor, memory: Tensor, latent: Tensor) -> Tensor:
        """(n, hidden) from states and memory (n, hidden) and latent (n, input_size)."""
        mixed = self.context(torch.cat([last, current, memory], 1)) + self.latent_to_context(latent)
        return torch.relu(self.context_output(torch.relu(mixed)))

    def topology_logits(self, context: Tensor) -> Tensor:
        """(n,) of expanding."""
        return self.topology(context).squeeze(1)

    def word_logits(self, context: Tensor) -> Tensor:
        """(n, n_words)"""
        return self._word_logits(self.word(context))

    def port_logits(self, context: Tensor, word: Tensor, ports: Tensor) -> Tensor:
        """Scores of ports, (n,); one row per option."""
        query = self.port(torch.cat([context, self.tables.words(word)], 1))
        return (query * self.port_key(self.tables.ports(ports))).sum(1)

    def site_logits(self, context: Tensor, word: Tensor, port: Tensor, *, sites: Tensor, free: Tensor) -> Tensor:
        """Scores of sites, (n,); one row per option."""
        query = self.site(torch.cat([context, self.tables.words(word), self.tables.ports(port)], 1))
        return (query * (self.site_key(self.tables.sites(sites)) + self.site_free(free))).sum(1)

    def _word_logits(self, query: Tensor) -> Tensor:
        return functional.linear(query, self.tables.words.weight, self.word_bias)

    # -- teacher forcing ----------------------------------------------------------------------------------------------

    def forward(self, latent: Tensor, batch: Batch, *, hidden_words: Tensor | None = None) -> DecoderLosses:
        """Losses of all decisions of a batch.

        Parameters
        ----------
        latent : (n_molecules, input_size)
        hidden_words : (n_nodes,) true where the recurrence must not see the node that was made
        """
        inputs = self.inputs(latent, batch, hidden_words=hidden_words)
        return self.losses(self.recur(inputs), inputs, latent, batch)

    def inputs(self, latent: Tensor, batch: Batch, *, hidden_words: Tensor | None) -> RecurrenceInputs:
        """What the recurrence reads, and where it starts."""
        placed = self.tables(batch["word"], batch["port"], batch["site"])
        seen = placed if hidden_words is None else placed * (~hidden_words).unsqueeze(1)
        molecule = batch.molecule["nodes"]
        steps = self.step_input(seen, latent[molecule]).float()
        padded = steps.new_zeros(batch.n_molecules, batch.longest, steps.shape[1])
        padded[molecule, batch.steps] = steps
        return RecurrenceInputs(placed, padded, self.start(latent).float().unsqueeze(0))

    def recur(self, inputs: RecurrenceInputs) -> Tensor:
        """(n_molecules, longest, hidden)"""
        states, _ = self.recurrence(inputs.steps, inputs.start)
        return states

    def losses(self, states: Tensor, inputs: RecurrenceInputs, latent: Tensor, batch: Batch) -> DecoderLosses:
        """Losses of all decisions, ``states`` as from ``recur``."""
        context = self.contexts(states, inputs, latent, batch)
        topology = functional.binary_cross_entropy_with_logits(
            self.topology_logits(context).float(),
            batch["expands"].float(),
            weight=batch.is_real("events"),
            reduction="sum",
        )
        word = functional.cross_entropy(
            self.word_logits(context[batch.made]).float(), batch.made_words, reduction="sum"
        ) + functional.cross_entropy(self.root_logits(latent).float(), batch.root_words, reduction="sum")
        return DecoderLosses(topology, word, self._port_loss(context, batch), self._site_loss(context, batch))

    def contexts(self, states: Tensor, inputs: RecurrenceInputs, latent: Tensor, batch: Batch) -> Tensor:
        """What each decision of a batch sees, (n_events, hidden)."""
        states = states[batch.molecule["nodes"], batch.steps]
        last, current = batch["last"], batch["current"]
        memory = sum_by(self.remember(inputs.placed)[batch["pair_child"]], batch["pair_event"], len(last))
        return self.decision_context(states[last], states[current], memory, latent[batch.molecule["events"]])

    def port_option_logits(self, context: Tensor, batch: Batch) -> Tensor:
        """Scores of the ports that a batch's decisions had, (n_port_options,)."""
        option_event = batch["port_event"][batch["port_choice"]]
        child = batch["last"][option_event] + 1
        return self.port_logits(context[option_event], batch["word"][child], batch["port_option"])

    def site_option_logits(self, context: Tensor, batch: Batch) -> Tensor:
        """Scores of the sites that a batch's decisions had, (n_site_options,)."""
        option_event = batch["site_event"][batch["site_choice"]]
        child = batch["last"][option_event] + 1
        return self.site_logits(
            context[option_event],
            batch["word"][child],
            batch["port"][child],
            sites=batch["site_option"],
            free=batch["site_free"],
        )

    def _port_loss(self, context: Tensor, batch: Batch) -> Tensor:
        choice, n_choices = batch["port_choice"], len(batch["port_event"])
        logits = self.port_option_logits(context, batch)
        return grouped_cross_entropy(logits, choice, batch["port_taken"], n_choices, batch.is_real("port_choices"))

    def _site_loss(self, context: Tensor, batch: Batch) -> Tensor:
        choice, n_choices = batch["site_choice"], len(batch["site_event"])
        logits = self.site_option_logits(context, batch)
        return grouped_cross_entropy(logits, choice, batch["site_taken"], n_choices, batch.is_real("site_choices"))


def grouped_cross_entropy(
    logits: Tensor, group: Tensor, taken: Tensor, n_groups: int, real: Tensor | None = None
) -> Tensor:
    """-sum over groups of log softmax of the option taken; options are rows, ``group`` says whose.

    Parameters
    ----------
    logits, group, taken : (n_options,)
    real : (n_groups,) groups that count; None = all
    """
    logits = logits.float()
    highest = logits.new_full((n_groups,), -torch.inf).scatter_reduce(0, group, logits.detach(), "amax")
    shifted = logits - highest[group]
    totals = logits.new_zeros(n_groups).index_add(0, group, shifted.exp())
    if real is not None:
        totals = torch.where(real, totals, 1.0)  # the others may have no option at all
    return totals.log().sum() - (shifted * taken).sum()
