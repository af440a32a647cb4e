"""What the laboratory found, a candidate at a time: state, history, measured values with their conditions."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from heliosc.experiments.checking import Measurement
from heliosc.experiments.journal import IMPORTED, Event, FormEvent, current_state, state_changes
from heliosc.experiments.states import State, StateChange
from heliosc.properties import PropertyKey

_SOURCE_FACTS = ("sample", "date", "operator")
"""Facts that tell a replicate from the same form sent again."""


@dataclass(frozen=True, slots=True)
class MeasuredValue:
    """Replicates of one property of one compound under the same conditions.

    Attributes
    ----------
    smiles : canonical, of the compound as made
    value : mean of the replicates, in the unit of the key
    std : their sample standard deviation; of a single value as the laboratory gave it; None = not known
    n : replicates
    conditions : in the laboratory's words
    forms : digests of the forms they stand in
    """

    smiles: str
    key: PropertyKey
    value: float
    std: float | None
    n: int
    conditions: str
    forms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """One candidate in the laboratory.

    Attributes
    ----------
    history : state changes, oldest first; empty while nobody has touched it
    forms : imported, oldest first, failures among them
    """

    candidate_id: str
    state: State
    history: tuple[StateChange, ...]
    forms: tuple[FormEvent, ...]
    measured: tuple[MeasuredValue, ...]

    @property
    def failure_reasons(self) -> tuple[str, ...]:
        """Why attempts failed, in the laboratory's words."""
        return tuple(
            "; ".join(form.facts.get("failure_reason", ())) or "no reason given"
            for form in self.forms
            if form.made in ("failed", "no")
        )


def outcomes(events: Sequence[Event], candidate_ids: Iterable[str]) -> dict[str, Outcome]:
    """Candidate id -> what is known; candidates that nobody has touched are proposed."""
    return {
        name: Outcome(
            name,
            current_state(events, name),
            state_changes(events, name),
            forms := tuple(_forms_of(events, name)),
            measured_values(forms),
        )
        for name in candidate_ids
    }


def measured_values(events: Iterable[Event]) -> tuple[MeasuredValue, ...]:
    """Values of all imported forms, replicates joined; what was measured under other conditions stays apart.

    A form that is sent again with one answer corrected repeats the others: what the same sample, date and operator say
    twice, to the same field with the same value, counts once.
    """
    groups: dict[tuple[str, PropertyKey, str], list[tuple[str, Measurement]]] = defaultdict(list)
    said: set[tuple[object, ...]] = set()
    for event in events:
        if isinstance(event, FormEvent) and event.status == IMPORTED and event.smiles:
            source = (event.candidate_id, *(event.facts.get(name, ()) for name in _SOURCE_FACTS))
            for item in event.measurements:
                if (source, item) in said:
                    continue
                said.add((source, item))
                groups[(event.smiles, item.key, item.conditions)].append((event.digest, item))
    return tuple(_joined(*group, found) for group, found in sorted(groups.items()))


def _forms_of(events: Iterable[Event], candidate_id: str) -> Iterable[FormEvent]:
    return (event for event in events if isinstance(event, FormEvent) and event.candidate_id == candidate_id)


def _joined(smiles: str, key: PropertyKey, conditions: str, found: Sequence[tuple[str, Measurement]]) -> MeasuredValue:
    values = [item.value for _, item in found]
    std = statistics.stdev(values) if len(values) > 1 else found[0][1].std
    forms = tuple(dict.fromkeys(digest for digest, _ in found))
    return MeasuredValue(smiles, key, statistics.fmean(values), std, len(values), conditions, forms)
