"""``heliosc predict`` with a model that starts from a cheap level: the file brings the cheap values along."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from heliosc.cli.commands.table_prediction import as_table, deliver, tell_refused
from heliosc.datasets.csv_source import CsvImport, read_property_csv
from heliosc.errors import InputError
from heliosc.surrogates.screening.rows import Refusal
from heliosc.surrogates.screening.tables import check_output

if TYPE_CHECKING:
    from heliosc.surrogates.delta import DeltaSurrogate


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
    tell_refused(refused)
    if not complete.any():
        raise InputError(f"{file} has no molecule with all values that the model starts from: {_names(model)}")
    rows = np.flatnonzero(complete)
    predictions = model.predict([imported.table.smiles[row] for row in rows])
    table = as_table(predictions, [imported.rows[row] for row in rows])
    deliver(table, refused, file=file, out=out, as_json=as_json)


def _refusals(imported: CsvImport, model: DeltaSurrogate, complete: NDArray[np.bool_]) -> Iterator[Refusal]:
    for bad in imported.quarantined:
        yield Refusal(bad.row, bad.text, bad.reason)
    reason = f"lacks a value that the model starts from ({_names(model)})"
    for row in np.flatnonzero(~complete):
        yield Refusal(imported.rows[row], imported.table.smiles[row], reason)


def _names(model: DeltaSurrogate) -> str:
    return ", ".join(map(str, model.baseline.inputs))
