"""One thing and what it came from: a node of the tree that lineage shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Origin:
    """A thing with its facts, and the things it came from.

    Attributes
    ----------
    what : ``molecule``, ``candidate``, ``calculation``, ``value``, ``failure``, ``prediction``, ``model``, ``data set``
    facts : name -> value; what is not known is left out
    comes_from : older things, each with its own origins
    """

    what: str
    title: str
    facts: Mapping[str, Any]
    comes_from: tuple[Origin, ...] = ()

    def to_document(self) -> dict[str, Any]:
        """Nested JSON."""
        return {
            "what": self.what,
            "title": self.title,
            "facts": dict(self.facts),
            "comes_from": [origin.to_document() for origin in self.comes_from],
        }


def known_facts(**facts: Any) -> dict[str, Any]:
    """Facts without those that are not known."""
    return {name: value for name, value in facts.items() if value not in (None, "", (), [], {})}
