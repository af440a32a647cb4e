"""Networks whose molecular fingerprint is a sum of atoms instead of their mean.

chemprop's command line trains with ``norm`` aggregation (the sum over 100), so its checkpoints need it; heliosc's own
trainings take the mean.
"""

from __future__ import annotations

from torch import Tensor

from heliosc.surrogates.mpnn.config import MPNNConfig
from heliosc.surrogates.mpnn.network import Batch, Network, sum_bags


class SummingNetwork(Network):
    """A network with ``config.aggregation`` ``sum`` or ``norm``."""

    def fingerprint(self, batch: Batch) -> Tensor:
        """Learned fingerprints of the molecules, (n_molecules, hidden)."""
        total = sum_bags(self.message_passing(batch), batch.molecules)
        return total / self.config.aggregation_norm if self.config.aggregation == "norm" else total


def make_network(config: MPNNConfig, *, n_keys: int, n_descriptors: int) -> Network:
    """A network of random weights with the aggregation of the settings."""
    kind = Network if config.aggregation == "mean" else SummingNetwork
    return kind(config, n_keys=n_keys, n_descriptors=n_descriptors)
