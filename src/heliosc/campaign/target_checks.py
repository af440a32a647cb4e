"""Whether a table can train a surrogate: each column that cannot is refused with what to do about it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem

from heliosc.chemistry.identity import parse_smiles
from heliosc.datasets.csv_source import CsvImport, QuarantinedRow
from heliosc.errors import InputError
from heliosc.properties import PropertyKey, PropertyTable
from heliosc.properties.plausibility import POSSIBLE, USUAL_MEDIAN
from heliosc.properties.units import FACTORS

FloatArray = NDArray[np.float64]

_LEAST_GAP = 3.0  # ratio between the values of two units; within one unit values have no such hole
_LEAST_STRANGERS = 2


def choose_targets(table: PropertyTable, targets: Sequence[PropertyKey], *, file: Path | str) -> PropertyTable:
    """The table with the columns asked for, in that order; all of them where none is named.

    Raises
    ------
    InputError : a target is no column of the file, or is named twice
    """
    if not targets:
        return table
    absent = [str(key) for key in targets if key not in table.keys]
    if absent:
        raise InputError(
            f"{file} has no column {', '.join(absent)}; its property columns are: "
            f"{', '.join(map(str, table.keys)) or 'none'}"
        )
    if len(set(targets)) < len(targets):
        raise InputError(f"a target is named twice among {', '.join(map(str, targets))}; name each once")
    values = np.stack([table.column(key) for key in targets], axis=1)
    known = np.isfinite(values).any(axis=1)
    return PropertyTable(table.smiles, tuple(targets), values).rows(np.flatnonzero(known))


def set_aside_unpredictable(imported: CsvImport) -> CsvImport:
    """Without the molecules that a surrogate refuses to predict; of salts a graph has no distances either."""
    smiles = imported.table.smiles
    reasons = {row: reason for row, text in enumerate(smiles) if (reason := _why_unpredictable(text))}
    step = "give the neutral molecule alone, or leave the row out"
    found = tuple(QuarantinedRow(imported.rows[row], smiles[row][:80], text, step) for row, text in reasons.items())
    kept = [row for row in range(len(smiles)) if row not in reasons]
    return CsvImport(
        imported.table.rows(kept),
        tuple(sorted(imported.quarantined + found, key=lambda entry: entry.row)),
        tuple(imported.rows[row] for row in kept),
    )


def _why_unpredictable(smiles: str) -> str | None:
    molecule = parse_smiles(smiles)
    if charge := Chem.GetFormalCharge(molecule):
        return f"has charge {charge:+d}; surrogates are of neutral molecules"
    if any(atom.GetNumRadicalElectrons() for atom in molecule.GetAtoms()):
        return "is a radical; surrogates are of closed shells"
    if len(Chem.GetMolFrags(molecule)) > 1:
        return "has several fragments; surrogates are of one molecule, without counter-ions or solvent"
    return None


def check_targets(table: PropertyTable, *, file: Path | str, least_known: int) -> None:
    """Refuse columns that are too empty, constant, or in two units.

    Parameters
    ----------
    least_known : fewest known values that can be divided into training, calibration and test

    Raises
    ------
    InputError : names the column, what is wrong with it and what to do
    """
    for column, key in enumerate(table.keys):
        known = np.isfinite(table.values[:, column])
        values = table.values[known, column]
        if len(values) < least_known:
            raise InputError(
                f"{file}: {key} has {len(values)} known values among {len(table.smiles)} molecules; training, "
                f"calibration and test need at least {least_known}. Empty and NaN cells are missing values: add "
                "molecules, or leave this column out with --targets"
            )
        if np.ptp(values) == 0:
            raise InputError(
                f"{file}: all {len(values)} known values of {key} are {values[0]:g}; there is nothing to learn. "
                "Check the column, or leave it out with --targets"
            )
        smiles = [text for text, is_known in zip(table.smiles, known, strict=True) if is_known]
        _check_unit(key, values, smiles, file=file)


def _check_unit(key: PropertyKey, values: FloatArray, smiles: Sequence[str], *, file: Path | str) -> None:
    usual = USUAL_MEDIAN.get(key.name)
    if usual is not None:
        for unit, factor in FACTORS.get(key.unit, {}).items():
            strangers = _in_other_unit(values, usual, factor)
            if factor != 1 and strangers.sum() >= _LEAST_STRANGERS:
                row = int(np.argmax(strangers))
                share = "all" if strangers.all() else f"{strangers.sum()} of {len(values)}"
                raise InputError(
                    f"{file}: {share} values of {key} look like {unit}, not {key.unit} (e.g. {values[row]:g} for "
                    f"{smiles[row]}); multiply them by {factor:.6g}, so that the whole column is in {key.unit}"
                )
    low, high = POSSIBLE.get(key.name, (-math.inf, math.inf))
    impossible = (values < low) | (values > high)
    if impossible.any():
        row = int(np.argmax(impossible))
        raise InputError(
            f"{file}: {impossible.sum()} of {len(values)} values of {key} are outside {low:g} to {high:g} {key.unit}, "
            f"e.g. {values[row]:g} for {smiles[row]}; correct the sign or unit, or empty the cells"
        )


def _in_other_unit(values: FloatArray, usual: tuple[float, float], factor: float) -> NDArray[np.bool_]:
    """(n,) which values are usual only when converted, and lie apart from all the others."""
    low, high = usual
    fits, fits_converted = ((v >= low) & (v <= high) for v in (values, values * factor))
    strangers = fits_converted & ~fits
    if not strangers.any() or strangers.all():
        return strangers
    sizes, others = np.abs(values[strangers]), np.abs(values[~strangers])
    is_apart = sizes.min() > _LEAST_GAP * others.max() or _LEAST_GAP * sizes.max() < others.min()
    return strangers if is_apart else np.zeros_like(strangers)
