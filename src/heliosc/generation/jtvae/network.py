"""The variational autoencoder: encoders, latent space, property heads, decoder."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from heliosc.generation.jtvae.batch import Batch
from heliosc.generation.jtvae.config import ModelConfig
from heliosc.generation.jtvae.decoder import DecoderLosses, TreeDecoder, WordTables
from heliosc.generation.jtvae.encoder import GraphEncoder, TreeEncoder

MAX_LOG_VARIANCE = 2.0
MIN_LOG_VARIANCE = -12.0


@dataclass(frozen=True, slots=True)
class Posterior:
    """q(z | molecule), (n_molecules, latent) each."""

    mean: Tensor
    log_variance: Tensor

    def kl(self) -> Tensor:
        """KL divergence from N(0, 1), (n_molecules,) nats."""
        return 0.5 * (self.mean**2 + self.log_variance.exp() - 1 - self.log_variance).sum(1)

    def kl_above(self, free: float) -> Tensor:
        """KL divergence in which each dimension costs at least ``free`` nats, (n_molecules,).

        Below that a dimension has no gradient, so nothing drives it to carry nothing.

        References
        ----------
        Kingma et al., NeurIPS 2016, arXiv:1606.04934, equation 15, here for each molecule instead of their mean.
        """
        of_each = 0.5 * (self.mean**2 + self.log_variance.exp() - 1 - self.log_variance)
        return of_each.clamp(min=free).sum(1)

    def sample(self, noise: Tensor) -> Tensor:
        """Reparameterised draw from standard normal noise of the same shape."""
        return self.mean + noise * (0.5 * self.log_variance).exp()


class Network(nn.Module):
    """All parameters.

    Parameters
    ----------
    n_words, n_ports, n_sites : sizes of the vocabulary
    n_properties : property heads and conditions; may be 0
    """

    def __init__(self, config: ModelConfig, *, n_words: int, n_ports: int, n_sites: int, n_properties: int) -> None:
        super().__init__()
        hidden = config.hidden
        self.config = config
        self.n_properties = n_properties
        self.tables = WordTables(config, n_words=n_words, n_ports=n_ports, n_sites=n_sites)
        self.tree_input = nn.Linear(config.word_size + 2 * config.place_size, hidden)
        self.tree_encoder = TreeEncoder(hidden)
        self.graph_encoder = GraphEncoder(hidden, config.graph_depth)
        self.tree_posterior = nn.Linear(2 * hidden, 2 * config.tree_latent)
        self.graph_posterior = nn.Linear(hidden, 2 * config.graph_latent)
        self.heads: nn.Module | None = None
        if n_properties:
            self.heads = nn.Sequential(nn.Linear(config.latent, hidden), nn.Tanh(), nn.Linear(hidden, n_properties))
        self.decoder = TreeDecoder(config, self.tables, input_size=config.latent + 2 * n_properties)

    def encode(self, batch: Batch) -> Posterior:
        """Posterior of each molecule."""
        nodes = torch.relu(self.tree_input(self.tables(batch["word"], batch["port"], batch["site"])))
        tree = self.tree_posterior(self.tree_encoder(nodes, batch)).chunk(2, 1)
        graph = self.graph_posterior(self.graph_encoder(batch)).chunk(2, 1)
        mean, log_variance = (torch.cat(parts, 1).float() for parts in zip(tree, graph, strict=True))
        return Posterior(mean, log_variance.clamp(MIN_LOG_VARIANCE, MAX_LOG_VARIANCE))

    def predict(self, z: Tensor) -> Tensor:
        """Standardised properties, (n, n_properties)."""
        return z.new_zeros(len(z), 0) if self.heads is None else self.heads(z)

    def condition(self, z: Tensor, values: Tensor, known: Tensor) -> Tensor:
        """The decoder's input: z, the standardised values asked for, and which of them are asked for.

        Parameters
        ----------
        z : (n, latent)
        values, known : (n, n_properties); values that are not known do not enter
        """
        known = known.to(z.dtype)
        return torch.cat([z, torch.where(known > 0, values, torch.zeros_like(values)), known], 1)

    def decode_losses(self, latent: Tensor, batch: Batch, *, hidden_words: Tensor | None) -> DecoderLosses:
        """Losses of the teacher-forced decoder, ``latent`` as from ``condition``."""
        return self.decoder(latent, batch, hidden_words=hidden_words)

    def grow(self, *, n_words: int, n_ports: int, n_sites: int) -> None:
        """Make room for new words behind the old ones; a new row starts at the mean of the old rows.

        The new words' output bias starts low, so they are not sampled before they are learned.
        """
        for table, size in (
            (self.tables.words, n_words),
            (self.tables.ports, n_ports + 1),
            (self.tables.sites, n_sites + 1),
        ):
            extra = size - table.num_embeddings
            if extra > 0:
                rows = table.weight.detach().mean(0, keepdim=True).expand(extra, -1)
                table.weight = nn.Parameter(torch.cat([table.weight.detach(), rows]))
                table.num_embeddings = size
        bias = self.decoder.word_bias.detach()
        low = bias.min().expand(n_words - len(bias))
        self.decoder.word_bias = nn.Parameter(torch.cat([bias, low]))
