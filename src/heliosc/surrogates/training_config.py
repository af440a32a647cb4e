"""The settings that every trained ensemble has, whatever its networks read."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, ClassVar, Self

from heliosc.errors import InputError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


@dataclass(frozen=True, slots=True)
class TrainingConfig:
    """Members, readout network, schedule and device of an ensemble; what its networks read is added by each kind.

    Attributes
    ----------
    subject : what the settings are called in messages
    n_members : networks in the ensemble
    hidden : width of the atoms' vectors (of messages, in a message-passing network)
    head_hidden, head_layers, dropout : readout network
    use_descriptors : join the numbers of ``descriptors.describe`` to the fingerprint
    epochs, batch_size : passes over the training part, molecules a step
    learning_rate, final_learning_rate, warmup_epochs : linear warm-up from a tenth of the peak, then cosine decay
    weight_decay, gradient_clip : of AdamW; largest gradient norm
    mean_epochs : first epochs that fit the mean alone, before the variance is learnt too
    beta : exponent of beta-NLL; 0 is the plain likelihood, 1 weighs all molecules alike
    target_weights : how much each key counts in the loss, in the order of the keys; () = all alike
    patience : epochs without a better validation loss before a member stops
    amp : bfloat16 autocast
    compile, compile_mode : torch.compile the network, and with which mode
    device : ``auto``, ``cpu``, ``cuda``, ``cuda:N``, ``rocm`` or ``rocm:N``
    devices : GPUs (or processes on CPUs) that share every batch
    """

    subject: ClassVar[str] = "training setting"

    n_members: int = 5
    hidden: int = 300
    head_hidden: int = 300
    head_layers: int = 1
    dropout: float = 0.0
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
    patience: int = 20
    amp: bool = False
    compile: bool = False
    compile_mode: str = "default"
    device: str = "auto"
    devices: int = 1

    def __post_init__(self) -> None:
        check_kinds(self, subject=self.subject)
        for name in ("n_members", "hidden", "head_hidden", "head_layers", "epochs", "batch_size", "patience",
                     "devices"):  # fmt: skip
            self.require(name, getattr(self, name) >= 1, "at least 1")
        for name in ("learning_rate", "gradient_clip"):
            self.require(name, getattr(self, name) > 0, "a positive number")
        for name in ("final_learning_rate", "warmup_epochs", "weight_decay", "mean_epochs", "beta"):
            self.require(name, getattr(self, name) >= 0, "0 or more")
        self.require("dropout", 0 <= self.dropout < 1, "0 to below 1")
        self.require("target_weights", all(0 < w < math.inf for w in self.target_weights), "positive numbers")

    def require(self, name: str, is_right: bool, expected: str) -> None:
        """Refuse a value that a setting cannot have.

        Raises
        ------
        InputError : names the setting, its value and what it should be
        """
        if not is_right:
            raise InputError(f"{self.subject} {name} is {getattr(self, name)!r}; expected {expected}")

    @classmethod
    def from_dict(cls, settings: dict[str, Any]) -> Self:
        """Read settings by name; lists in a file become tuples.

        Raises
        ------
        InputError : an unknown name, or a value that the setting cannot have
        """
        known = [field.name for field in fields(cls)]
        for name in settings:
            if name not in known:
                close = get_close_matches(name, known, n=1)
                hint = f"; did you mean {close[0]!r}?" if close else f"; expected one of: {', '.join(known)}"
                raise InputError(f"unknown {cls.subject} {name!r}{hint}")
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in settings.items()
        }
        return cls(**values)

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
