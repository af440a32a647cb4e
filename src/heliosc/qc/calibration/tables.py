"""From a table of measured values to samples: the cheap calculations, remembered in a file beside the result."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rdkit import Chem

from heliosc.chemistry.identity import inchikey, parse_smiles
from heliosc.chemistry.scaffolds import cut_alkyl_chains, murcko_scaffold
from heliosc.errors import HelioscError, InputError
from heliosc.files import write_atomically
from heliosc.properties.names import property_definition
from heliosc.qc.calibration.features import features_for
from heliosc.qc.calibration.fit import Sample

Features = Callable[[str, Chem.Mol], Mapping[str, float]]


@dataclass(frozen=True, slots=True)
class MeasuredValue:
    """One row of a table.

    Attributes
    ----------
    reference : eV; an EA is positive for a bound anion, an IE positive
    kind : class of molecule
    """

    smiles: str
    reference: float
    kind: str = "all"


def read_measured(path: Path, *, column: str, smiles_column: str, class_column: str | None) -> list[MeasuredValue]:
    """Rows of a CSV file that have both a molecule and a number; rows without a number are left out.

    Raises
    ------
    InputError : no such file or column, or a value that is no number
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            rows = list(csv.DictReader(stream))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"cannot read {path}: {error}; expected a CSV file") from error
    wanted = [column, smiles_column, *([class_column] if class_column else [])]
    missing = [name for name in wanted if not rows or name not in rows[0]]
    if missing:
        found = ", ".join(rows[0]) if rows else "no rows"
        raise InputError(f"{path} has no column {', '.join(missing)}; found: {found}")
    kept = [row for row in rows if (row[column] or "").strip().lower() not in ("", "nan") and row[smiles_column]]
    return [
        MeasuredValue(
            row[smiles_column], _number(row[column], path), (row[class_column] if class_column else "") or "all"
        )
        for row in kept
    ]


def measured_samples(
    measured: Sequence[MeasuredValue],
    *,
    property_name: str,
    remembered: Path,
    progress: Callable[[str], None] = lambda _: None,
    features: Features = features_for,
) -> tuple[list[Sample], dict[str, str]]:
    """Samples for ``fit_calibration``, and the molecules without one with the reason.

    Parameters
    ----------
    remembered : JSON file of finished calculations, InChIKey -> features; the next call goes on from it
    progress : called with each molecule's SMILES when it is done
    features : how they are computed

    Raises
    ------
    InputError : not an IE or EA, or a damaged file of finished calculations
    """
    property_definition(property_name)
    if not property_name.endswith(("ionization_energy", "electron_affinity")):
        raise InputError(f"no calibration of {property_name}; expected an adiabatic or vertical IE or EA")
    known = _remembered(remembered)
    samples, failures = [], {}
    for row in measured:
        try:
            molecule = parse_smiles(row.smiles)
            key = f"{property_name.partition('_')[0]}:{inchikey(molecule)}"
            if key not in known:
                known[key] = dict(features(property_name, molecule))
                write_atomically(remembered, json.dumps(known, indent=1, sort_keys=True) + "\n")
        except HelioscError as error:
            failures[row.smiles] = str(error)
            continue
        scaffold = murcko_scaffold(cut_alkyl_chains(molecule)) or row.smiles  # an acyclic molecule is its own
        samples.append(Sample(known[key], row.reference, scaffold, row.kind))
        progress(row.smiles)
    return samples, failures


def _remembered(path: Path) -> dict[str, dict[str, float]]:
    if not path.exists():
        return {}
    try:
        content = json.loads(path.read_text())
        return {key: {name: float(value) for name, value in row.items()} for key, row in content.items()}
    except (ValueError, AttributeError, TypeError) as error:
        raise InputError(f"{path} is damaged ({error}); remove it and the values are computed again") from error


def _number(text: str, path: Path) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise InputError(f"{path}: {text!r} is no number; expected eV") from error
