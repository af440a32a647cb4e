"""Rows that were set aside: which, why, and what to do; as Parquet beside each shard and as one CSV for people."""

from __future__ import annotations

import re
from dataclasses import dataclass

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_FORMULA_STARTS = ("=", "+", "-", "@")
MAX_TEXT = 120
MAX_REASON = 300
CORRECT = "correct the row and merge again"


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """One row of a source that was set aside.

    Attributes
    ----------
    row : record number in the source, from 1 on, the header not counted
    text : its SMILES or beginning, shortened
    """

    row: int
    text: str
    reason: str
    next_step: str = CORRECT


def printable(text: str, limit: int) -> str:
    """One line that no terminal or spreadsheet takes for a command."""
    line = _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)
    line = line if len(line) <= limit else f"{line[: limit - 3]}..."
    return f"'{line}" if line.startswith(_FORMULA_STARTS) else line
