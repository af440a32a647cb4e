"""States that may follow, and a book that is only ever added to."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliosc.errors import InputError, ParseError
from heliosc.experiments.importing import set_state
from heliosc.experiments.journal import Journal, current_state, state_changes
from heliosc.experiments.states import State, check_transition, parse_state, successors

WHEN = "2026-11-23T08:00:00+00:00"


@pytest.mark.parametrize(
    ("before", "after"),
    [("proposed", "approved"), ("approved", "ordered"), ("ordered", "made"), ("made", "measured"), ("made", "failed"),
     ("failed", "ordered"), ("abandoned", "approved"), ("proposed", "made"), ("ordered", "abandoned")],
)  # fmt: skip
def test_what_may_follow(before: str, after: str) -> None:
    check_transition("x", before=State(before), after=State(after))


@pytest.mark.parametrize(
    ("before", "after"),
    [("ordered", "approved"), ("measured", "made"), ("measured", "failed"), ("made", "made"), ("failed", "failed"),
     ("approved", "proposed"), ("abandoned", "abandoned")],
)  # fmt: skip
def test_what_may_not_follow(before: str, after: str) -> None:
    with pytest.raises(InputError, match=f"x is {before} and cannot become {after}; it can become"):
        check_transition("x", before=State(before), after=State(after))


@given(st.sampled_from(list(State)), st.lists(st.sampled_from(list(State)), max_size=12))
def test_nothing_is_proposed_again_and_measured_is_the_end(start: State, wanted: list[State]) -> None:
    state = start
    for after in wanted:
        if after in successors(state):
            assert after is not State.PROPOSED
            assert state is not State.MEASURED
            state = after


def test_names_of_states() -> None:
    assert parse_state(" Approved ") is State.APPROVED
    with pytest.raises(InputError, match="expected one of: proposed, approved"):
        parse_state("done")


def test_history_is_kept_in_order_with_who_when_and_why(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "lab")
    set_state(journal, "a", State.APPROVED, who="Ada", when=WHEN, why="group meeting")
    first = journal.path.read_bytes()
    set_state(journal, "a", State.ORDERED, who="Grace", when=WHEN)
    set_state(journal, "b", State.ABANDONED, who="Ada", when=WHEN, why="too dear")
    assert journal.path.read_bytes().startswith(first)
    events = journal.events()
    assert [(c.state, c.who, c.why) for c in state_changes(events, "a")] == [
        (State.APPROVED, "Ada", "group meeting"),
        (State.ORDERED, "Grace", ""),
    ]
    assert current_state(events, "b") is State.ABANDONED
    assert current_state(events, "c") is State.PROPOSED


def test_a_refused_change_leaves_no_trace(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    set_state(journal, "a", State.MADE, who="Ada", when=WHEN)
    before = journal.path.read_bytes()
    with pytest.raises(InputError, match="cannot become approved"):
        set_state(journal, "a", State.APPROVED, who="Ada", when=WHEN)
    with pytest.raises(InputError, match="--by"):
        set_state(journal, "a", State.MEASURED, who=" ", when=WHEN)
    assert journal.path.read_bytes() == before


def test_texts_with_line_separators_stay_one_event(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    set_state(journal, "a", State.APPROVED, who="A\u2028d\na", when=WHEN, why="x\x85y\r\nz")
    assert len(journal.events()) == 1
    assert journal.events()[0].who == "A\u2028d\na"


def test_a_damaged_book_is_named_with_its_line(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    set_state(journal, "a", State.APPROVED, who="Ada", when=WHEN)
    journal.path.write_text(journal.path.read_text() + '{"kind": "gossip"}\n')
    with pytest.raises(ParseError, match=r"journal\.jsonl, line 2"):
        journal.events()
