"""What ``heliosc predict`` does: a file through the models, as a stream, and the account of every row."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from rich.progress import BarColumn, SpinnerColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from heliosc.campaign.models import surrogate_folder
from heliosc.cli.commands.delta_prediction import predict_from_cheap
from heliosc.cli.commands.geometry_prediction import predict_from_geometries
from heliosc.cli.errors import messages
from heliosc.cli.output import print_json
from heliosc.datasets.molecule_stream import MoleculeStream
from heliosc.errors import InputError, PartialResultError, UsageError
from heliosc.selection.constraints import Constraints
from heliosc.surrogates.model_kind import model_kind
from heliosc.surrogates.screening import (
    Domain,
    Progress,
    Ranking,
    ScreeningSettings,
    ScreeningSummary,
    screen,
    write_quarantine,
    write_table,
)
from heliosc.surrogates.screening.tables import check_output, rounded, write_csv

_N_SHOWN = 20
_REPORT_S = 30.0


@dataclass(frozen=True, slots=True)
class ScreeningRequest:
    """The options of ``heliosc predict``."""

    file: Path
    column: str | None = None
    top: int | None = None
    by: str | None = None
    weights: Path | None = None
    device: str = "auto"
    precision: str = "f32"
    workers: int | None = None


def screen_file(request: ScreeningRequest, *, out: Path | None, fresh: bool, as_json: bool) -> None:
    """Predict a file and write the results, or print them.

    Raises
    ------
    UsageError : --top without --by or the reverse
    InputError : the file, the model or the output name is unusable, or no row could be predicted
    PartialResultError : some rows could not be predicted; all others are written
    """
    weights = surrogate_folder(request.weights)
    predict_table = _table_predictor(weights)
    if predict_table is not None:
        _refuse_screening_options(request)
        predict_table(request.file, weights, out=out, device=request.device, as_json=as_json)
        return
    stream = MoleculeStream(request.file, column=request.column)
    settings = _settings(request)
    if out is not None:
        check_output(out)
    with _parts_folder(out) as parts, _progress(stream) as progress:
        summary = screen(stream, settings=settings, parts=parts, fresh=fresh, progress=progress)
        _report(summary, request.file, out)
        _write(summary, out, as_json=as_json)
        summary.parts.remove()
    if summary.n_refused:
        where = f"reasons in {quarantine_file(out)}" if out is not None else "each with its reason above"
        raise PartialResultError(f"{summary.n_refused} of {summary.n_rows} rows of {request.file} left out, {where}")


class _TablePredictor(Protocol):
    """Predicts a CSV of ``NAME@LEVEL`` columns in one go."""

    def __call__(self, file: Path, weights: Path, *, out: Path | None, device: str, as_json: bool) -> None: ...


def _table_predictor(weights: Path) -> _TablePredictor | None:
    """What predicts with a model that needs more than the structure; None for those that need no more."""
    return {"delta": predict_from_cheap, "schnet": predict_from_geometries}.get(model_kind(weights))


def _refuse_screening_options(request: ScreeningRequest) -> None:
    """Options that would change nothing must not seem to have worked."""
    given = {
        "--top": request.top is not None,
        "--by": request.by is not None,
        "--column": request.column is not None,
        "--precision": request.precision != "f32",
    }
    useless = ", ".join(name for name, is_given in given.items() if is_given)
    if useless:
        raise UsageError(
            f"{useless}: for models that need the structure alone. This one reads a CSV with a column smiles, "
            "predicts in f32, and its output is sorted by other means"
        )


def quarantine_file(out: Path) -> Path:
    """Where the rows without a prediction are listed."""
    return out.with_name(f"{out.stem}.quarantine.csv")


def _settings(request: ScreeningRequest) -> ScreeningSettings:
    if (request.top is None) != (request.by is None):
        raise UsageError("--top and --by belong together, e.g. --top 100 --by lambda_hole@gfn2=min")
    ranking = None
    if request.top is not None and request.by is not None:
        ranking = Ranking.parse(request.by, n_best=request.top)
    return ScreeningSettings(
        model=surrogate_folder(request.weights),
        device=request.device,
        precision=request.precision,
        n_workers=request.workers or len(os.sched_getaffinity(0)),
        domain=Domain(Constraints().allowed_elements),
        ranking=ranking,
    )


@contextmanager
def _parts_folder(out: Path | None) -> Iterator[Path]:
    if out is not None:
        yield out.with_name(f"{out.name}.parts")
        return
    with tempfile.TemporaryDirectory(prefix="heliosc-predict-") as folder:
        yield Path(folder) / "parts"


def _report(summary: ScreeningSummary, file: Path, out: Path | None) -> None:
    """Name the first rows that were left out; the quarantine file has all."""
    if not summary.n_rows:
        raise InputError(f"{file} has no rows; expected one molecule a row below the header")
    first = None
    for number, refusal in enumerate(summary.refusals()):
        first = first or refusal
        if number == _N_SHOWN and out is not None:
            messages.print(f"... and {summary.n_refused - _N_SHOWN} more", markup=False)
            break
        text = f"row {refusal.row} left out: {refusal.smiles[:80]!r} {refusal.reason}"
        messages.print(text, markup=False, soft_wrap=True)
    if not summary.n_predicted and first is not None:
        raise InputError(
            f"{file} has no readable molecule that the models are for; row {first.row}, "
            f"{first.smiles[:80]!r}: {first.reason}"
        )


def _write(summary: ScreeningSummary, out: Path | None, *, as_json: bool) -> None:
    if out is not None:
        write_table(summary.tables(), out)
        write_quarantine(summary.refusals(), quarantine_file(out))
        kept = "" if summary.ranking is None else f", the best {summary.ranking.n_best} kept"
        messages.print(f"{summary.n_predicted} of {summary.n_rows} rows predicted{kept}; wrote {out}", markup=False)
    if as_json:
        print_json(
            {"rows": summary.n_rows, "predicted": summary.n_predicted, "left_out": summary.n_refused, "out": str(out)}
            if out is not None
            else [row for table in summary.tables() for row in rounded(table).to_pylist()]
        )
    elif out is None:
        sys.stdout.flush()
        write_csv(summary.tables(), sys.stdout.buffer)


@contextmanager
def _progress(stream: MoleculeStream) -> Iterator[Callable[[Progress], None]]:
    """Rows, rate and time left: a bar on a terminal, else a line every half minute."""
    began = last = time.monotonic()
    columns = (
        SpinnerColumn(),
        TextColumn("[bold]predicting"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[rows]}"),
        TimeRemainingColumn(),
    )
    with Bars(*columns, console=messages, disable=not messages.is_terminal, transient=True) as bars:
        task = bars.add_task("", total=1.0, rows="")

        def show(now: Progress) -> None:
            nonlocal last
            # of what was read, some is still with the workers
            done = stream.fraction_read * now.n_done / max(now.n_read, 1)
            elapsed = time.monotonic() - began
            rows = f"{now.n_done:,} rows, {(now.n_done - now.n_resumed) / max(elapsed, 1e-9):,.0f} a second"
            bars.update(task, completed=done, rows=rows)
            if not messages.is_terminal and time.monotonic() - last > _REPORT_S:
                last = time.monotonic()
                left = elapsed * (1 - done) / done if done else 0.0
                messages.print(f"{rows}, {100 * done:.0f} %, {left / 60:.0f} min left", markup=False)

        yield show
