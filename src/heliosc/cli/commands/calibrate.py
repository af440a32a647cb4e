"""``heliosc qc calibrate``: fit a map from GFN2-xTB and IPEA1-xTB to measured ionisation energies or affinities."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from heliosc.cli.errors import messages
from heliosc.cli.options import AsJson
from heliosc.cli.output import print_json, print_table
from heliosc.errors import PartialResultError

if TYPE_CHECKING:
    from heliosc.qc.calibration import Calibration


def calibrate(
    table: Annotated[Path, typer.Argument(help="CSV file with a SMILES column and a column of measured values in eV.")],
    property_name: Annotated[
        str,
        typer.Option(
            "--property", help="adiabatic_ or vertical_, ionization_energy or electron_affinity: what was measured."
        ),
    ],
    column: Annotated[str, typer.Option(help="Column of measured values; EA positive for a bound anion.")],
    out: Annotated[Path, typer.Option(help="JSON file of the calibration.")],
    name: Annotated[str, typer.Option(help="Where it leads: gas, cv, film, or any short name.")] = "gas",
    version: Annotated[int, typer.Option(min=1, max=9999, help="Raise it with every new fit of the same name.")] = 1,
    smiles_column: Annotated[str, typer.Option(help="Column of SMILES.")] = "smiles",
    class_column: Annotated[str | None, typer.Option(help="Column of classes that get their own errors.")] = None,
    as_json: AsJson = False,
) -> None:
    """Fit a calibration and say how wrong it is. The same command again goes on where it was."""
    from heliosc.qc.calibration import fit_calibration, write_calibration
    from heliosc.qc.calibration.features import input_menu
    from heliosc.qc.calibration.tables import measured_samples, read_measured

    rows = read_measured(table, column=column, smiles_column=smiles_column, class_column=class_column)
    samples, failures = measured_samples(
        rows, property_name=property_name, remembered=out.with_suffix(".features.json"), progress=messages.print
    )
    calibration = fit_calibration(
        samples,
        property_name=property_name,
        name=name,
        version=version,
        menu=input_menu(property_name),
        reference=f"{column} of {table.name}",
    )
    write_calibration(calibration, out)
    _show(calibration, as_json=as_json)
    messages.print(f"written to {out}")
    if failures:
        reasons = "; ".join(f"{smiles}: {reason}" for smiles, reason in list(failures.items())[:3])
        raise PartialResultError(f"{len(failures)} of {len(rows)} molecules were left out: {reasons}")


def _show(calibration: Calibration, *, as_json: bool) -> None:
    rows: list[dict[str, Any]] = [{"class": "all", **asdict(calibration.figures)}]
    rows += [{"class": kind, **asdict(figures)} for kind, figures in calibration.by_class.items() if kind != "all"]
    if as_json:
        print_json({"level": str(calibration.key), "inputs": list(calibration.inputs), "errors_eV": rows})
        return
    print_table(rows, title=f"{calibration.key}: errors in eV; inputs {', '.join(calibration.inputs)}", as_json=False)
