"""The order in which a driver offers its keys."""

from __future__ import annotations

from heliosc.execution.claims import ClaimQueue


def test_keys_stand_in_their_order_once_and_come_back_to_it() -> None:
    queue = ClaimQueue()
    queue.know({"old": (0.0, 1), "new": (0.0, 2), "urgent": (-1.0, 3)})
    queue.add(["new", "old"])
    queue.add(["urgent", "old"])
    assert queue.first(9) == ["urgent", "old", "new"]
    queue.discard(["urgent", "old", "unknown"])
    assert queue.first(9) == ["new"]
    queue.add(["old"])
    assert queue.first(1) == ["old"]
    assert len(queue) == 2


def test_pages_give_every_key_its_turn() -> None:
    queue = ClaimQueue()
    assert queue.next_page(2) == []
    queue.know({key: (0.0, place) for place, key in enumerate("abc")})
    queue.add("abc")
    assert [queue.next_page(2) for _ in range(3)] == [["a", "b"], ["c"], ["a", "b"]]
