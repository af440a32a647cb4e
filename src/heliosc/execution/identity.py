"""Canonical JSON and the content-addressed key of a task.

Two dictionaries that mean the same give the same bytes whatever their insertion order, so that asking twice for the
same calculation finds the first answer. ``1`` and ``1.0`` differ, as they do in JSON text.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from heliosc.errors import InputError

_NESTED = (dict, list, tuple)
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False)


def canonical_json(value: Any) -> str:
    """JSON text with sorted keys, no spaces, ASCII only, floats by their shortest exact representation.

    Raises
    ------
    InputError : a key that is no string, a NaN or infinity, or a type that JSON does not know
    """
    try:
        _check_keys(value)
        return _ENCODER.encode(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(
            f"not canonical JSON: {error}; expected nested dict (string keys), list, str, int, finite float, bool, None"
        ) from error


def text_digest(text: str) -> str:
    """Sha256 of a text in hexadecimal, 64 characters."""
    return hashlib.sha256(text.encode()).hexdigest()


def task_key(identity: Mapping[str, Any]) -> str:
    """Key of the task with this identity: equal identities give equal keys.

    Raises
    ------
    InputError : see ``canonical_json``
    """
    return text_digest(canonical_json(dict(identity)))


def key_of_texts(callable: str, payload: str, identity: str | None) -> str:  # noqa: A002 - the field's own word
    """The same key from what a task's row stores: payload and identity are canonical JSON already."""
    if identity is not None:
        return text_digest(identity)
    return text_digest(f'{{"callable":{_ENCODER.encode(callable)},"payload":{payload}}}')


def content_digest(callable: str, payload: str, identity: str | None) -> str:  # noqa: A002 - the field's own word
    """Sha256 of what a task's row says it is, payload and identity as their stored texts.

    The key covers only the identity, which need not name callable and payload.
    """
    return text_digest(_ENCODER.encode([callable, payload, identity]))


def _check_keys(value: Any) -> None:
    # json.dumps turns the keys 1, True and None into strings, which would let two identities collide
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise TypeError(f"dictionary key {key!r} is {type(key).__name__}, not str")
            if isinstance(item, _NESTED):
                _check_keys(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            if isinstance(item, _NESTED):
                _check_keys(item)
