"""One page about one trained surrogate, written into its model folder; it needs no network and runs no script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import norm

from heliosc.datasets.csv_source import QuarantinedRow
from heliosc.files import write_atomically
from heliosc.handoff.labels import symbol, words
from heliosc.properties import PredictionTable, PropertyKey
from heliosc.properties.intervals import interval_level
from heliosc.report import figures, training_figures
from heliosc.report.html import render_page
from heliosc.report.pictures import Picture, figure_picture
from heliosc.report.sections import Tile
from heliosc.report.tables import ValueTable
from heliosc.report.training_tables import (
    DELTA,
    MIXTURE,
    NETWORK,
    data_table,
    error_table,
    model_title,
    uncertainty_table,
)
from heliosc.surrogates.ensemble import SurrogateEnsemble

PAGE = "report.html"
_MOST_ROWS = 20
_SPLITS = ("random split", "scaffold split")


def write_training_page(
    ensemble: SurrogateEnsemble, folder: Path, *, source: Path | None = None, set_aside: Sequence[QuarantinedRow] = ()
) -> Path:
    """Write ``report.html`` into a model folder and return its path.

    Parameters
    ----------
    source : file that was trained on; None = the embedded library
    set_aside : rows of it that could not be used

    Raises
    ------
    ResourceError : the folder cannot be written
    """
    target = folder / PAGE
    write_atomically(target, render_page("training.html", _context(ensemble, folder, source, set_aside)))
    return target


def _context(
    ensemble: SurrogateEnsemble, folder: Path, source: Path | None, set_aside: Sequence[QuarantinedRow]
) -> dict[str, Any]:
    predictions = ensemble.predict(ensemble.held_out.test.smiles)
    splits = {name: ensemble.metrics[name] for name in _SPLITS if name in ensemble.metrics}
    return {
        "name": folder.name,
        "model_id": ensemble.model_id,
        "source": "the embedded library" if source is None else source.name,
        "tiles": _tiles(ensemble),
        "data_table": data_table(ensemble.keys, ensemble.provenance),
        "set_aside": _set_aside_table(set_aside),
        "metric_tables": [
            table
            for name, reports in splits.items()
            for table in (
                *(
                    error_table(name, ensemble.keys, reports=reports, subset=subset)
                    for subset, r in reports[NETWORK].items()
                    if r
                ),
                uncertainty_table(name, ensemble.keys, reports=reports),
            )
        ],
        "parity_pictures": _parity_pictures(ensemble, predictions),
        "calibration_picture": _calibration_picture(ensemble, predictions),
        "curve_picture": _curve_picture(ensemble),
        "facts": _as_facts({k: v for k, v in ensemble.provenance.items() if k != "n_known"}),
        "settings": _as_facts(ensemble.config.to_dict()),
    }


def _tiles(ensemble: SurrogateEnsemble) -> list[Tile]:
    sizes = [len(ensemble.split[part]) for part in ("train", "validation", "test")]
    n_levels = len({key.level for key in ensemble.keys})
    tiles = [
        Tile("Molecules", f"{sum(sizes):,}", "{:,} to learn, {:,} to calibrate, {:,} to report".format(*sizes)),
        Tile("Properties", str(len(ensemble.keys)), f"{n_levels} level{'s' if n_levels > 1 else ''} of theory"),
    ]
    reports = ensemble.metrics.get(_SPLITS[0])
    if reports:
        errors = {model: {k: f["mae"] for k, f in r["all"].items()} for model, r in reports.items()}
        others = {model: e for model, e in errors.items() if model not in (NETWORK, MIXTURE, DELTA)}
        n_won = sum(all(mae <= e[key] for e in others.values()) for key, mae in errors[NETWORK].items())
        names = ", ".join(map(model_title, sorted(others)))
        tiles.append(Tile("Network ahead in", f"{n_won} of {len(errors[NETWORK])}", f"by MAE, beside {names}"))
        n_honest = sum(f["crps"] < f["reference_crps"] for f in reports[NETWORK]["all"].values())
        tiles.append(
            Tile("Doubt worth having in", f"{n_honest} of {len(errors[NETWORK])}", "CRPS below one constant sigma")
        )
        if DELTA in errors:
            ratios = [errors[DELTA][key] / mae for key, mae in errors[NETWORK].items() if mae > 0]
            gain = f"{100 * (1 - float(np.mean(ratios))):+.0f} %"
            tiles.append(Tile("Gain of delta-learning", gain, "smaller mean error than from the structure alone"))
    return tiles


def _set_aside_table(rows: Sequence[QuarantinedRow]) -> ValueTable:
    shown = [(str(row.row), row.text, row.reason, row.next_step) for row in rows[:_MOST_ROWS]]
    more = "" if len(rows) <= _MOST_ROWS else f", the first {_MOST_ROWS}"
    return ValueTable(f"Rows set aside: {len(rows)}{more}", ("Row", "SMILES", "Reason", "Next step"), shown)


def _parity_pictures(ensemble: SurrogateEnsemble, predictions: PredictionTable) -> list[Picture]:
    found = []
    for column, key in enumerate(ensemble.keys):
        known = np.isfinite(ensemble.held_out.test.values[:, column])
        if not known.any():
            continue
        values, mean = ensemble.held_out.test.values[known, column], predictions.mean[known, column]
        figure = training_figures.held_out_parity_figure(
            key, known=values, mean=mean, std=predictions.std[known, column]
        )
        found.append(
            figure_picture(
                figure,
                alt=f"Predicted against known {words(key)} of {len(values)} test molecules",
                caption=f"{symbol(key)} at {key.level}. Bars: one predicted standard deviation. Dashed: equal.",
            )
        )
    return found


def _calibration_picture(ensemble: SurrogateEnsemble, predictions: PredictionTable) -> Picture | None:
    errors: dict[PropertyKey, Any] = {}
    for column, key in enumerate(ensemble.keys):
        values = ensemble.held_out.test.values[:, column]
        known = np.isfinite(values)
        if known.any():
            scores = np.abs(values[known] - predictions.mean[known, column]) / predictions.std[known, column]
            if predictions.interval_quantiles is not None:  # the model's own intervals, as errors of a Gaussian
                scores = norm.ppf(0.5 + interval_level(scores, predictions.interval_quantiles[column]) / 2)
            errors[key] = scores
    if not errors:
        return None
    return figure_picture(
        figures.calibration_figure(errors),
        alt=f"Observed against expected coverage of the predictive intervals of {len(errors)} properties",
        caption="Below the diagonal: overconfident; above: too cautious; grey: 95 % of perfect models.",
    )


def _curve_picture(ensemble: SurrogateEnsemble) -> Picture | None:
    curves = ensemble.metrics.get("learning_curve")
    if not curves:
        return None
    return figure_picture(
        training_figures.learning_curve_figure(curves),
        alt=f"Training and validation error by epoch of {len(curves)} networks",
        caption="Each member keeps its weights of the lowest validation error, counted once the variance is learnt "
        "too. A curve still falling at its end asks for more epochs; a rising one stops early.",
    )


def _as_facts(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(name.replace("_", " "), str(value)) for name, value in values.items() if value not in ((), None)]
