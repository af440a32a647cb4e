"""A limit on the processor time of one molecule, so that none stalls a shard."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from heliosc.generation.jtvae.molecule_graph import UnfitMoleculeError

CAUSE = "over the time limit"


@contextmanager
def time_limit(seconds: float, text: str) -> Iterator[None]:
    """Stop what runs inside after so much processor time of this process.

    A call into a library is stopped when it returns. Only main threads can be stopped: elsewhere there is no limit.

    Parameters
    ----------
    text : the molecule, for the message

    Raises
    ------
    UnfitMoleculeError : the time is over
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(*_: object) -> None:
        raise UnfitMoleculeError(
            f"{text[:80]!r} cannot be decomposed: it takes over {seconds:g} s of processor time", cause=CAUSE
        )

    earlier = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, earlier)
