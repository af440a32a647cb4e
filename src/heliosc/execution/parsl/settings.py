"""How Parsl is used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from heliosc.errors import UsageError

LOCAL = "local"


@dataclass(frozen=True)
class ParslSettings:
    """Where Parsl gets its workers and how it reaches them.

    Attributes
    ----------
    workers_per_node : worker processes on each node
    provider : name of the scheduler; see ``providers.PROVIDERS``
    options : arguments of Parsl's provider, such as ``partition``, ``walltime``, ``max_blocks`` or ``worker_init``
    address : of this machine as the nodes reach it; None = Parsl finds out, and for ``local`` only this machine
    python : Python of the workers; None = the path of this one, in a container ``python3``
    folder : where the files of a run lie, readable on the nodes; None = the user's cache folder, for ``local`` the
        system's temporary folder
    encrypted : whether messages are encrypted and workers known by a key in ``folder``, which nodes then must see
    heartbeat_s : how often workers and this machine hear of each other
    lost_after_s : after this many silent seconds a node is given up and its tasks run elsewhere

    Raises
    ------
    UsageError : a number without sense
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}  # unknown keys of a configuration are refused

    workers_per_node: int
    provider: str = LOCAL
    options: Mapping[str, Any] = field(default_factory=dict)
    address: str | None = None
    python: str | None = None
    folder: Path | None = None
    encrypted: bool = True
    heartbeat_s: int = 10
    lost_after_s: int = 60

    def __post_init__(self) -> None:
        if self.workers_per_node < 1:
            raise UsageError(f"workers_per_node is {self.workers_per_node}; expected 1 or more")
        if not 0 < self.heartbeat_s < self.lost_after_s:
            raise UsageError(
                f"heartbeat_s is {self.heartbeat_s} and lost_after_s is {self.lost_after_s}; "
                "expected 0 < heartbeat_s < lost_after_s"
            )
