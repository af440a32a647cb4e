"""How a SchNet member is built and trained."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields
from difflib import get_close_matches
from typing import Any

from heliosc.errors import InputError
from heliosc.surrogates.mpnn.config import check_kinds
from heliosc.surrogates.schnet.geometries import STATES


@dataclass(frozen=True, slots=True)
class SchNetConfig:
    """Architecture and training of the ensemble. The settings of the training are those of ``MPNNConfig``.

    Attributes
    ----------
    n_members : networks in the ensemble
    states : charge states whose geometries are read: ``neutral`` alone, or with ``cation`` and ``anion``, which show
        how much every distance changes when a charge arrives
    hidden, filters : width of the atoms' vectors and of the continuous filters
    interactions : interaction blocks
    gaussians : distances are expanded in this many Gaussians from 0 to ``cutoff``
    cutoff : A, beyond which two atoms do not see each other
    head_hidden, head_layers, dropout : readout network
    use_descriptors : join the MPNN's numbers of the molecular graph to the fingerprint
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

    n_members: int = 2
    states: tuple[str, ...] = ("neutral",)
    hidden: int = 96
    filters: int = 64
    interactions: int = 3
    gaussians: int = 50
    cutoff: float = 5.0
    head_hidden: int = 200
    head_layers: int = 1
    dropout: float = 0.0
    use_descriptors: bool = True
    epochs: int = 40
    batch_size: int = 32
    learning_rate: float = 2e-3
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
        check_kinds(self, subject="SchNet setting")
        for name in ("n_members", "filters", "interactions", "head_hidden", "head_layers", "epochs", "batch_size",
                     "patience", "devices"):  # fmt: skip
            if getattr(self, name) < 1:
                raise InputError(f"SchNet setting {name} is {getattr(self, name)}; expected at least 1")
        for name in ("hidden", "gaussians"):
            if getattr(self, name) < 2:
                raise InputError(f"SchNet setting {name} is {getattr(self, name)}; expected at least 2")
        if not 0 < self.cutoff < math.inf:
            raise InputError(f"SchNet setting cutoff is {self.cutoff}; expected a positive distance in A")
        if (
            self.states[:1] != ("neutral",)
            or len(set(self.states)) < len(self.states)
            or set(self.states) - set(STATES)
        ):
            raise InputError(
                f"SchNet setting states is {self.states}; expected neutral first, then cation or anion or both"
            )
        if not all(0 < weight < math.inf for weight in self.target_weights):
            raise InputError(f"SchNet setting target_weights is {self.target_weights}; expected positive numbers")
        if not 0 <= self.dropout < 1:
            raise InputError(f"SchNet setting dropout is {self.dropout}; expected 0 to below 1")
        if self.learning_rate <= 0:
            raise InputError(f"SchNet setting learning_rate is {self.learning_rate}; expected a positive number")

    @classmethod
    def from_dict(cls, settings: dict[str, Any]) -> SchNetConfig:
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
                raise InputError(f"unknown SchNet setting {name!r}{hint}")
        states = tuple(settings.get("states", STATES[:1]))  # lists in a file
        weights = tuple(settings.get("target_weights", ()))
        return cls(**{**settings, "states": states, "target_weights": weights})

    def to_dict(self) -> dict[str, Any]:
        """The settings as plain values."""
        return asdict(self)
