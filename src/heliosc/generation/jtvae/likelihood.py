"""How likely the sampler is to take the decisions that make each molecule of a batch."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from heliosc.generation.jtvae.batch import Batch
from heliosc.generation.jtvae.decoder import TreeDecoder


def log_likelihoods(decoder: TreeDecoder, latent: Tensor, batch: Batch, *, free: Tensor, words: Tensor) -> Tensor:
    """Log likelihood of each tree given its latent vector, (n_molecules,), nats, at temperature 1.

    With all events free and all words fitting it is minus the decoder's loss.

    Parameters
    ----------
    latent : (n_molecules, input_size), as from ``Network.condition``
    free, words : (n_events,) and (n_made, n_words), see ``choices.Choices``
    """
    inputs = decoder.inputs(latent, batch, hidden_words=None)
    context = decoder.contexts(decoder.recur(inputs), inputs, latent, batch)
    events = batch.molecule["events"]
    stops = functional.binary_cross_entropy_with_logits(
        decoder.topology_logits(context), batch["expands"].to(context.dtype), weight=free, reduction="none"
    )
    scores = decoder.word_logits(context[batch.made]).masked_fill(~words, -torch.inf)
    made = functional.cross_entropy(scores, batch.made_words, reduction="none")
    roots = functional.cross_entropy(decoder.root_logits(latent), batch.root_words, reduction="none")
    ports = _grouped_losses(decoder.port_option_logits(context, batch), batch, "port")
    sites = _grouped_losses(decoder.site_option_logits(context, batch), batch, "site")
    loss = (
        roots.index_add(0, events, stops)
        .index_add(0, events[batch.made], made)
        .index_add(0, events[batch["port_event"]], ports)
        .index_add(0, events[batch["site_event"]], sites)
    )
    return -loss


def _grouped_losses(logits: Tensor, batch: Batch, kind: str) -> Tensor:
    """-log softmax of the option taken, of each choice, (n_choices,)."""
    choice, n_choices = batch[f"{kind}_choice"], len(batch[f"{kind}_event"])
    highest = logits.new_full((n_choices,), -torch.inf).scatter_reduce(0, choice, logits.detach(), "amax")
    shifted = logits - highest[choice]
    totals = logits.new_zeros(n_choices).index_add(0, choice, shifted.exp())
    return totals.log().index_add(0, choice, -shifted * batch[f"{kind}_taken"])
