"""``heliosc predict`` with a model that starts from a cheap level: the file brings the cheap values along."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from heliosc.cli.errors import messages
from heliosc.cli.output import print_json
from heliosc.datasets.csv_source import CsvImport, read_property_csv
from heliosc.errors import InputError, PartialResultError
from heliosc.surrogates.screening import write_quarantine, write_table
from heliosc.surrogates.screening.rows import Refusal
from heliosc.surrogates.screening.tables import check_output, rounded, write_csv

if TYPE_CHECKING:
    from heliosc.properties import PredictionTable
    from heliosc.surrogates.delta import DeltaSurrogate


def is_delta_folder(folder: Path) -> bool:
    """Whether a model folder holds a delta surrogate."""
    return (folder / "baseline.json").is_file()


def predict_from_cheap(file: Path, weights: Path, *, out: Path | None, device: str, as_json: bool) -> None:
    """Predict the molecules of a CSV with NAME@LEVEL columns of the cheap level; the others are listed with the reason.

    Raises
    ------
    InputError : the file or the model is unusable, or no row can be predicted
    PartialResultError : some rows could not be predicted; all others are written
    """
    from heliosc.surrogates.delta import DeltaSurrogate  # loads torch

    if out is not None:
        check_output(out)
    imported = read_property_csv(file)
    model = DeltaSurrogate.load(weights, cheap=None, device=device).with_cheap(imported.table)
    complete = np.asarray(np.isfinite(model.cheap.values).all(axis=1))
    refused = sorted(_refusals(imported, model, complete), key=lambda refusal: refusal.row)
    for refusal in refused[:20]:
        messages.print(f"row {refusal.row} left out: {refusal.smiles!r} {refusal.reason}", markup=False, soft_wrap=True)
    if not complete.any():
        raise InputError(f"{file} has no molecule with all values that the model starts from: {_names(model)}")
    rows = np.flatnonzero(complete)
    predictions = model.predict([imported.table.smiles[row] for row in rows])
    table = as_table(predictions, [imported.rows[row] for row in rows])
    if out is not None:
        write_table([table], out)
        write_quarantine(refused, out.with_name(f"{out.stem}.quarantine.csv"))
        messages.print(f"{len(rows)} of {len(rows) + len(refused)} rows predicted; wrote {out}", markup=False)
    if as_json:
        print_json(rounded(table).to_pylist())
    elif out is None:
        sys.stdout.flush()
        write_csv([table], sys.stdout.buffer)
    if refused:
        raise PartialResultError(f"{len(refused)} rows of {file} left out, each with its reason above")


def _refusals(imported: CsvImport, model: DeltaSurrogate, complete: NDArray[np.bool_]) -> Iterator[Refusal]:
    for bad in imported.quarantined:
        yield Refusal(bad.row, bad.text, bad.reason)
    reason = f"lacks a value that the model starts from ({_names(model)})"
    for row in np.flatnonzero(~complete):
        yield Refusal(imported.rows[row], imported.table.smiles[row], reason)


def _names(model: DeltaSurrogate) -> str:
    return ", ".join(map(str, model.baseline.inputs))


def as_table(predictions: PredictionTable, numbers: list[int]) -> pa.Table:
    """Means, stds and distances to the training data, with the row numbers of the input file."""
    columns: dict[str, Any] = {"row": np.array(numbers, dtype=np.int64), "smiles": pa.array(predictions.smiles)}
    for column, key in enumerate(predictions.keys):
        columns[f"{key} mean"] = predictions.mean[:, column]
        columns[f"{key} std"] = predictions.std[:, column]
    if predictions.domain_distance is not None:
        columns["domain distance"] = predictions.domain_distance
    return pa.table(columns)
