"""The one place where Polars is imported: it is an optional dependency."""

from __future__ import annotations

import pyarrow as pa

from heliosc.errors import MissingDependencyError

try:
    import polars as pl
except ImportError as error:
    raise MissingDependencyError("building data tables needs Polars: pip install 'heliosc[data]'") from error

__all__ = ["frame_of", "pl"]


def frame_of(table: pa.Table) -> pl.DataFrame:
    """An Arrow table as a Polars frame."""
    frame = pl.from_arrow(table)
    return frame if isinstance(frame, pl.DataFrame) else frame.to_frame()
