"""A pool: molecules whose every value is known, and what a model sees of them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from heliosc.errors import InputError
from heliosc.selection.objectives import FloatArray

_SMILES_COLUMNS = ("smiles", "SMILES", "smi", "canonical_smiles")
_CHUNK = 2_000  # molecules whose graphs are held at once


@dataclass(frozen=True)
class Pool:
    """Labelled molecules.

    Attributes
    ----------
    smiles : (n,) distinct
    columns : name -> (n,) values, all finite
    left_out : reason -> rows of the file that are not in the pool
    """

    smiles: tuple[str, ...]
    columns: Mapping[str, FloatArray]
    left_out: Mapping[str, int] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """Short hash of molecules and values."""
        text = hashlib.sha256("\n".join(self.smiles).encode())
        for name in sorted(self.columns):
            text.update(name.encode() + np.ascontiguousarray(self.columns[name]).tobytes())
        return text.hexdigest()[:12]

    @cached_property
    def counts(self) -> NDArray[np.float32]:
        """(n, 1024) folded Morgan count fingerprints of radius 2."""
        from heliosc.surrogates.forest import morgan_counts

        return morgan_counts(self.smiles)

    @cached_property
    def described(self) -> NDArray[np.float32]:
        """(n, 1024 + 51) the counts, then composition, rings and Hueckel frontier orbitals."""
        from heliosc.surrogates.mpnn.reading import read_graphs

        parts = [
            read_graphs(self.smiles[start : start + _CHUNK], with_rings=True, first_row=start).descriptors
            for start in range(0, len(self.smiles), _CHUNK)
        ]
        return np.hstack([self.counts, np.concatenate(parts).astype(np.float32)])


def read_pool(file: Path, *, needed: frozenset[str] | None = None, smiles_column: str | None = None) -> Pool:
    """Read a CSV; of molecules that come twice the first row counts.

    Parameters
    ----------
    needed : columns that must have a value in every row kept; none = all numeric columns

    Raises
    ------
    InputError : the file cannot be read, has no SMILES, lacks a column or keeps no row
    """
    import pandas as pd

    try:
        table = pd.read_csv(file)
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read the pool {file}: {error}") from error
    name = smiles_column or next((column for column in _SMILES_COLUMNS if column in table), None)
    if name is None or name not in table:
        raise InputError(f"{file} has no column of SMILES ({', '.join(_SMILES_COLUMNS)}); name it")
    numeric = [str(column) for column in table.select_dtypes("number").columns]
    wanted = numeric if needed is None else sorted(needed)
    if missing := sorted(set(wanted) - set(numeric)):
        raise InputError(f"{file} has no numeric column {', '.join(missing)}; there are {', '.join(numeric)}")
    is_complete = np.isfinite(table[wanted].to_numpy(dtype=np.float64)).all(axis=1) & table[name].notna().to_numpy()
    is_first = ~table[name].duplicated().to_numpy()
    kept = table[is_complete & is_first]
    if not len(kept):
        raise InputError(f"{file} has no row with SMILES and finite {', '.join(wanted)}")
    columns = {column: kept[column].to_numpy(dtype=np.float64) for column in wanted}
    left_out = {"without a value": int((~is_complete).sum()), "repeated": int((is_complete & ~is_first).sum())}
    return Pool(tuple(map(str, kept[name])), columns, left_out)
