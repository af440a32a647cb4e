"""How a member is built and trained."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from heliosc.errors import InputError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

AGGREGATIONS = ("mean", "norm", "sum")


@dataclass(frozen=True, slots=True)
class MPNNConfig:
    """Architecture and training of the ensemble.

    Attributes
    ----------
    n_members : networks in the ensemble
    hidden : width of messages and fingerprint
    depth : chemprop's depth, depth - 1 steps of message passing
    aggregation : fingerprint of a molecule from its atoms: their ``mean``, ``sum``, or sum over ``aggregation_norm``
        (``norm``, what chemprop's command line trains)
    head_hidden, head_layers, dropout : readout network
    use_descriptors : join the numbers of ``descriptors.describe`` to the fingerprint
    epochs, batch_size : passes over the training part, molecules a step
    learning_rate, final_learning_rate, warmup_epochs : linear warm-up from a tenth of the peak, then cosine decay
    weight_decay, gradient_clip : of AdamW; largest gradient norm
    mean_epochs : first epochs that fit the mean alone, before the variance is learnt too
    beta : exponent of beta-NLL; 0 is the plain likelihood, 1 weighs all molecules alike
    target_weights : how much each key counts in the loss, in the order of the keys; () = all alike
    auxiliary_weight : how much each quantity that follows from the targets (``auxiliary``) counts in the loss; 0 = none
    patience : epochs without a better validation loss before a member stops
    amp : bfloat16 autocast
    compile, compile_mode : torch.compile the network, and with which mode
    device : ``auto``, ``cpu``, ``cuda``, ``cuda:N``, ``rocm`` or ``rocm:N``
    devices : GPUs (or processes on CPUs) that share every batch
    """

    n_members: int = 5
    hidden: int = 300
    depth: int = 3
    aggregation: str = "mean"
    aggregation_norm: float = 100.0
    head_hidden: int = 300
    head_layers: int = 1
    dropout: float = 0.1
    use_descriptors: bool = True
    epochs: int = 60
    batch_size: int = 64
    learning_rate: float = 1e-3
    final_learning_rate: float = 1e-5
    warmup_epochs: int = 2
    weight_decay: float = 1e-6
    gradient_clip: float = 5.0
    mean_epochs: int = 6
    beta: float = 0.5
    target_weights: tuple[float, ...] = ()
    auxiliary_weight: float = 0.0
    patience: int = 20
    amp: bool = False
    compile: bool = False
    compile_mode: str = "default"
    device: str = "auto"
    devices: int = 1

    def __post_init__(self) -> None:
        check_kinds(self, subject="surrogate setting")
        for name in ("n_members", "hidden", "depth", "head_hidden", "head_layers", "epochs", "batch_size", "patience",
                     "devices"):  # fmt: skip
            if getattr(self, name) < 1:
                raise InputError(f"surrogate setting {name} is {getattr(self, name)}; expected at least 1")
        if self.aggregation not in AGGREGATIONS:
            raise InputError(
                f"surrogate setting aggregation is {self.aggregation!r}; expected one of: {', '.join(AGGREGATIONS)}"
            )
        if not self.aggregation_norm > 0:
            raise InputError(f"surrogate setting aggregation_norm is {self.aggregation_norm}; expected more than 0")
        if not all(0 < weight < math.inf for weight in self.target_weights):
            raise InputError(f"surrogate setting target_weights is {self.target_weights}; expected positive numbers")
        if not 0 <= self.auxiliary_weight < math.inf:
            raise InputError(f"surrogate setting auxiliary_weight is {self.auxiliary_weight}; expected 0 or more")
        if not 0 <= self.dropout < 1:
            raise InputError(f"surrogate setting dropout is {self.dropout}; expected 0 to below 1")
        for name in ("learning_rate", "gradient_clip"):
            if getattr(self, name) <= 0:
                raise InputError(f"surrogate setting {name} is {getattr(self, name)}; expected a positive number")
        for name in ("final_learning_rate", "warmup_epochs", "weight_decay", "mean_epochs", "beta"):
            if getattr(self, name) < 0:
                raise InputError(f"surrogate setting {name} is {getattr(self, name)}; expected 0 or more")

    @classmethod
    def from_dict(cls, settings: dict[str, Any]) -> MPNNConfig:
        """Read settings by name.

        Raises
        ------
        InputError : an unknown name
        """
        known = [field.name for field in fields(cls)]
        for name in settings:
            if name not in known:
                close = get_close_matches(name, known, n=1)
                hint = f"; did you mean {close[0]!r}?" if close else f"; expected one of: {', '.join(known)}"
                raise InputError(f"unknown surrogate setting {name!r}{hint}")
        weights = tuple(settings.get("target_weights", ()))  # a list in a file
        return cls(**{**settings, "target_weights": weights})

    def to_dict(self) -> dict[str, Any]:
        """The settings as plain values."""
        return asdict(self)


_KINDS: dict[str, tuple[tuple[type, ...], str]] = {
    "bool": ((bool,), "true or false"),
    "int": ((int,), "a whole number"),
    "float": ((int, float), "a finite number"),
    "str": ((str,), "a word"),
}


def check_kinds(config: DataclassInstance, *, subject: str) -> None:
    """Settings come from files: a word where a number belongs is told, not met by torch.

    Raises
    ------
    InputError : names the setting and what it should be
    """
    for field in fields(config):
        if field.type not in _KINDS:
            continue
        value = getattr(config, field.name)
        kinds, expected = _KINDS[str(field.type)]
        is_right = isinstance(value, kinds) and (bool in kinds or not isinstance(value, bool))
        if not is_right or (isinstance(value, float) and not math.isfinite(value)):
            raise InputError(f"{subject} {field.name} is {value!r}; expected {expected}")
