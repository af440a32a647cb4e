"""Serve the dashboard on this machine's loopback address, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from heliosc.dashboard.app import create_app
from heliosc.dashboard.source import RunSource
from heliosc.errors import MissingDependencyError, ResourceError

ADDRESS = "127.0.0.1"
_N_THREADS = 4


def serve(source: RunSource, *, port: int, on_ready: Callable[[str], None]) -> None:
    """Answer until interrupted.

    Parameters
    ----------
    port : 0 = any that is free
    on_ready : called with the address once there is one to open

    Raises
    ------
    MissingDependencyError : Flask or waitress is not installed
    ResourceError : the port is taken
    """
    application = create_app(source)
    try:
        server = _waitress().create_server(application, host=ADDRESS, port=port, threads=_N_THREADS, ident=None)
    except OSError as error:
        raise ResourceError(
            f"port {port} of {ADDRESS} cannot be used ({error.strerror}); choose another with --port, or --port 0"
        ) from error
    on_ready(f"http://{ADDRESS}:{server.effective_port}/")
    try:
        server.run()
    finally:
        server.close()


def _waitress() -> Any:
    try:
        import waitress
    except ImportError as error:
        raise MissingDependencyError(
            "the dashboard needs waitress; install it with: pip install 'heliosc[dashboard]'"
        ) from error
    return waitress
