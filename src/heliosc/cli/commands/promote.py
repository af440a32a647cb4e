"""``heliosc promote``: every criterion of every candidate, with its numbers and its verdict."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from heliosc.cli.errors import messages
from heliosc.cli.options import AsJson
from heliosc.cli.output import print_json, results

if TYPE_CHECKING:
    from heliosc.handoff.promotion.criteria import Criteria
    from heliosc.handoff.promotion.ledger import GateEntry, GateLedger

EXIT_NONE_PROMOTED = 6
_STYLES = {"pass": "green", "warn": "yellow", "fail": "red", "not evaluated": "dim"}
_DECISIONS = {"promoted": "bold green", "held": "bold yellow", "rejected": "bold red"}


def promote(
    source: Annotated[
        str | None,
        typer.Argument(metavar="[RUN|FILE]", help="Run (id or folder) or CSV file; none = newest run."),
    ] = None,
    criteria: Annotated[
        Path | None, typer.Option(help="YAML that replaces or adds criteria; see the documentation.")
    ] = None,
    role: Annotated[str | None, typer.Option(help="Role of the rows of a file that name none.")] = None,
    candidate: Annotated[list[str] | None, typer.Option("--id", help="Only these candidates.")] = None,
    runs: Annotated[Path, typer.Option("--runs", help="Folder that holds the runs.")] = Path("runs"),
    as_json: AsJson = False,
) -> None:
    """Say of each candidate whether it may go to the laboratory, and why.

    Ends with 0 when at least one candidate is promoted, with 6 when all were judged and none is.
    """
    from heliosc.handoff.promotion.criteria import load_criteria
    from heliosc.handoff.promotion.ledger import Decision

    ledgers = _ledgers(source, load_criteria(criteria), role=role, ids=candidate, runs=runs)
    if as_json:
        print_json([ledger.to_document() for ledger in ledgers])
    else:
        for ledger in ledgers:
            results.print(_table(ledger))
        messages.print(_summary(ledgers))
    if not any(ledger.decision is Decision.PROMOTED for ledger in ledgers):
        raise typer.Exit(EXIT_NONE_PROMOTED)


def _ledgers(
    source: str | None, criteria: Criteria, *, role: str | None, ids: list[str] | None, runs: Path
) -> list[GateLedger]:
    from heliosc.errors import InputError
    from heliosc.handoff.promotion.files import file_ledgers

    if source is not None and Path(source).is_file():
        ledgers = file_ledgers(Path(source), role=role, criteria=criteria)
    else:
        ledgers = ledgers_of_run(source, criteria, ids=ids, runs=runs)
    unknown = sorted(set(ids or ()) - {ledger.candidate_id for ledger in ledgers})
    if unknown:
        raise InputError(f"no candidate {unknown[0]!r} in {source or runs}; candidates.csv lists them")
    return [ledger for ledger in ledgers if not ids or ledger.candidate_id in ids]


def ledgers_of_run(source: str | None, criteria: Criteria, *, ids: list[str] | None, runs: Path) -> list[GateLedger]:
    """The computed candidates of a run, by id or folder, best first.

    Raises
    ------
    InputError : no such run, or nothing is computed yet
    """
    from heliosc.campaign.optical import read_optical_keys, with_optical
    from heliosc.campaign.promotions import better_values, with_better_values
    from heliosc.campaign.records import read_candidates
    from heliosc.campaign.run_folder import RunFolder, find_run
    from heliosc.errors import InputError
    from heliosc.execution import QCResultStore
    from heliosc.handoff.judging import measured_evidence
    from heliosc.handoff.promotion.runs import run_ledgers
    from heliosc.handoff.ranking import best_of_run
    from heliosc.selection.roles import load_roles

    is_folder = source is not None and (Path(source) / "config.yaml").is_file()
    folder = RunFolder(Path(source)) if is_folder and source is not None else find_run(runs, source)
    roles = load_roles(folder.read_config().selection.role_file)
    ranked = best_of_run(read_candidates(folder.path), roles)
    chosen = [record for record in ranked if not ids or record.id in ids]
    if not ranked:
        raise InputError(f"{folder.path} has no computed candidate to judge; run more rounds: heliosc run")
    optical, better = read_optical_keys(folder.path), better_values(folder.path)
    with QCResultStore(folder.store_location()) as store:
        stored = store.results([record.calculation_key for record in chosen])
        judged = {
            record.calculation_key: with_optical(
                with_better_values(stored[record.calculation_key], better.get(record.id)), store, optical.get(record.id)
            )
            for record in chosen
            if record.calculation_key in stored
        }
    messages.print(f"Judging {len(judged)} candidates of {folder.id}; their levels on the CV scale are kept there ...")
    ledgers = run_ledgers(
        folder.path, chosen, results=judged, roles=roles, criteria=criteria, measured=measured_evidence(folder.path)
    )
    return list(ledgers.values())


def _table(ledger: GateLedger) -> Table:
    decision = ledger.decision.value
    label = f" · {ledger.label}" if ledger.label else ""
    title = f"{escape(ledger.candidate_id)} as {escape(ledger.role)}: [{_DECISIONS[decision]}]{decision}[/]{label}"
    table = Table(title=title, title_justify="left", caption="\n".join(map(escape, ledger.notes)) or None)
    for column in ("criterion", "value", "limit", "margin", "P inside", "verdict", "level", "note"):
        table.add_column(column, overflow="fold")
    for entry in ledger.entries:
        table.add_row(*_cells(entry))
    return table


def _cells(entry: GateEntry) -> list[str]:
    value = "-" if entry.value is None else f"{entry.value:.2f}"
    if entry.std is not None:
        value += f" ± {entry.std:.2f}"
    verdict = f"[{_STYLES[entry.verdict.value]}]{entry.verdict.value}[/]"
    grade = f" ({entry.grade})" if entry.grade else ""
    shown = "" if entry.decides else " (shown only)"
    return [
        escape(entry.criterion) + shown,
        value,
        escape(entry.limit),
        "-" if entry.margin is None else f"{entry.margin:+.2f}",
        "-" if entry.probability is None else f"{entry.probability:.2f}",
        verdict + escape(grade),
        escape(f"{entry.level or '-'}{f' ({entry.kind})' if entry.kind else ''}"),
        escape(entry.note),
    ]


def _summary(ledgers: list[GateLedger]) -> str:
    counts = {name: sum(ledger.decision.value == name for ledger in ledgers) for name in _DECISIONS}
    n_drafts = sum(bool(ledger.label) for ledger in ledgers if ledger.decision.value == "promoted")
    words = ", ".join(f"{n} {name}" for name, n in counts.items())
    return f"{len(ledgers)} candidates: {words}" + (f"; {n_drafts} promoted as draft, xTB level" if n_drafts else "")
