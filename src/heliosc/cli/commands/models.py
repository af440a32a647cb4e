"""``heliosc predict`` and ``heliosc generate``: the shipped or your own models, used alone."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer

from heliosc.cli.commands.generation import GenerationRequest, Wishes, generated, with_stereoisomers
from heliosc.cli.commands.screening import ScreeningRequest, screen_file
from heliosc.cli.errors import messages
from heliosc.cli.options import AsJson
from heliosc.cli.output import print_json
from heliosc.files import write_atomically

Weights = Annotated[Path | None, typer.Option(help="Model folder; none = the shipped weights.")]
Out = Annotated[Path | None, typer.Option("--out", help="CSV to write; none = stdout.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda[:N] or rocm[:N].")]


def predict(
    file: Annotated[Path, typer.Argument(help="SMILES list, CSV (.gz too) or Parquet of any size.")],
    out: Annotated[
        Path | None, typer.Option("--out", help="CSV or Parquet to write; none = stdout. The same command resumes.")
    ] = None,
    column: Annotated[str | None, typer.Option(help="SMILES column; none = the one that is called so.")] = None,
    top: Annotated[int | None, typer.Option(min=1, help="Keep only so many, the best by --by.")] = None,
    by: Annotated[
        str | None, typer.Option(metavar="NAME@LEVEL=min|max|NUMBER", help="What is best; a number = nearest to it.")
    ] = None,
    weights: Weights = None,
    device: Device = "auto",
    precision: Annotated[str, typer.Option(help="f32, or bf16: faster where the CPU has it, some meV off.")] = "f32",
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; none = one a core.")] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Forget what an interrupted run has finished.")] = False,
    as_json: AsJson = False,
) -> None:
    """Predict the properties of molecules with calibrated uncertainty, from files of any size."""
    request = ScreeningRequest(
        file=file, column=column, top=top, by=by, weights=weights, device=device, precision=precision, workers=workers
    )
    screen_file(request, out=out, fresh=fresh, as_json=as_json)


def generate(
    n: Annotated[int, typer.Option("-n", min=1, help="How many molecules to decode; steps of --between.")] = 100,
    condition: Annotated[
        list[str] | None,
        typer.Option("--condition", metavar="NAME@LEVEL=VALUE", help="Ask for a property value, or LOW..HIGH."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**63 - 1)] = 0,
    temperature: Annotated[
        float | None, typer.Option(min=0.0, help="How freely to choose, 0 = likeliest; none = 1, near a molecule 0.")
    ] = None,
    attachment_temperature: Annotated[
        float | None, typer.Option(min=0.0, help="How freely to choose where words go; none = as freely as words.")
    ] = None,
    top_k: Annotated[int, typer.Option(min=0, help="Choose among so many of the likeliest; 0 = all.")] = 0,
    beam: Annotated[
        int, typer.Option(min=1, max=64, help="Search the likeliest molecule with so many side by side; 1 = none.")
    ] = 1,
    per_latent: Annotated[int, typer.Option(min=1, help="Molecules decoded from each latent vector.")] = 1,
    core: Annotated[str | None, typer.Option(metavar="SMILES", help="Grow every molecule on this one.")] = None,
    near: Annotated[
        list[str] | None, typer.Option("--near", metavar="SMILES", help="Neighbours of this molecule; repeatable.")
    ] = None,
    radius: Annotated[float | None, typer.Option(min=0.0, help="How far from --near; none = 0.7.")] = None,
    between: Annotated[
        tuple[str, str] | None, typer.Option(metavar="SMILES SMILES", help="Molecules on the way between two.")
    ] = None,
    stereo: Annotated[bool, typer.Option("--stereo", help="Write the stereoisomers of each molecule.")] = False,
    out: Out = None,
    weights: Weights = None,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Sample molecules from the JT-VAE: freely, with property values asked for, on a core, near or between others."""
    request = GenerationRequest(
        n=n, wishes=Wishes.of(condition or []), seed=seed, temperature=temperature,
        attachment_temperature=attachment_temperature, top_k=top_k, beam=beam, per_latent=per_latent, core=core,
        near=near or [], radius=radius, between=between, weights=weights, device=device,
    )  # fmt: skip
    rows = generated(request)
    _write(with_stereoisomers(rows) if stereo else rows, out=out, as_json=as_json)


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
