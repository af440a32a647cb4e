"""What the headline, the cards, the list and the advice of the report say; the template only lays them out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from heliosc.campaign.records import CandidateRecord
from heliosc.errors import InputError
from heliosc.handoff.drawing import structure_svg
from heliosc.handoff.labels import (
    MISSING,
    Number,
    level_label,
    limit_text,
    number,
    ordered_keys,
    symbol,
    unit,
)
from heliosc.handoff.ranking import best_of_role, best_of_run
from heliosc.properties import PropertyKey
from heliosc.report.pictures import Picture, drawing_picture
from heliosc.report.run_view import RunView
from heliosc.report.tables import ValueTable, percent, window_shares
from heliosc.report.thumbnails import thumbnail

CARDS_PER_ROLE = 6
VERDICTS = {True: ("inside its window", "good"), False: ("outside its window", "bad"), None: ("not judged", "none")}
_DRAWING = (300, 190)


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure of the headline."""

    label: str
    value: str
    note: str


@dataclass(frozen=True, slots=True)
class Card:
    """One of the best candidates: drawing, verdict, and computed beside predicted values."""

    candidate: CandidateRecord
    short_id: str
    picture: Picture | None
    verdict: tuple[str, str]
    values: ValueTable


@dataclass(frozen=True, slots=True)
class RoleBlock:
    """The best candidates of one role and what the role asks for."""

    name: str
    description: str
    criteria: str
    cards: Sequence[Card]
    n_computed: int


@dataclass(frozen=True, slots=True)
class ListCell:
    """A cell of the sortable list: what is read, and what is sorted by."""

    text: str
    sort: str
    style: str = ""


@dataclass(frozen=True, slots=True)
class ListRow:
    """One candidate of the sortable list; ``verdict`` and the role are what the list can be narrowed to."""

    role: str
    verdict: str
    structure: Markup | None
    cells: Sequence[ListCell]


def tiles(run: RunView) -> list[Tile]:
    """The four numbers at the top."""
    shares = window_shares(run)
    met, judged = (sum(share["candidates"][i] for share in shares.values()) for i in (0, 1))
    seconds = sum(record.core_seconds for record in run.history)
    wall = sum(sum(record.timing_s.values()) for record in run.history)
    return [
        Tile("Computed", f"{len(run.computed)}", f"of {len(run.candidates)} selected, {len(run.failed)} failed"),
        Tile("Inside their window", percent(met, judged), f"{met} of {judged} judged; {_library_words(shares)}"),
        Tile("Rounds", f"{len(run.history)}", f"of {run.config.campaign.rounds} finished"),
        Tile("Calculation", duration(seconds) if run.history else MISSING,
             f"CPU time; whole campaign {duration(wall)}" if run.history else "no round finished yet"),
    ]  # fmt: skip


def levels(run: RunView) -> list[str]:
    """Every level of theory that a value of this report stands on."""
    keys = ordered_keys(key for candidate in run.candidates for key in [*candidate.predicted, *candidate.computed])
    return [level_label(name) for name in dict.fromkeys(key.level for key in keys)]


def role_blocks(run: RunView) -> list[RoleBlock]:
    """The best computed candidates, role by role."""
    blocks = []
    for name in run.role_names:
        role = run.roles.get(name)
        ranked = best_of_role(run.of_role(name), role)
        blocks.append(
            RoleBlock(
                name=name,
                description=role.description if role else "",
                criteria=role_criteria(run, name),
                cards=[card(candidate, run_id=run.id) for candidate in ranked[:CARDS_PER_ROLE]],
                n_computed=len(ranked),
            )
        )
    return blocks


def role_criteria(run: RunView, name: str) -> str:
    """The windows of a role in symbols, on the scale of the computed values."""
    role = run.roles.get(name)
    if role is None:
        return "its window is not in the role file of this run"
    return " and ".join(
        f"{symbol(item.key)} {limit_text(item.window, key=item.key)} {unit(item.key)} ({item.key.level})".replace(
            " ", "\N{NO-BREAK SPACE}"
        )
        for item in role.windows
    )


def card(candidate: CandidateRecord, *, run_id: str) -> Card:
    """One best candidate; values that were never predicted are left to candidates.csv and the hand-off."""
    rows = []
    for key in ordered_keys(candidate.predicted or candidate.computed):
        prediction = candidate.predicted.get(str(key))
        rows.append(
            (
                f"{symbol(key)} {unit(key)}".strip(),
                key.level,
                str(number(key, candidate.computed.get(str(key)))),
                str(number(key, prediction.mean if prediction else None)),
                str(number(key, prediction.std if prediction else None)),
            )
        )
    return Card(
        candidate,
        candidate.id.removeprefix(f"{run_id}-"),
        draw(candidate),
        VERDICTS[candidate.meets_window],
        ValueTable(f"Values of {candidate.id}", ("Property", "Computed", "Predicted", "± std"), rows),
    )


def draw(candidate: CandidateRecord) -> Picture | None:
    """Structure drawing; None when the molecule is too large or cannot be read."""
    try:
        svg = structure_svg(candidate.smiles, width=_DRAWING[0], height=_DRAWING[1])
    except InputError:
        return None
    return drawing_picture(
        svg, alt=f"Structure of {candidate.id}: {candidate.smiles}", width=_DRAWING[0], height=_DRAWING[1]
    )


def list_keys(run: RunView) -> list[PropertyKey]:
    """Properties with columns in the list: those that the roles judge or trade off, else the first four."""
    wanted = {key for name in run.role_names if name in run.roles for key in run.roles[name].keys}
    found = ordered_keys(key for candidate in run.candidates for key in [*candidate.predicted, *candidate.computed])
    return [key for key in found if key in wanted] or found[:4]


def candidate_list(run: RunView) -> dict[str, Any]:
    """The sortable list of all candidates: its columns, its rows, and what it can be narrowed to."""
    keys = list_keys(run)
    rows = candidate_rows(run, keys)
    return {
        "list_keys": [(f"{symbol(key)} {unit(key)}".strip(), key.level) for key in keys],
        "list_rows": rows,
        "verdicts": sorted({row.verdict for row in rows}),
    }


def candidate_rows(run: RunView, keys: Sequence[PropertyKey]) -> list[ListRow]:
    """The list of all candidates: best first, then failed and pending ones."""
    ranked = best_of_run(run.candidates, run.roles)
    rest = sorted((c for c in run.candidates if not c.computed), key=lambda candidate: candidate.id)
    return [_list_row(candidate, keys, rank=rank) for rank, candidate in enumerate([*ranked, *rest], start=1)]


def verdict_of(candidate: CandidateRecord) -> tuple[str, str]:
    """What became of a candidate, in words, and the style of the words."""
    if candidate.failure is not None:
        return "calculation failed", "bad"
    return VERDICTS[candidate.meets_window] if candidate.computed else ("not computed yet", "none")


def _list_row(candidate: CandidateRecord, keys: Sequence[PropertyKey], *, rank: int) -> ListRow:
    verdict, style = verdict_of(candidate)
    drawing = thumbnail(candidate.smiles, label=f"Structure of {candidate.id}")
    alerts = ", ".join(candidate.alerts).replace("_", " ")
    cells = [
        ListCell(str(rank), str(rank), "number"),
        ListCell(candidate.id, candidate.id, "id"),
        ListCell(candidate.role, candidate.role),
        ListCell(str(candidate.round), str(candidate.round), "number"),
        ListCell(verdict, verdict, f"verdict {style}"),
    ]
    for key in keys:
        prediction = candidate.predicted.get(str(key))
        values = (
            candidate.computed.get(str(key)),
            *((prediction.mean, prediction.std) if prediction else (None, None)),
        )
        cells += [_number_cell(number(key, value)) for value in values]
    cells += [
        _number_cell(Number(candidate.sa_score_core, 1)),
        ListCell(alerts or "none", alerts),
        ListCell(candidate.source, candidate.source),
        ListCell(candidate.smiles, candidate.smiles, "smiles"),
    ]
    structure = None if drawing is None else Markup(drawing)  # noqa: S704 - path data, and a label that is escaped
    return ListRow(candidate.role, verdict, structure, cells)


def next_steps(run: RunView) -> list[str]:
    """What to do now, given how far the run has come."""
    if not run.is_finished:
        return [
            f"The campaign is not finished ({run.state.stage} of round {run.state.round}). The same command goes on "
            "where it was: heliosc run",
            "See how it stands: heliosc status --watch",
        ]
    if not run.computed:
        return [
            "No candidate was computed. Read the reasons under “Failures”, then check the programs: heliosc doctor",
            "Nothing is handed off while nothing is computed.",
        ]
    best = best_of_run(run.candidates, run.roles)[0]
    return [
        f"Give the best to the synthesis laboratory: heliosc handoff {best.id}",
        "Confirm them at a higher level (DFT) before bench time is spent: every value here is xTB, single molecule.",
        f"Search on with more rounds: heliosc run -o campaign.rounds={2 * run.config.campaign.rounds}",
        "Send measured values back with the return form of the hand-off package, failed syntheses included.",
    ]


def duration(seconds: float) -> str:
    """Seconds for people: ``48 s``, ``5.2 min``, ``3.1 h``."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def _number_cell(value: Number) -> ListCell:
    return ListCell(str(value), "" if value.value is None else f"{value.value:.6g}", "number")


def _library_words(shares: Mapping[str, Mapping[str, tuple[int, int]]]) -> str:
    met, judged = (sum(share["library"][i] for share in shares.values()) for i in (0, 1))
    return f"library {percent(met, judged)}" if judged else "library not judged yet"
