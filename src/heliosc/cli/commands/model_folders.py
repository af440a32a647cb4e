"""``heliosc models``: list, compare and promote trained surrogates; weights from and to chemprop."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from heliosc.cli.errors import messages
from heliosc.cli.options import AsJson
from heliosc.cli.output import print_json, print_table
from heliosc.errors import InputError
from heliosc.properties import PropertyKey

if TYPE_CHECKING:
    from heliosc.surrogates.versions import Comparison, ModelSummary

app = typer.Typer(no_args_is_help=True, help="List, compare and promote trained surrogates; chemprop weights.")

ModelFolder = Annotated[Path, typer.Argument(help="Model folder.")]


@app.command("list")
def list_folder(
    folder: Annotated[Path, typer.Argument(help="Folder of model folders.")] = Path("models"), as_json: AsJson = False
) -> None:
    """List the surrogates in a folder with their held-out errors; damaged and foreign folders with the reason."""
    from heliosc.surrogates.versions import ModelSummary, list_models

    entries = list_models(folder)
    usable = [entry for entry in entries if isinstance(entry, ModelSummary)]
    refused = [entry for entry in entries if not isinstance(entry, ModelSummary)]
    if as_json:
        print_json(
            {
                "models": [_record(entry) for entry in usable],
                "refused": [{"folder": str(entry.folder), "reason": entry.reason} for entry in refused],
            }
        )
        return
    if usable:
        print_table([_row(entry) for entry in usable], title=f"Surrogates in {folder}", as_json=False)
    else:
        messages.print(f"No surrogate in {folder}; make one with `heliosc train surrogate`.", markup=False)
    for entry in refused:
        messages.print(f"left out {entry.folder}: {entry.reason}", markup=False, soft_wrap=True)


@app.command()
def compare(first: ModelFolder, second: ModelFolder, as_json: AsJson = False) -> None:
    """Compare the held-out figures of two surrogates, on common test molecules where their own differ."""
    from heliosc.campaign.models import surrogate_folder
    from heliosc.surrogates.versions import compare as compare_models

    comparison = compare_models(surrogate_folder(first), surrogate_folder(second))
    if comparison.n_common is not None:
        messages.print(
            f"The test parts differ; both models were measured on the {comparison.n_common} molecules that are in both "
            "and that neither has learnt from.",
            markup=False,
            soft_wrap=True,
        )
    rows = _comparison_rows(comparison)
    print_table(rows, title=f"Held-out figures: A = {first}, B = {second}", as_json=as_json)


@app.command()
def promote(folder: ModelFolder) -> None:
    """Make a surrogate the promoted one of the folder it lies in."""
    from heliosc.surrogates.versions import promote as promote_model

    pointer = promote_model(folder)
    messages.print(
        f"Promoted {folder}. Use it as {pointer}: `heliosc predict FILE --weights {pointer}`, "
        f"or surrogate.weights: {pointer} in a configuration.",
        markup=False,
        soft_wrap=True,
    )


@app.command("import")
def import_files(
    files: Annotated[list[Path], typer.Argument(help="chemprop model files (.pt) or checkpoints (.ckpt).")],
    target: Annotated[
        list[str],
        typer.Option(metavar="COLUMN=NAME@LEVEL", help="What a target column is; for .ckpt the number of the task."),
    ],
    held_out: Annotated[Path, typer.Option(help="CSV of molecules with known values that the models never saw.")],
    out: Annotated[Path, typer.Option(help="Model folder to write.")],
    seed: Annotated[int, typer.Option(min=0, help="Of the division of the held-out molecules.")] = 0,
) -> None:
    """Turn chemprop models into a surrogate, calibrated on held-out molecules; nothing in the files is executed."""
    from heliosc.datasets.csv_source import read_property_csv
    from heliosc.surrogates.chemprop_format.importing import import_chemprop
    from heliosc.surrogates.storage import refuse_foreign_place

    refuse_foreign_place(out)
    targets = dict(map(_parse_target, target))
    known = read_property_csv(held_out)
    for row in known.quarantined:
        messages.print(f"row {row.row} set aside: {row.reason}; {row.next_step}", markup=False, soft_wrap=True)
    import_chemprop(files, targets=targets, held_out=known.table, seed=seed).save(out)
    messages.print(f"Saved in {out}; see its figures with `heliosc models list {out}`", markup=False)


@app.command("export")
def export_files(
    folder: ModelFolder,
    out: Annotated[Path, typer.Option(help="Folder for the chemprop model files.")],
    descriptors_of: Annotated[
        Path | None, typer.Option(help="CSV of molecules whose descriptors are written, for --descriptors-path.")
    ] = None,
) -> None:
    """Write the members of a surrogate as chemprop model files."""
    import numpy as np

    from heliosc.campaign.models import load_surrogate
    from heliosc.cli.commands.label import read_molecules, refuse_to_hide
    from heliosc.surrogates.chemprop_format.exporting import descriptor_table, export_chemprop

    ensemble = load_surrogate(folder, device="cpu")
    written = export_chemprop(ensemble, out)
    messages.print(f"Wrote {', '.join(map(str, written))}", markup=False, soft_wrap=True)
    if descriptors_of is not None:
        molecules, n_unreadable = read_molecules(descriptors_of)
        refuse_to_hide(n_unreadable, descriptors_of)  # chemprop matches descriptors to rows by their number
        np.savez(out / "descriptors.npz", descriptor_table(ensemble, molecules))
        messages.print(f"Wrote {out / 'descriptors.npz'}", markup=False)
    elif len(ensemble.scaling.descriptor_mean):
        messages.print(
            "This surrogate uses descriptors: write those of your molecules with --descriptors-of FILE and give them "
            "to `chemprop predict --descriptors-path`.",
            soft_wrap=True,
        )


def _parse_target(text: str) -> tuple[str, PropertyKey]:
    column, separator, key = text.partition("=")
    if not separator or not column.strip():
        raise InputError(f"target {text!r}: expected COLUMN=NAME@LEVEL, e.g. HOMO=homo_energy@b3lyp/def2-svp")
    return column.strip(), PropertyKey.parse(key.strip())


def _row(model: ModelSummary) -> dict[str, Any]:
    is_inner = model.kind == "delta" and model.folder.name == "delta"
    name = f"{model.folder.parent.name}/delta" if is_inner else model.folder.name
    errors = "\n".join(f"{name}  {figures['mae']:.3f}" for name, figures in model.metrics.items())
    return {
        "model": name + (" (promoted)" if model.is_promoted else ""),
        "kind": model.kind,
        "id": model.model_id,
        "written": model.written,
        "code": model.code,
        "n_train": model.n_train,
        "held-out MAE": errors,
        "data": model.data_hash,
        "MB": f"{model.n_bytes / 1e6:.1f}",
    }


def _record(model: ModelSummary) -> dict[str, Any]:
    return {
        "folder": str(model.folder),
        "kind": model.kind,
        "model_id": model.model_id,
        "written": model.written,
        "code": model.code,
        "keys": [str(key) for key in model.keys],
        "n_train": model.n_train,
        "test": model.metrics,
        "data_hash": model.data_hash,
        "bytes": model.n_bytes,
        "promoted": model.is_promoted,
    }


def _comparison_rows(comparison: Comparison) -> list[dict[str, Any]]:
    rows = []
    for name, a in comparison.first.items():
        b = comparison.second.get(name)
        if b is None:
            continue
        row: dict[str, Any] = {"property": name, "n": int(a["n"] or 0)}
        for metric, title in (("mae", "MAE"), ("rmse", "RMSE"), ("crps", "CRPS"), ("coverage_90", "in 90 %")):
            row |= {f"{title} A": a[metric], f"{title} B": b[metric]}
        row["lower MAE"] = "equal" if a["mae"] == b["mae"] else "A" if (a["mae"] or 0) < (b["mae"] or 0) else "B"
        rows.append(row)
    return rows
