"""Held-out figures of a surrogate, key by key, beside a constant-sigma reference and a baseline.

A calibrated uncertainty that does not beat one constant sigma per key is worth nothing, so every report carries the
likelihood and CRPS of that reference: same means, the validation part's error spread as std of every molecule.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from heliosc.errors import InputError
from heliosc.properties import PredictionTable, PropertyKey, PropertyTable
from heliosc.surrogates import metrics
from heliosc.surrogates.protocol import Predictor

Report = dict[str, dict[str, float | None]]
"""Key -> metric -> value; None where a figure is undefined (a constant column, no reference)."""

MIN_VALUES = 2


def evaluate_predictions(
    table: PropertyTable,
    predictions: PredictionTable,
    *,
    reference_std: NDArray[np.float64] | None = None,
    mask: NDArray[np.bool_] | None = None,
) -> Report:
    """Compare predictions with known values of the same molecules.

    Parameters
    ----------
    reference_std : (n_keys,) constant sigma of each key of the table; adds ``reference_nll`` and ``reference_crps``
    mask : (n_molecules,) rows to count, for instance large A-D-A molecules; keys with fewer values than two are omitted

    Raises
    ------
    InputError : the tables hold different molecules
    """
    if table.smiles != predictions.smiles:
        raise InputError("the predictions are of other molecules than the table")
    rows = np.ones(len(table.smiles), dtype=bool) if mask is None else np.asarray(mask, dtype=bool)
    report: Report = {}
    for column, key in enumerate(table.keys):
        if key not in predictions.keys:
            continue
        known = rows & np.isfinite(table.values[:, column])
        if known.sum() < MIN_VALUES:
            continue
        y, predicted = table.values[known, column], predictions.column(key)
        mean, std = predictions.mean[known, predicted], predictions.std[known, predicted]
        quantiles = None if predictions.interval_quantiles is None else predictions.interval_quantiles[predicted]
        figures = metrics.all_metrics(y, mean, std, quantiles=quantiles)
        if reference_std is not None:
            constant = np.full_like(mean, reference_std[column])
            figures["reference_nll"] = metrics.nll(y, mean, constant)
            figures["reference_crps"] = metrics.crps(y, mean, constant)
        report[str(key)] = {name: value if math.isfinite(value) else None for name, value in figures.items()}
    return report


def evaluate_surrogate(
    surrogate: Predictor,
    table: PropertyTable,
    *,
    reference_std: NDArray[np.float64] | None = None,
    subsets: Mapping[str, NDArray[np.bool_]] | None = None,
) -> dict[str, Report]:
    """Evaluate on a whole table (``all``) and on named subsets of its rows.

    Raises
    ------
    InputError : a molecule cannot be read
    """
    predictions = surrogate.predict(table.smiles)
    reports = {"all": evaluate_predictions(table, predictions, reference_std=reference_std)}
    for name, mask in (subsets or {}).items():
        reports[name] = evaluate_predictions(table, predictions, reference_std=reference_std, mask=mask)
    return reports


_COLUMNS: Sequence[tuple[str, str, str]] = (
    ("mae", "MAE", ".3f"),
    ("rmse", "RMSE", ".3f"),
    ("r2", "R2", ".2f"),
    ("nll", "NLL", ".2f"),
    ("crps", "CRPS", ".3f"),
    ("miscalibration_area", "miscal.", ".3f"),
    ("ence", "ENCE", ".2f"),
    ("coverage_90", "90 %", ".1%"),
    ("sharpness", "sharpness", ".3f"),
    ("error_rank_correlation", "rho", ".2f"),
)


def metrics_table(
    report: Report, *, baselines: Mapping[str, Report] | None = None, title: str = "Held-out metrics"
) -> Table:
    """A table for the terminal: one row a key, with the reference's NLL and the baselines' MAE beside."""
    table = Table(title=title)
    for heading in ("property", "unit", "n"):
        table.add_column(heading, no_wrap=True)
    for _, heading, _ in _COLUMNS:
        table.add_column(heading, justify="right")
    table.add_column("NLL const. sigma", justify="right")
    for name in baselines or {}:
        table.add_column(f"MAE {name}", justify="right")
    for text, figures in report.items():
        cells = [_format(figures.get(name), style) for name, _, style in _COLUMNS]
        cells.append(_format(figures.get("reference_nll"), ".2f"))
        cells += [_format(other.get(text, {}).get("mae"), ".3f") for other in (baselines or {}).values()]
        table.add_row(text, PropertyKey.parse(text).unit, f"{figures['n'] or 0:.0f}", *cells)
    return table


def _format(value: float | None, style: str) -> str:
    return "-" if value is None else format(value, style)
