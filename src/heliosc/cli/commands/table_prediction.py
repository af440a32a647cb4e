"""Predictions of a whole file at once: written, or printed, with every row accounted for."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from heliosc.cli.errors import messages
from heliosc.cli.output import print_json
from heliosc.errors import PartialResultError
from heliosc.surrogates.screening import write_quarantine, write_table
from heliosc.surrogates.screening.rows import Refusal
from heliosc.surrogates.screening.tables import rounded, write_csv

if TYPE_CHECKING:
    from heliosc.properties import PredictionTable

_N_SHOWN = 20


def tell_refused(refused: Sequence[Refusal]) -> None:
    """Name the first rows that are left out, each with its reason."""
    for refusal in refused[:_N_SHOWN]:
        messages.print(f"row {refusal.row} left out: {refusal.smiles!r} {refusal.reason}", markup=False, soft_wrap=True)
    if len(refused) > _N_SHOWN:
        messages.print(f"... and {len(refused) - _N_SHOWN} more", markup=False)


def deliver(table: pa.Table, refused: Sequence[Refusal], *, file: Path, out: Path | None, as_json: bool) -> None:
    """Write or print the predictions, and the rows without one.

    Raises
    ------
    PartialResultError : some rows could not be predicted; all others are written
    """
    if out is not None:
        write_table([table], out)
        write_quarantine(refused, out.with_name(f"{out.stem}.quarantine.csv"))
        n_rows = table.num_rows + len(refused)
        messages.print(f"{table.num_rows} of {n_rows} rows predicted; wrote {out}", markup=False)
    if as_json:
        print_json(rounded(table).to_pylist())
    elif out is None:
        sys.stdout.flush()
        write_csv([table], sys.stdout.buffer)
    if refused:
        raise PartialResultError(f"{len(refused)} rows of {file} left out, each with its reason above")


def as_table(predictions: PredictionTable, numbers: list[int]) -> pa.Table:
    """Means, stds and distances to the training data, with the row numbers of the input file."""
    columns: dict[str, Any] = {"row": np.array(numbers, dtype=np.int64), "smiles": pa.array(predictions.smiles)}
    for column, key in enumerate(predictions.keys):
        columns[f"{key} mean"] = predictions.mean[:, column]
        columns[f"{key} std"] = predictions.std[:, column]
    if predictions.domain_distance is not None:
        columns["domain distance"] = predictions.domain_distance
    return pa.table(columns)
