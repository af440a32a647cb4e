"""How many molecules have which property, at which level, from which source, and how the values are distributed."""

from __future__ import annotations

from dataclasses import dataclass

from heliosc.datasets.frames import pl

N_BINS = 24
OUTLIER_Z = 6.0
MAD_TO_STD = 1.4826  # of a normal distribution

GROUP = ("property", "level", "source")


@dataclass(frozen=True, slots=True)
class Coverage:
    """One property at one level from one source; values in ``unit``.

    Attributes
    ----------
    robust_std : 1.4826 x median absolute deviation
    n_repeated : molecules whose value is the median of several rows
    repeat_std : median sample standard deviation of those rows; None where nothing is repeated
    n_outliers : values further than ``OUTLIER_Z`` robust standard deviations from the median
    histogram : number of values in ``N_BINS`` equal bins from the 0.1 % to the 99.9 % quantile, the rest at the ends
    """

    property: str
    level: str
    source: str
    unit: str
    n_molecules: int
    share: float
    minimum: float
    median: float
    maximum: float
    robust_std: float
    n_repeated: int
    repeat_std: float | None
    n_outliers: int
    histogram: tuple[int, ...]


def coverage(properties: pl.LazyFrame, *, n_molecules: int) -> list[Coverage]:
    """One record a property, level and source, the most complete first within a property.

    Parameters
    ----------
    properties : columns of LONG_SCHEMA
    n_molecules : in all; the share refers to it
    """
    scored = with_robust_z(properties)
    table = (
        scored.group_by(GROUP)
        .agg(
            pl.col("unit").first(),
            pl.len().alias("n_molecules"),
            pl.col("value").min().alias("minimum"),
            pl.col("value").median().alias("median"),
            pl.col("value").max().alias("maximum"),
            pl.col("robust_std").first(),
            (pl.col("n_rows") > 1).sum().alias("n_repeated"),
            pl.col("std").filter(pl.col("n_rows") > 1).median().alias("repeat_std"),
            is_outlier().sum().alias("n_outliers"),
            pl.col("value").quantile(0.001).alias("low"),
            pl.col("value").quantile(0.999).alias("high"),
        )
        .sort("property", "n_molecules", "level", "source", descending=[False, True, False, False])
        .collect()
    )
    counts = _histograms(properties, table)
    return [
        Coverage(
            **{name: row[name] for name in row if name not in ("low", "high")},
            share=row["n_molecules"] / n_molecules,
            histogram=counts[tuple(row[name] for name in GROUP)],
        )
        for row in table.to_dicts()
    ]


def with_robust_z(properties: pl.LazyFrame) -> pl.LazyFrame:
    """Add ``robust_std`` and ``robust_z``, the distance from the median in it, within property, level and source.

    Levels and sources are never compared: they differ by eV. Where more than half of the values are equal there is no
    spread, and no z.
    """
    distance = (pl.col("value") - pl.col("value").median().over(GROUP)).alias("distance")
    spread = (MAD_TO_STD * pl.col("distance").abs().median().over(GROUP)).alias("robust_std")
    z = pl.when(pl.col("robust_std") > 0).then(pl.col("distance") / pl.col("robust_std")).alias("robust_z")
    return properties.with_columns(distance).with_columns(spread).with_columns(z)


def is_outlier() -> pl.Expr:
    """Whether a row that has a ``robust_z`` lies far out; null z is none."""
    return (pl.col("robust_z").abs() > OUTLIER_Z).fill_null(value=False)


def _histograms(properties: pl.LazyFrame, table: pl.DataFrame) -> dict[tuple[str, ...], tuple[int, ...]]:
    limits = table.lazy().select(*GROUP, "low", "high")
    width = pl.max_horizontal(pl.col("high") - pl.col("low"), pl.lit(1e-12))
    bins = (N_BINS * (pl.col("value") - pl.col("low")) / width).floor().clip(0, N_BINS - 1).cast(pl.Int32)
    counted = (
        properties.select(*GROUP, "value")
        .join(limits, on=list(GROUP))
        .group_by(*GROUP, bins.alias("bin"))
        .agg(pl.len().alias("n"))
        .collect()
    )
    histograms: dict[tuple[str, ...], list[int]] = {}
    for *group, index, n in counted.select(*GROUP, "bin", "n").rows():
        histograms.setdefault(tuple(group), [0] * N_BINS)[index] = n
    return {group: tuple(counts) for group, counts in histograms.items()}
