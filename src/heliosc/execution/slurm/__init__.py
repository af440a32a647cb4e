"""Tasks on a Slurm cluster: arrays of packed jobs, each submitted at most once and adopted after any death."""

from __future__ import annotations

from heliosc.execution.slurm.settings import SlurmSettings
from heliosc.execution.slurm.transport import SlurmTransport

__all__ = ["SlurmSettings", "SlurmTransport"]
