"""``heliosc predict`` and ``heliosc generate``: the shipped or your own models, used alone."""

from __future__ import annotations

import csv
import io
import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer

from heliosc.campaign.models import load_generator, load_surrogate
from heliosc.chemistry.descriptors import elements
from heliosc.chemistry.identity import parse_smiles
from heliosc.cli.commands.label import read_molecules, refuse_to_hide
from heliosc.cli.errors import messages
from heliosc.cli.options import AsJson
from heliosc.cli.output import print_json
from heliosc.errors import InputError
from heliosc.files import write_atomically
from heliosc.properties import PredictionTable, PropertyKey
from heliosc.qc.geometry import check_molecule
from heliosc.selection.constraints import Constraints

Weights = Annotated[Path | None, typer.Option(help="Model folder; none = the shipped weights.")]
Out = Annotated[Path | None, typer.Option("--out", help="CSV to write; none = stdout.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")]


def predict(
    file: Annotated[Path, typer.Argument(help="CSV with a SMILES column, or a list of SMILES.")],
    out: Out = None,
    weights: Weights = None,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Predict the properties of molecules with calibrated uncertainty."""
    readable, n_unreadable = read_molecules(file)
    molecules = [smiles for smiles in readable if _is_predictable(smiles)]
    if not molecules:
        raise InputError(f"{file} has no molecule that the models are for; the reasons are above")
    n_unreadable += len(readable) - len(molecules)
    rows = prediction_rows(load_surrogate(weights, device=device).predict(molecules))
    _write(rows, out=out, as_json=as_json)
    refuse_to_hide(n_unreadable, file)


def generate(
    n: Annotated[int, typer.Option("-n", min=1, help="How many molecules.")] = 100,
    condition: Annotated[
        list[str] | None, typer.Option("--condition", metavar="NAME@LEVEL=VALUE", help="Ask for a property value.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    temperature: Annotated[float, typer.Option(min=0.01)] = 1.0,
    out: Out = None,
    weights: Weights = None,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Sample molecules from the JT-VAE, with property values asked for or without."""
    conditions = dict(map(_parse_condition, condition or ())) or None
    generator = load_generator(weights, device=device)
    molecules = generator.generate(n, seed=seed, conditions=conditions, temperature=temperature)
    _write([{"smiles": smiles} for smiles in molecules], out=out, as_json=as_json)


def prediction_rows(predictions: PredictionTable) -> list[dict[str, Any]]:
    """One flat record a molecule: mean and total std of each property."""
    rows = []
    for index, smiles in enumerate(predictions.smiles):
        row: dict[str, Any] = {"smiles": smiles}
        for column, key in enumerate(predictions.keys):
            row[f"{key} mean"] = round(float(predictions.mean[index, column]), 5)
            row[f"{key} std"] = round(float(predictions.std[index, column]), 5)
        rows.append(row)
    return rows


def _is_predictable(smiles: str) -> bool:
    """Whether the shipped labels could hold such a molecule: neutral, closed shell, one piece, known elements."""
    molecule = parse_smiles(smiles)
    try:
        check_molecule(molecule)
    except InputError as error:
        messages.print(f"left out: {error}", markup=False, soft_wrap=True)
        return False
    foreign = elements(molecule) - Constraints().allowed_elements
    if foreign:
        messages.print(
            f"left out: {smiles!r} has {', '.join(sorted(foreign))}, which the models never saw", markup=False
        )
    return not foreign


def _parse_condition(text: str) -> tuple[PropertyKey, float]:
    name, _, value = text.rpartition("=")
    try:
        number = float(value)
        if not math.isfinite(number):
            raise ValueError(value)
        return PropertyKey.parse(name), number
    except ValueError as error:
        raise InputError(f"condition {text!r}: expected NAME@LEVEL=NUMBER, e.g. lambda_hole@gfn2=0.1") from error


def _write(rows: list[dict[str, Any]], *, out: Path | None, as_json: bool) -> None:
    if as_json:
        print_json(rows)
        return
    if not rows:
        messages.print("Nothing to write: no molecule was readable.")
        return
    with _destination(out) as stream:
        writer = csv.DictWriter(stream, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


@contextmanager
def _destination(out: Path | None) -> Iterator[TextIO]:
    if out is None:
        yield sys.stdout
        return
    text = io.StringIO()
    yield text
    write_atomically(out, text.getvalue())
    messages.print(f"Wrote {out}")
