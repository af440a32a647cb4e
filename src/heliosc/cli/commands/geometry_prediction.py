"""``heliosc predict`` with a three-dimensional model: every molecule is optimised first, and stays so on disk."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from heliosc.cli.commands.table_prediction import as_table, deliver, tell_refused
from heliosc.cli.errors import messages
from heliosc.datasets.csv_source import CsvImport, read_property_csv
from heliosc.errors import InputError
from heliosc.surrogates.screening.rows import Refusal
from heliosc.surrogates.screening.tables import check_output

if TYPE_CHECKING:
    from heliosc.surrogates.schnet import MissingGeometry


def predict_from_geometries(file: Path, weights: Path, *, out: Path | None, device: str, as_json: bool) -> None:
    """Predict the molecules of a CSV at GFN2-xTB geometries, kept in OUT.geometries (or beside the file).

    Raises
    ------
    InputError : the file or the model is unusable, or no row can be predicted
    PartialResultError : some rows could not be predicted; all others are written
    """
    from heliosc.campaign.geometry_training import fill_cache, geometry_cache  # loads torch
    from heliosc.config import Config
    from heliosc.surrogates.schnet import SchNetEnsemble

    if out is not None:
        check_output(out)
    imported = read_property_csv(file)
    smiles = imported.table.smiles
    cache = geometry_cache(out or file, Config())
    model = SchNetEnsemble.load(weights, device=device, geometries=cache)
    fill_cache(cache, smiles, states=model.config.states, progress=lambda n: tell_geometries(n, len(smiles)))
    predictions, missing = model.predict_available(smiles)
    refused = sorted(_refusals(imported, missing), key=lambda refusal: refusal.row)
    tell_refused(refused)
    if not predictions.smiles:
        raise InputError(f"{file} has no molecule with a {model.geometry_level} geometry; each with its reason above")
    row_of = dict(zip(smiles, imported.rows, strict=True))
    table = as_table(predictions, [row_of[text] for text in predictions.smiles])
    deliver(table, refused, file=file, out=out, as_json=as_json)


def tell_geometries(n_done: int, n_all: int) -> None:
    """Say now and then how many geometries are there."""
    if n_done == n_all or n_done % 80 == 0:
        messages.print(f"geometries: {n_done}/{n_all}", markup=False)


def _refusals(imported: CsvImport, missing: tuple[MissingGeometry, ...]) -> Iterator[Refusal]:
    for bad in imported.quarantined:
        yield Refusal(bad.row, bad.text, bad.reason)
    row_of = dict(zip(imported.table.smiles, imported.rows, strict=True))
    for entry in missing:
        yield Refusal(row_of[entry.smiles], entry.smiles, entry.reason)
