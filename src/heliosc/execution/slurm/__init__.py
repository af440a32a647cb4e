"""Tasks on a Slurm cluster: arrays of packed jobs, each submitted at most once and adopted after any death.

The transport loads on first use: a configuration needs the settings only.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from heliosc.execution.slurm.settings import SlurmSettings

if TYPE_CHECKING:
    from heliosc.execution.slurm.transport import SlurmTransport

__all__ = ["SlurmSettings", "SlurmTransport"]


def __getattr__(name: str) -> Any:
    if name != "SlurmTransport":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module(f"{__name__}.transport").SlurmTransport
