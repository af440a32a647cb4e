"""Results on stdout: a table for people, JSON for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

_PIPE_WIDTH = 200  # columns where no terminal says how wide it is; rich would squeeze tables into 80

results = Console(highlight=False, width=None if sys.stdout.isatty() else _PIPE_WIDTH)


def print_json(data: Any) -> None:
    """One JSON document on stdout."""
    print(json.dumps(data, indent=2, sort_keys=True, default=str))


def print_table(rows: Sequence[Mapping[str, Any]], *, title: str, as_json: bool) -> None:
    """Rows with equal keys, as a table or as JSON."""
    if as_json:
        print_json(list(rows))
        return
    results.print(table_of(rows, title=title))


def table_of(rows: Sequence[Mapping[str, Any]], *, title: str) -> Table:
    """Rows with equal keys as a table for people."""
    table = Table(title=title, title_justify="left")
    for name in rows[0] if rows else ():
        table.add_column(name.replace("_", " "))
    for row in rows:
        table.add_row(*(escape(format_cell(value)) for value in row.values()))
    return table


def format_cell(value: Any) -> str:
    """Text of a cell; a missing value is a dash, never a zero."""
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.3f}"
    return str(value)
