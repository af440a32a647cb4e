"""What a campaign tells its audience while it works."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Progress:
    """One step forward.

    Attributes
    ----------
    round : counted from 0
    n_rounds : in all; None = no limit
    stage : what is being done, in words
    done, total : how far; ``total`` None = not countable
    note : the latest detail, such as a finished molecule
    """

    round: int
    n_rounds: int | None
    stage: str
    done: int = 0
    total: int | None = None
    note: str = ""


Listener = Callable[[Progress], None]


def ignore_progress(_progress: Progress) -> None:
    """The listener for nobody."""
