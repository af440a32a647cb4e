"""Canonical JSON: same meaning, same bytes; different meaning, different bytes."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliosc.errors import InputError
from heliosc.execution.identity import canonical_json, key_of_texts, task_key

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=6,
)


def reversed_everywhere(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: reversed_everywhere(item) for key, item in reversed(value.items())}
    return [reversed_everywhere(item) for item in value] if isinstance(value, list) else value


@settings(max_examples=40, deadline=None)
@given(json_values)
def test_round_trip_is_exact(value: Any) -> None:
    text = canonical_json(value)
    assert json.loads(text) == value
    assert canonical_json(json.loads(text)) == text


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(st.text(), json_values))
def test_order_of_insertion_does_not_matter(value: dict[str, Any]) -> None:
    assert canonical_json(reversed_everywhere(value)) == canonical_json(value)
    assert task_key(reversed_everywhere(value)) == task_key(value)


def test_key_is_the_sha256_of_the_text() -> None:
    # printf '{"a":[1,0.1],"b":"\\u00e9"}' | sha256sum
    assert canonical_json({"b": "é", "a": [1, 0.1]}) == '{"a":[1,0.1],"b":"\\u00e9"}'
    assert task_key({"b": "é", "a": [1, 0.1]}) == "0b2f1bd5069849cf317da139dbaed65ee4c8cc1908b1d3acfb0eb53fbb271526"


@pytest.mark.parametrize(
    "value", [float("nan"), [float("inf")], {1: "a"}, {"a": {None: 1}}, {"a": {1, 2}}, np.float32(1.0), b"bytes"]
)
def test_what_json_cannot_hold_is_refused(value: Any) -> None:
    with pytest.raises(InputError, match="not canonical JSON"):
        canonical_json(value)


def test_bottomless_nesting_is_refused() -> None:
    nested: list[Any] = []
    nested.append(nested)
    with pytest.raises(InputError):
        canonical_json(nested)


@settings(max_examples=40, deadline=None)
@given(
    st.dictionaries(st.text(), json_values, max_size=3), st.none() | st.dictionaries(st.text(), json_values, max_size=3)
)
def test_the_key_can_be_had_from_what_is_stored(payload: dict[str, Any], identity: dict[str, Any] | None) -> None:
    texts = canonical_json(payload), None if identity is None else canonical_json(identity)
    expected = {"callable": "m:f", "payload": payload} if identity is None else identity
    assert key_of_texts("m:f", *texts) == task_key(expected)
