"""Where sources speak of the same molecule: at one level they should agree, between levels the offset is a fact."""

from __future__ import annotations

from dataclasses import dataclass

from heliosc.datasets.frames import pl

_WORST = 5


@dataclass(frozen=True, slots=True)
class Agreement:
    """Two sets of values of one property on the molecules that both have.

    Attributes
    ----------
    first, second : source of each for ``same level``; level of each for ``other level``
    kind : "same level" (a difference is a disagreement) or "other level" (a difference is expected; never pool them)
    offset : median of second - first, in ``unit``
    spread : median absolute difference once the offset is taken off
    largest : largest absolute difference
    worst : SMILES of the molecules that differ most
    """

    property: str
    kind: str
    level: str
    first: str
    second: str
    unit: str
    n_shared: int
    offset: float
    spread: float
    largest: float
    worst: tuple[str, ...]


def disagreements(properties: pl.LazyFrame) -> list[Agreement]:
    """Every pair of sources that give a property at the same level for some molecule."""
    columns = _repeated(
        properties.select("smiles", "property", "level", "source", "value", "unit"), ["smiles", "property", "level"]
    )
    pairs = columns.join(columns, on=["smiles", "property", "level"], suffix="_second").filter(
        pl.col("source") < pl.col("source_second")
    )
    grouped = _compared(pairs, ["property", "level", "source", "source_second"])
    return [
        _agreement(row, "same level", level=row["level"], first=row["source"], second=row["source_second"])
        for row in grouped
    ]


def level_offsets(properties: pl.LazyFrame) -> list[Agreement]:
    """Every pair of levels of a property that share molecules, each level by the median of its sources."""
    by_level = properties.group_by("smiles", "property", "level").agg(pl.col("value").median(), pl.col("unit").first())
    by_level = _repeated(by_level, ["smiles", "property"])
    pairs = by_level.join(by_level, on=["smiles", "property"], suffix="_second").filter(
        pl.col("level") < pl.col("level_second")
    )
    grouped = _compared(pairs, ["property", "level", "level_second"])
    return [_agreement(row, "other level", level="", first=row["level"], second=row["level_second"]) for row in grouped]


def _repeated(rows: pl.LazyFrame, group: list[str]) -> pl.LazyFrame:
    """Rows of groups that have more than one: few of a large table, so that joining it with itself stays small."""
    return rows.filter(pl.len().over(group) > 1)


def _compared(pairs: pl.LazyFrame, group: list[str]) -> list[dict]:
    difference = pl.col("value_second") - pl.col("value")
    far = pl.col("difference").abs()
    return (
        pairs.with_columns(difference.alias("difference"))
        .group_by(group)
        .agg(
            pl.col("unit").first(),
            pl.len().alias("n_shared"),
            pl.col("difference").median().alias("offset"),
            (pl.col("difference") - pl.col("difference").median()).abs().median().alias("spread"),
            far.max().alias("largest"),
            pl.col("smiles").sort_by([far, pl.col("smiles")], descending=[True, False]).head(_WORST).alias("worst"),
        )
        .sort(group)
        .collect()
        .to_dicts()
    )


def _agreement(row: dict, kind: str, *, level: str, first: str, second: str) -> Agreement:
    numbers = {name: row[name] for name in ("unit", "n_shared", "offset", "spread", "largest")}
    return Agreement(row["property"], kind, level, first, second, **numbers, worst=tuple(row["worst"]))
