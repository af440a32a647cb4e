"""Parsl's HighThroughputExecutor, set up so that it starts anywhere and ends with its driver."""

from __future__ import annotations

import shlex
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from heliosc.execution.parsl.providers import make_provider
from heliosc.execution.parsl.settings import LOCAL, ParslSettings
from heliosc.execution.processes import TOKEN_VARIABLE
from heliosc.execution.protocol import IMPORT_PATH_VARIABLES, THREAD_VARIABLES, child_environment

if TYPE_CHECKING:
    from parsl.executors import HighThroughputExecutor

_INTERCHANGE = "heliosc.execution.parsl.interchange"
_WORKER_POOL = "parsl.executors.high_throughput.process_worker_pool"
_LOOPBACK = "127.0.0.1"


def make_executor(settings: ParslSettings, *, token: str, folder: Path, n_threads: int) -> HighThroughputExecutor:
    """An executor that is not started yet.

    Parameters
    ----------
    token : marks every process that is started for it
    folder : for its logs and keys
    n_threads : OpenMP and BLAS threads of a worker

    Raises
    ------
    UsageError, MissingDependencyError : see ``make_provider``
    """
    provider = make_provider(
        settings.provider, settings.options, worker_init=_worker_init(settings, token=token, n_threads=n_threads)
    )
    from parsl.executors import HighThroughputExecutor
    from parsl.executors.high_throughput.executor import DEFAULT_LAUNCH_CMD

    scripts = folder / "submit_scripts"
    scripts.mkdir(parents=True)
    if hasattr(provider, "script_dir"):
        provider.script_dir = str(scripts)
    python = settings.python or ("python3" if settings.provider == "kubernetes" else sys.executable)
    log = folder / "interchange.out"
    executor = HighThroughputExecutor(
        label="heliosc",
        provider=provider,
        launch_cmd=DEFAULT_LAUNCH_CMD.replace(
            "process_worker_pool.py", f"{shlex.quote(python)} -P -m {_WORKER_POOL}", 1
        ),
        interchange_launch_cmd=[sys.executable, "-P", "-m", _INTERCHANGE, token, str(log)],
        address=settings.address or _LOOPBACK,
        max_workers_per_node=settings.workers_per_node,
        cores_per_worker=0.001,  # the number of workers is what was asked for, not what Parsl finds room for
        heartbeat_period=settings.heartbeat_s,
        heartbeat_threshold=settings.lost_after_s,
        encrypted=settings.encrypted,
        block_error_handler=False,
    )
    if settings.address is None and settings.provider != LOCAL:
        executor.address, executor.all_addresses = None, _own_addresses()
    executor.run_dir = str(folder)
    return executor


def _worker_init(settings: ParslSettings, *, token: str, n_threads: int) -> str:
    """Shell lines that mark a worker and pin its threads; on this machine it also gets the driver's import path."""
    environment = child_environment(n_threads=n_threads)
    names = (*THREAD_VARIABLES, *(IMPORT_PATH_VARIABLES if settings.provider == LOCAL else ()))
    values = {**{name: environment[name] for name in names}, TOKEN_VARIABLE: token}
    return "\n".join(f"export {name}={shlex.quote(value)}" for name, value in values.items())


def _own_addresses() -> set[str]:
    """IPv4 addresses of this machine; Parsl's own search would ask a server on the internet."""
    import psutil

    interfaces = psutil.net_if_addrs().values()
    return {address.address for found in interfaces for address in found if address.family == socket.AF_INET}
