"""What the page of a training says in numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from heliosc.handoff.labels import MINUS, MISSING, decimals, format_number, symbol, unit, words
from heliosc.properties import PropertyKey
from heliosc.report.tables import ValueTable

NETWORK, MIXTURE, DELTA = "mpnn", "auto", "delta"
_TITLES = {
    NETWORK: "network",
    MIXTURE: "mixture of all",
    "forest": "random forest",
    DELTA: "network on the cheap level",
}

Reports = Mapping[str, Mapping[str, Mapping[str, Any]]]
"""Model -> subset of the molecules -> key -> metric -> value."""


def data_table(keys: Sequence[PropertyKey], provenance: Mapping[str, Any]) -> ValueTable:
    """Known values of each part."""
    counts = provenance.get("n_known", {})
    rows = []
    for key in keys:
        known = counts.get(str(key), {})
        parts = [known.get(part) for part in ("train", "validation", "test")]
        rows.append((_label(key), words(key), key.level, *(MISSING if n is None else f"{n:,}" for n in parts)))
    header = ("Property", "Meaning", "Level of theory", "Training", "Validation", "Test")
    return ValueTable("Known values of each part", header, rows)


def error_table(split: str, keys: Sequence[PropertyKey], *, reports: Reports, subset: str = "all") -> ValueTable:
    """Errors of the network and of each baseline, and which is the lowest."""
    models = [NETWORK, *sorted(reports.keys() - {NETWORK})]
    rows = []
    for key in keys:
        figures = reports[NETWORK][subset].get(str(key))
        if figures is None:
            continue
        errors = {model: (reports[model][subset].get(str(key)) or {}).get("mae") for model in models}
        known = {model: error for model, error in errors.items() if error is not None}
        digits = decimals(key) + 1
        rows.append(
            (
                _label(key),
                f"{figures['n']:.0f}",
                *(format_number(error, decimals=digits) for error in errors.values()),
                model_title(min(known, key=lambda model: known[model])),
                format_number(figures["rmse"], decimals=digits),
                format_number(figures["r2"]),
            )
        )
    header = ("Property", "n", *(f"MAE, {model_title(model)}" for model in models), "lowest", "RMSE, network",
              "R², network")  # fmt: skip
    return ValueTable(f"Errors, {split}, {_molecules(subset)}", header, rows)


def uncertainty_table(split: str, keys: Sequence[PropertyKey], *, reports: Reports) -> ValueTable:
    """The network's uncertainty beside one constant sigma a property."""
    rows = []
    known = reports[NETWORK]["all"]
    for key in (key for key in keys if str(key) in known):
        f = known[str(key)]
        digits = decimals(key) + 1
        rows.append(
            (
                _label(key),
                format_number(f["nll"]),
                format_number(f.get("reference_nll")),
                format_number(f["crps"], decimals=digits),
                format_number(f.get("reference_crps"), decimals=digits),
                format_number(f["miscalibration_area"], decimals=3),
                format_number(f["ence"]),
                _percent(f["coverage_90"]),
                _percent(f["coverage_95"]),
                format_number(f["sharpness"], decimals=digits),
                format_number(f["error_rank_correlation"]),
            )
        )
    header = (
        "Property",
        "NLL",
        "NLL, constant sigma",
        "CRPS",
        "CRPS, constant sigma",
        "miscalibration",
        "ENCE",
        "within 90 %",
        "within 95 %",
        "mean std",
        "Spearman",
    )
    return ValueTable(f"Uncertainty, {split}", header, rows)


def model_title(model: str) -> str:
    """Name of a model for people."""
    return _TITLES.get(model, model.replace("_", " "))


def _label(key: PropertyKey) -> str:
    return f"{symbol(key)} {unit(key)} ({key.level})".replace("  ", " ")


def _molecules(subset: str) -> str:
    return "all test molecules" if subset == "all" else f"{subset} test molecules"


def _percent(share: float | None) -> str:
    return MISSING if share is None else f"{100 * share:.1f} %".replace("-", MINUS)
