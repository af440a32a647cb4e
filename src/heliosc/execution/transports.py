"""The one place where a configuration becomes a transport."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from heliosc.errors import UsageError
from heliosc.execution.driver import local_transport
from heliosc.execution.pool import WorkerSettings
from heliosc.execution.transport import TransportFactory

if TYPE_CHECKING:
    from heliosc.config import ExecutionSettings


def transport_factory(settings: ExecutionSettings, *, n_workers: int, n_threads: int = 1) -> TransportFactory:
    """What runs tasks as configured; all that can be checked before the first task is checked here.

    Parameters
    ----------
    n_workers : local worker processes
    n_threads : OpenMP and BLAS threads of a worker; a Slurm job's follow from the cores of its tasks

    Raises
    ------
    UsageError : an option that the chosen scheduler does not know, or a number of workers below 1
    MissingDependencyError : the scheduler's commands or an optional package are missing
    """
    if settings.transport == "slurm":
        return _slurm(settings)
    if settings.transport == "parsl":
        return _parsl(settings, n_threads)
    return local_transport(n_workers, _workers(settings, n_threads))


def _workers(settings: ExecutionSettings, n_threads: int) -> WorkerSettings:
    return WorkerSettings(n_threads, scratch=settings.scratch, keep_scratch=settings.keep_scratch)


def _slurm(settings: ExecutionSettings) -> TransportFactory:
    from heliosc.execution.slurm import SlurmTransport

    slurm = settings.slurm
    if slurm is None:
        raise UsageError("transport is slurm and there is no section execution.slurm; name its folder at least")
    slurm = replace(slurm, scratch=slurm.scratch or settings.scratch)
    if slurm.keep_scratch == "never":
        slurm = replace(slurm, keep_scratch=settings.keep_scratch)
    return lambda store: SlurmTransport(slurm, store)


def _parsl(settings: ExecutionSettings, n_threads: int) -> TransportFactory:
    from heliosc.execution.parsl.providers import check_provider
    from heliosc.execution.parsl.transport import ParslTransport

    parsl = settings.parsl
    if parsl is None:
        raise UsageError("transport is parsl and there is no section execution.parsl; name its workers_per_node")
    check_provider(parsl.provider, parsl.options)
    return lambda store: ParslTransport(parsl, _workers(settings, n_threads))
