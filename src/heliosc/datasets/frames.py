"""The one place where Polars is imported: it is an optional dependency."""

from __future__ import annotations

from heliosc.errors import MissingDependencyError

try:
    import polars as pl
except ImportError as error:
    raise MissingDependencyError("building data tables needs Polars: pip install 'heliosc[data]'") from error

__all__ = ["pl"]
