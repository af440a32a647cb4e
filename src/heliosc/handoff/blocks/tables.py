"""What every block is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from heliosc.handoff.labels import Number

NOT_EVALUATED = "not evaluated"

Cell = str | Number


@dataclass(frozen=True, slots=True)
class Table:
    """One titled table.

    Attributes
    ----------
    columns : header cells; for a table of facts ``("", "")``
    rows : cells below the header
    note : what a reader must know to use it
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""


def facts_table(title: str, facts: Mapping[str, Cell], *, note: str = "") -> Table:
    """Two columns without a header: label and fact."""
    return Table(title, ("", ""), tuple(facts.items()), note)
