"""States of a candidate in the laboratory, and which may follow which.

``proposed -> approved -> ordered -> made -> measured`` may skip steps forwards, never go back. Making or measuring may
fail, everything not yet measured may be abandoned, and what failed or was abandoned may be approved or ordered again.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from heliosc.errors import InputError


class State(StrEnum):
    """Where a candidate stands."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    ORDERED = "ordered"
    MADE = "made"
    FAILED = "failed"
    MEASURED = "measured"
    ABANDONED = "abandoned"


_FORWARD = (State.PROPOSED, State.APPROVED, State.ORDERED, State.MADE, State.MEASURED)
_AGAIN = frozenset({State.APPROVED, State.ORDERED})


@dataclass(frozen=True, slots=True)
class StateChange:
    """One entry of a candidate's history.

    Attributes
    ----------
    who : the person, or the form that said so
    when : ISO 8601, UTC
    why : reason in words, may be empty
    """

    candidate_id: str
    state: State
    who: str
    when: str
    why: str = ""


def successors(state: State) -> frozenset[State]:
    """States that may follow."""
    if state in (State.FAILED, State.ABANDONED):
        return _AGAIN | {State.MADE, State.MEASURED, State.ABANDONED} - {state}
    later = frozenset(_FORWARD[_FORWARD.index(state) + 1 :])
    return later if state is State.MEASURED else later | {State.FAILED, State.ABANDONED}


def check_transition(candidate_id: str, *, before: State, after: State) -> None:
    """Refuse what may not follow.

    Raises
    ------
    InputError : names the states that may
    """
    allowed = successors(before)
    if after not in allowed:
        names = ", ".join(state.value for state in State if state in allowed) or "nothing"
        raise InputError(f"{candidate_id} is {before.value} and cannot become {after.value}; it can become: {names}")


def parse_state(text: str) -> State:
    """A state by its name.

    Raises
    ------
    InputError : there is none of that name
    """
    try:
        return State(text.strip().lower())
    except ValueError as error:
        raise InputError(f"no state {text[:40]!r}; expected one of: {', '.join(State)}") from error
