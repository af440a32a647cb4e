"""Predicted and computed electronic properties, beside known materials; never mixed in one column."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from heliosc.campaign.records import CandidateRecord
from heliosc.handoff.blocks.tables import Cell, Table, facts_table
from heliosc.handoff.labels import Number, level_label, number, ordered_keys, symbol, unit, words
from heliosc.properties import PropertyKey


def electronics(candidate: CandidateRecord, result: Mapping[str, Any]) -> Table:
    """Each property at each level of theory: prediction with its std, computed value."""
    computed = result["values"]
    keys = ordered_keys([*candidate.predicted, *computed])
    rows = []
    for key in keys:
        prediction = candidate.predicted.get(str(key))
        rows.append(
            (
                f"{symbol(key)}  {words(key)}",
                number(key, prediction.mean if prediction else None),
                number(key, prediction.std if prediction else None),
                number(key, computed.get(str(key))),
                unit(key),
                key.level,
            )
        )
    if lowest_singlet(result) is None:
        rows.append(("S1  optical gap", Number(None), Number(None), Number(None), "eV", optical_state(result)))
    levels = "; ".join(dict.fromkeys(level_label(key.level) for key in keys))
    return Table(
        "Electronic properties",
        ("Property", "Predicted", "± std", "Computed", "Unit", "Level"),
        tuple(rows),
        note=(
            f"Predicted = surrogate before the calculation; computed = four-point calculation. {levels}. Gas phase, "
            "single molecule. Against experiment: IE 0.22 eV (32 molecules), EA 0.16 eV (21) mean absolute error; "
            "λ of GFN2-xTB lies below DFT and ranks only."
        ),
    )


def lowest_singlet(result: Mapping[str, Any]) -> tuple[PropertyKey, float] | None:
    """S1 where it was computed."""
    keys = (PropertyKey.parse(text) for text in result["values"])
    return next(((key, result["values"][str(key)]) for key in keys if key.name == "singlet_excitation_energy"), None)


def optical_state(result: Mapping[str, Any]) -> str:
    """Why there is no S1."""
    return str(result.get("optical", "not computed"))


def references_beside(computed: Mapping[str, float], references: Mapping[str, Mapping[str, float]]) -> Table | None:
    """Known materials computed the same way, as far as they are; None where none were given."""
    if not references:
        return None
    known = {key for values in references.values() for key in values}
    keys = [key for key in ordered_keys(computed) if str(key) in known]
    if not keys:
        levels = ", ".join(dict.fromkeys(key.level for key in ordered_keys(computed)))
        return facts_table("Beside known materials", {", ".join(references): f"not computed at {levels}"})
    rows: list[tuple[Cell, ...]] = [("this candidate", *(number(key, computed.get(str(key))) for key in keys))]
    rows += [(name, *(number(key, values.get(str(key))) for key in keys)) for name, values in references.items()]
    return Table(
        "Beside known materials",
        ("Material", *(f"{symbol(key)} {unit(key)}".strip() for key in keys)),
        tuple(rows),
        note=f"All computed the same way: {_level_list(keys)}. Side chains of the references are shortened to methyl.",
    )


def _level_list(keys: list[PropertyKey]) -> str:
    by_level: dict[str, list[str]] = {}
    for key in keys:
        by_level.setdefault(key.level, []).append(symbol(key))
    return "; ".join(f"{', '.join(symbols)} at {level}" for level, symbols in by_level.items())
