"""Which of a driver's tasks may be claimed, in the order in which the store hands them out."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Mapping

Place = tuple[float, int]
"""Where a task stands: the lower, the sooner it is claimed; see ``StoreReader.places``."""


class ClaimQueue:
    """Keys that were queued when last seen, sorted; each is in it once."""

    def __init__(self) -> None:
        self._places: dict[str, Place] = {}  # of every key ever seen: a failed task may come back
        self._sorted: list[tuple[Place, str]] = []
        self._waiting: set[str] = set()
        self._page_start = 0

    def __len__(self) -> int:
        return len(self._sorted)

    def know(self, places: Mapping[str, Place]) -> None:
        """Note where keys stand; comes before they are added."""
        self._places.update(places)

    def add(self, keys: Iterable[str]) -> None:
        """Keys that may be claimed; those that are in it already stay where they are."""
        new = [(self._places[key], key) for key in dict.fromkeys(keys) if key not in self._waiting]
        self._waiting.update(key for _, key in new)
        if len(new) == 1:  # a task that comes back; the whole of a long queue is not looked at for it
            insort(self._sorted, new[0])
            return
        self._sorted += new
        self._sorted.sort()

    def discard(self, keys: Iterable[str]) -> None:
        """Keys that may not be claimed any more; those that are not in it are passed over."""
        for key in self._waiting.intersection(keys):
            self._waiting.remove(key)
            del self._sorted[bisect_left(self._sorted, (self._places[key], key))]

    def first(self, n_keys: int) -> list[str]:
        """The next keys, at most so many."""
        return [key for _, key in self._sorted[:n_keys]]

    def next_page(self, n_keys: int) -> list[str]:
        """Other keys with each call, until all have had their turn and it begins again."""
        if self._page_start >= len(self._sorted):
            self._page_start = 0
        page = self._sorted[self._page_start : self._page_start + n_keys]
        self._page_start += len(page)
        return [key for _, key in page]
