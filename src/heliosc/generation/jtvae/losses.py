"""What training minimises, of one batch: decoder losses, KL divergence, property errors.

What is compiled, if anything: the dense parts, which are the encoder of the molecular graph, the step from one level of
the trees to the next, and the decoder's decisions. Each is one graph for any number of rows, or, where compiled code
wants the same shapes again, one for each shape of ``padding``. The recurrence stays the library's own.
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import NamedTuple

import torch
from torch import Tensor, nn

from heliosc.generation.jtvae.batch import Batch
from heliosc.generation.jtvae.decoder import RecurrenceInputs
from heliosc.generation.jtvae.network import Network, Posterior


class Draw(NamedTuple):
    """The chance in the losses of a batch.

    Attributes
    ----------
    noise : (n_molecules, latent) standard normal
    shown : (n_molecules, n_properties) known properties that the decoder is told
    hidden : (n_nodes,) made nodes that the decoder's recurrence does not see
    """

    noise: Tensor
    shown: Tensor
    hidden: Tensor


class LossSums(NamedTuple):
    """Sums over the molecules of a batch, nats; ``excess_kl`` is the KL divergence with its free bits."""

    topology: Tensor
    word: Tensor
    port: Tensor
    site: Tensor
    kl: Tensor
    excess_kl: Tensor
    property_error: Tensor


class TrainingLosses(nn.Module):
    """The losses of a network.

    Parameters
    ----------
    network : its parts are compiled in place, so give a copy to compile
    target_weights : (n_properties,)
    free_bits : nats of each latent dimension and molecule that cost nothing
    amp : matrix products in bfloat16
    compile_mode : of ``torch.compile``; None = compile nothing
    """

    def __init__(
        self, network: Network, *, target_weights: Tensor, free_bits: float, amp: bool, compile_mode: str | None
    ) -> None:
        super().__init__()
        self.network = network
        self._target_weights, self._free_bits, self._amp = target_weights, free_bits, amp
        self._is_static = wants_same_shapes(compile_mode)
        self._finish = self._losses
        if compile_mode is not None:
            is_dynamic = not self._is_static
            network.graph_encoder.compile(mode=compile_mode, dynamic=is_dynamic)
            for step in (network.tree_encoder.passes.up, network.tree_encoder.passes.down):
                step.compile(mode=compile_mode, dynamic=True)  # levels have any number of nodes
            self._finish = torch.compile(self._losses, mode=compile_mode, dynamic=is_dynamic)

    def forward(self, batch: Batch, draw: Draw, targets: Tensor) -> LossSums:
        """Losses of a batch.

        Parameters
        ----------
        targets : (n_molecules, n_properties) standardised, NaN = unknown
        """
        is_odd = self._is_static and batch.real is None  # no shape holds it: not worth a compilation
        stance = torch.compiler.set_stance("force_eager") if is_odd else nullcontext()
        with stance, torch.autocast(targets.device.type, dtype=torch.bfloat16, enabled=self._amp):
            posterior = self.network.encode(batch)
            z = posterior.sample(draw.noise)
            latent = self.network.condition(z, targets, draw.shown)
            inputs = self.network.decoder.inputs(latent, batch, hidden_words=draw.hidden)
            states = self.network.decoder.recur(inputs)
            return self._finish(batch, posterior, z, latent, inputs, states, targets)

    def _losses(
        self,
        batch: Batch,
        posterior: Posterior,
        z: Tensor,
        latent: Tensor,
        inputs: RecurrenceInputs,
        states: Tensor,
        targets: Tensor,
    ) -> LossSums:
        losses = self.network.decoder.losses(states, inputs, latent, batch)
        known = ~torch.isnan(targets)
        gaps = self.network.predict(z).float() - torch.nan_to_num(targets)
        errors = torch.where(known, gaps, torch.zeros_like(targets))
        property_error = ((errors**2) * self._target_weights).sum()
        kl = _sum_of_real(posterior.kl(), batch)
        excess = _sum_of_real(posterior.kl_above(self._free_bits), batch) if self._free_bits else kl
        return LossSums(losses.topology, losses.word, losses.port, losses.site, kl, excess, property_error)


def wants_same_shapes(compile_mode: str | None) -> bool:
    """Whether compiled code must meet the same shapes again: all modes but the default record or tune by shape."""
    return compile_mode not in (None, "default")


def _sum_of_real(values: Tensor, batch: Batch) -> Tensor:
    """Sum over the molecules that are not there to fill up a shape."""
    real = batch.is_real("molecules")
    return values.sum() if real is None else torch.where(real, values, torch.zeros_like(values)).sum()
