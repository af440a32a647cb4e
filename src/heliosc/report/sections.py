"""What each section of the report says, as plain tables and texts; the template only lays them out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from heliosc.campaign.records import CandidateRecord
from heliosc.errors import InputError
from heliosc.handoff.drawing import structure_svg
from heliosc.handoff.gates import limit_text
from heliosc.handoff.labels import (
    MISSING,
    Number,
    format_number,
    level_label,
    number,
    ordered_keys,
    symbol,
    unit,
    words,
)
from heliosc.handoff.ranking import best_of_role, best_of_run
from heliosc.properties import PropertyKey
from heliosc.report.pictures import Picture, drawing_picture
from heliosc.report.run_view import RunView
from heliosc.report.statistics import wilson_interval

CARDS_PER_ROLE = 6
FUNNEL_ORDER = ("sampled", "valid", "unique", "novel", "constraints", "selected", "computed", "failed")
TIMING_ORDER = ("generate", "predict and select", "compute", "learn")
VERDICTS = {True: ("inside its window", "good"), False: ("outside its window", "bad"), None: ("not judged", "none")}
_DRAWING = (300, 190)
_METRIC_NAMES = {name.lower(): name for name in ("MAE", "RMSE", "NLL", "CRPS", "ENCE")} | {"r2": "R²"}


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure of the headline."""

    label: str
    value: str
    note: str


@dataclass(frozen=True, slots=True)
class ValueTable:
    """A table for the page: header cells, rows of texts; ``numeric`` columns are set to the right."""

    caption: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]

    @property
    def numeric(self) -> list[bool]:
        """Columns in which every cell is a number or missing, the first column excepted."""
        return [i > 0 and all(_is_number(row[i]) for row in self.rows) for i in range(len(self.header))]


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


def tiles(run: RunView) -> list[Tile]:
    """The four numbers at the top."""
    shares = window_shares(run)
    met, judged = (sum(share["candidates"][i] for share in shares.values()) for i in (0, 1))
    seconds = sum(record.core_seconds for record in run.history)
    wall = sum(sum(record.timing_s.values()) for record in run.history)
    return [
        Tile("Computed", f"{len(run.computed)}", f"of {len(run.candidates)} selected, {len(run.failed)} failed"),
        Tile("Inside their window", _percent(met, judged), f"{met} of {judged} judged; {_library_words(shares)}"),
        Tile("Rounds", f"{len(run.history)}", f"of {run.config.campaign.rounds} finished"),
        Tile("Calculation", duration(seconds) if run.history else MISSING,
             f"CPU time; whole campaign {duration(wall)}" if run.history else "no round finished yet"),
    ]  # fmt: skip


def levels(run: RunView) -> list[str]:
    """Every level of theory that a value of this report stands on."""
    keys = ordered_keys(key for candidate in run.candidates for key in [*candidate.predicted, *candidate.computed])
    return [level_label(name) for name in dict.fromkeys(key.level for key in keys)]


def window_shares(run: RunView) -> dict[str, dict[str, tuple[int, int]]]:
    """Role -> group -> (met, judged): candidates counted from their records, the library from the last round."""
    library = run.history[-1].window_share if run.history else {}
    shares = {}
    for role in run.role_names:
        verdicts = [candidate.meets_window for candidate in run.of_role(role) if candidate.meets_window is not None]
        n_met, n_judged = library.get(role, {}).get("library", (0, 0))
        shares[role] = {"candidates": (sum(verdicts), len(verdicts)), "library": (int(n_met), int(n_judged))}
    return shares


def share_table(run: RunView) -> ValueTable:
    """Shares with their 95 % binomial intervals."""
    rows = []
    for role, groups in window_shares(run).items():
        for group, title in (("candidates", "candidates"), ("library", "library molecules")):
            met, judged = groups[group]
            low, high = wilson_interval(met, judged)
            interval = f"{100 * low:.0f} to {100 * high:.0f} %" if judged else MISSING
            rows.append((role, title, str(met) if judged else MISSING, str(judged) if judged else MISSING,
                         _percent(met, judged), interval))  # fmt: skip
    return ValueTable(
        "Share that meets the window of its role, computed the same way",
        ("Role", "Molecules", "Met", "Judged", "Share", "95 % interval (Wilson)"),
        rows,
    )


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
    """One best candidate."""
    rows = []
    for key in ordered_keys([*candidate.predicted, *candidate.computed]):
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


def candidate_rows(run: RunView, keys: Sequence[PropertyKey]) -> list[list[ListCell]]:
    """The list of all candidates: best first, then failed and pending ones."""
    ranked = best_of_run(run.candidates, run.roles)
    rest = sorted((c for c in run.candidates if not c.computed), key=lambda candidate: candidate.id)
    return [_list_row(candidate, keys, rank=rank) for rank, candidate in enumerate([*ranked, *rest], start=1)]


def _list_row(candidate: CandidateRecord, keys: Sequence[PropertyKey], *, rank: int) -> list[ListCell]:
    if candidate.failure is not None:
        verdict, style = "calculation failed", "bad"
    elif not candidate.computed:
        verdict, style = "not computed yet", "none"
    else:
        verdict, style = VERDICTS[candidate.meets_window]
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
        ListCell(", ".join(candidate.alerts) or "none", ", ".join(candidate.alerts)),
        ListCell(candidate.source, candidate.source),
        ListCell(candidate.smiles, candidate.smiles, "smiles"),
    ]
    return cells


def funnel_table(run: RunView) -> ValueTable:
    """Stage by stage, round by round, and in total."""
    totals = funnel_total(run)
    header = ("Stage", *(f"Round {record.round}" for record in run.history), "Total")
    rows = [
        (stage, *(_count(record.funnel.get(stage)) for record in run.history), _count(total))
        for stage, total in totals.items()
    ]
    return ValueTable("Molecules that reached each stage", header, rows)


def funnel_total(run: RunView) -> dict[str, int]:
    """Counts of all finished rounds, in the order in which a molecule meets the stages."""
    total: Counter[str] = Counter()
    for record in run.history:
        total.update(record.funnel)
    return {stage: total[stage] for stage in _in_order(total, FUNNEL_ORDER)}


def rejection_table(run: RunView) -> ValueTable:
    """Why constraints removed proposals, most frequent first."""
    total: Counter[str] = Counter()
    for record in run.history:
        total.update(record.rejected)
    rows = [(reason, f"{count:,}") for reason, count in total.most_common()]
    return ValueTable("Proposals removed by constraints", ("Reason", "Molecules"), rows)


def failure_table(run: RunView) -> ValueTable:
    """Every failed calculation with its reason."""
    rows = [
        (c.id, c.failure.get("error_class", MISSING), c.failure.get("reason", MISSING), c.smiles)
        for c in run.failed
        if c.failure is not None
    ]
    return ValueTable("Calculations that failed", ("Candidate", "Class", "Reason", "SMILES"), rows)


def surrogate_table(run: RunView) -> ValueTable:
    """Error of each round's predictions against the values computed afterwards: a row a property, two columns a round."""
    keys = ordered_keys(name for record in run.history for name in record.surrogate_error)
    header = ["Property", "Unit"]
    for record in run.history:
        header += [f"MAE, round {record.round}", "in 95 % / %", "n"]
    rows = []
    for key in keys:
        row = [f"{symbol(key)} ({key.level})", unit(key)]
        for record in run.history:
            error = record.surrogate_error.get(str(key), {})
            coverage = error.get("coverage95")
            row += [
                str(number(key, error.get("mae"))),
                format_number(None if coverage is None else 100 * coverage, decimals=0),
                _count(error.get("n")),
            ]
        rows.append(row)
    return ValueTable("Predictions made before the calculation against the values that came out", header, rows)


def timing_stages(run: RunView) -> list[str]:
    """Stages that took time, in the order of a round."""
    return _in_order({stage for record in run.history for stage in record.timing_s}, TIMING_ORDER)


def cost_table(run: RunView) -> ValueTable:
    """Wall seconds a stage, and CPU seconds of the calculations."""
    stages = timing_stages(run)
    rows = []
    for record in run.history:
        n_done = record.funnel.get("computed", 0) + record.funnel.get("failed", 0)
        per_molecule = record.core_seconds / n_done if n_done else None
        rows.append(
            (
                str(record.round),
                *(format_number(record.timing_s.get(stage), decimals=1) for stage in stages),
                format_number(sum(record.timing_s.values()), decimals=1),
                format_number(record.core_seconds, decimals=1),
                format_number(per_molecule, decimals=1),
            )
        )
    header = ("Round", *(f"{stage} / s" for stage in stages), "All / s", "Calculations, CPU s", "CPU s a molecule")
    return ValueTable("What each round cost", header, rows)


def metric_tables(run: RunView) -> list[ValueTable]:
    """The metrics beside the weights: facts first, then one table for each group of them."""
    return [table for label, metrics in run.metrics.items() for table in _metric_tables(label, metrics)]


def _metric_tables(title: str, metrics: Mapping[str, Any]) -> list[ValueTable]:
    facts = {name: value for name, value in metrics.items() if not isinstance(value, Mapping | list)}
    groups = {name: value for name, value in metrics.items() if isinstance(value, Mapping) and value}
    tables = []
    if facts:
        tables.append(
            ValueTable(title, ("Metric", "Value"), [(_spaced(name), _metric(value)) for name, value in facts.items()])
        )
    if groups and all(_is_flat(group) for group in groups.values()):
        columns = list(dict.fromkeys(name for group in groups.values() for name in group))
        rows = [
            (_key_words(name), *(_metric(group.get(column)) for column in columns)) for name, group in groups.items()
        ]
        return [*tables, ValueTable(title, ("", *map(_spaced, columns)), rows)]
    return tables + [
        table for name, group in groups.items() for table in _metric_tables(f"{title}: {_spaced(name)}", group)
    ]


def environment_facts(run: RunView) -> list[tuple[str, str]]:
    """environment.json as label and text, nested labels joined."""
    return list(_flatten(run.environment))


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
        "Confirm them at a higher level (DFT) before bench time is spent: every value here is xTB, gas phase, single molecule.",
        f"Search on with more rounds: heliosc run -o campaign.rounds={2 * run.config.campaign.rounds}",
        "Send measured values back with the return form of the hand-off package, failed syntheses included.",
    ]


def duration(seconds: float) -> str:
    """Seconds for people: ``48 s``, ``5.2 min``, ``3.1 h``."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def _in_order(found: Iterable[str], order: Sequence[str]) -> list[str]:
    """Known names in their order, then the others by name."""
    names = set(found)
    return [name for name in order if name in names] + sorted(names - set(order))


def _number_cell(value: Number) -> ListCell:
    return ListCell(str(value), "" if value.value is None else repr(value.value), "number")


def _library_words(shares: Mapping[str, Mapping[str, tuple[int, int]]]) -> str:
    met, judged = (sum(share["library"][i] for share in shares.values()) for i in (0, 1))
    return f"library {_percent(met, judged)}" if judged else "library not judged yet"


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f} %" if whole else MISSING


def _count(value: float | None) -> str:
    return MISSING if value is None else f"{int(value):,}"


def _spaced(name: str) -> str:
    words_of_name = str(name).split("_")
    return " ".join(_METRIC_NAMES.get(word, word) for word in words_of_name)


def _key_words(name: str) -> str:
    """A property key in symbols and words where the name is one."""
    try:
        key = PropertyKey.parse(name)
    except InputError:
        return _spaced(name)
    return f"{symbol(key)} {unit(key)}, {words(key)} ({key.level})".replace(" ,", ",")


def _metric(value: Any) -> str:
    if value is None or value != value:
        return MISSING
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if float(value).is_integer():
        return f"{int(value):,}"
    return f"{value:.3g}".replace("-", MINUS)


def _is_flat(group: Mapping[str, Any]) -> bool:
    return all(not isinstance(value, Mapping | list) for value in group.values())


def _is_number(text: str) -> bool:
    stripped = text.replace(MINUS, "-").replace(",", "").removesuffix(" %")
    return stripped == MISSING or stripped.lstrip("-").replace(".", "", 1).replace("e-", "", 1).isdigit()


def _flatten(data: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, str]]:
    for name, value in data.items():
        label = f"{prefix}{_spaced(name)}"
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{label}: ")
        else:
            yield label, str(value)
