"""Settings of the model and of its training."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from heliosc.errors import InputError


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """Sizes of the network.

    Attributes
    ----------
    hidden : width of encoders and decoder
    word_size, place_size : width of the embeddings of words, and of their ports and sites
    tree_latent, graph_latent : the latent vector is z = [z_tree, z_graph]
    graph_depth : rounds of message passing on the molecular graph
    """

    hidden: int = 256
    word_size: int = 96
    place_size: int = 48
    tree_latent: int = 32
    graph_latent: int = 32
    graph_depth: int = 3

    @property
    def latent(self) -> int:
        return self.tree_latent + self.graph_latent


@dataclass(frozen=True, slots=True)
class TrainingConfig:
    """How the network is trained.

    Attributes
    ----------
    epochs, batch_size, learning_rate, clip_norm : Adam; the rate warms up over the first epoch and falls along a cosine
    beta : final weight of the KL term; the published runs lose reconstruction above 0.01
    free_bits : nats of each latent dimension that the KL term does not count, against posterior collapse
    warm_up : share of the epochs during which beta rises from zero
    property_weight : weight of the property heads' squared error, shared by all properties unless
        ``property_weights`` names others by ``name@level``
    condition_dropout : chance that a molecule is shown without any condition; of the others each property is hidden
        with the same chance
    word_dropout : chance that the decoder sees an unknown word in place of a made one, so that it relies on z
    amp : matrix products in bfloat16; sums, softmax, KL and property errors stay in single precision
    held_out : share of the molecules kept for evaluation, chosen by a hash of the InChIKey skeleton
    """

    epochs: int = 120
    batch_size: int = 64
    learning_rate: float = 1e-3
    clip_norm: float = 5.0
    beta: float = 0.003
    free_bits: float = 0.0
    warm_up: float = 0.3
    property_weight: float = 0.3
    property_weights: tuple[tuple[str, float], ...] = ()
    condition_dropout: float = 0.4
    word_dropout: float = 0.1
    held_out: float = 0.05
    amp: bool = False


@dataclass(frozen=True, slots=True)
class Compute:
    """How a training is computed; its numbers change by rounding alone.

    Attributes
    ----------
    devices : GPUs (or processes) that share every batch
    compile_mode : of ``torch.compile``; None = compile nothing
    """

    devices: int = 1
    compile_mode: str | None = None


@dataclass(frozen=True, slots=True)
class JTVAEConfig:
    """Everything that shapes a JT-VAE apart from its data and seed."""

    model: ModelConfig = ModelConfig()
    training: TrainingConfig = TrainingConfig()

    def to_document(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {"model": asdict(self.model), "training": asdict(self.training)}

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> JTVAEConfig:
        """Rebuild a configuration.

        Raises
        ------
        InputError : unknown or missing entries
        """
        try:
            training = dict(document["training"])
            weights = tuple((str(name), float(weight)) for name, weight in training.pop("property_weights"))
            return cls(ModelConfig(**document["model"]), TrainingConfig(**training, property_weights=weights))
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"generator configuration is not readable: {error}; train the model anew") from error
