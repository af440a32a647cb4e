"""Settings of the model and of its training."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields
from difflib import get_close_matches
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
    practice : molecules bred for each training molecule (see ``practice``); every epoch also encodes and decodes a
        fresh draw of as many of them as there are training molecules
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
    practice: float = 0.0


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

    @classmethod
    def of(cls, **settings: Any) -> JTVAEConfig:
        """Settings of the model and of its training by name.

        Raises
        ------
        InputError : an unknown name, or a value of the wrong kind
        """
        kinds = {field.name: str(field.type) for part in (ModelConfig, TrainingConfig) for field in fields(part)}
        for name, value in settings.items():
            if name not in kinds:
                close = get_close_matches(name, kinds, n=1)
                hint = f"; did you mean {close[0]!r}?" if close else f"; expected one of: {', '.join(kinds)}"
                raise InputError(f"unknown generator setting {name!r}{hint}")
            _check(name, value, kind=kinds[name])
        model, training = (
            {field.name: settings[field.name] for field in fields(part) if field.name in settings}
            for part in (ModelConfig, TrainingConfig)
        )
        return cls(ModelConfig(**model), TrainingConfig(**training))

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


_SHARES = frozenset({"warm_up", "condition_dropout", "word_dropout", "held_out"})
_POSITIVE = frozenset({"learning_rate", "clip_norm"})


def _check(name: str, value: Any, *, kind: str) -> None:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    is_right, expected = True, ""
    if kind == "int":
        is_right, expected = is_number and isinstance(value, int) and value >= 1, "a whole number of at least 1"
    elif kind == "bool":
        is_right, expected = isinstance(value, bool), "true or false"
    elif name in _SHARES:
        is_right, expected = is_number and 0 <= value < 1, "0 to below 1"
    elif kind == "float":
        least = "above 0" if name in _POSITIVE else "0 or more"
        is_right, expected = is_number and (value > 0 or (value == 0 and name not in _POSITIVE)), f"a number {least}"
    if not is_right:
        raise InputError(f"generator setting {name} is {value!r}; expected {expected}")
