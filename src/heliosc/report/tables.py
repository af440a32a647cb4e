"""The plain tables of the report: header, rows of texts, and how they are read from a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from heliosc.campaign.records import RoundRecord
from heliosc.errors import InputError
from heliosc.handoff.labels import MINUS, MISSING, format_number, number, ordered_keys, symbol, unit, words
from heliosc.properties import PropertyKey
from heliosc.report.run_view import RunView
from heliosc.report.statistics import wilson_interval

FUNNEL_ORDER = ("sampled", "valid", "unique", "novel", "constraints", "selected", "computed", "failed")
TIMING_ORDER = ("generate", "predict and select", "compute", "learn")
_METRIC_NAMES = {name.lower(): name for name in ("MAE", "RMSE", "NLL", "CRPS", "ENCE")} | {"r2": "R²"}


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
                         percent(met, judged), interval))  # fmt: skip
    return ValueTable(
        "Share that meets the window of its role, computed the same way",
        ("Role", "Molecules", "Met", "Judged", "Share", "95 % interval (Wilson)"),
        rows,
    )


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


def failure_summary(run: RunView) -> ValueTable:
    """Failed calculations by class, most frequent first, with the reason that is most often given."""
    reasons: dict[str, Counter[str]] = {}
    for candidate in run.failed:
        if candidate.failure is not None:
            words_of_class = reasons.setdefault(candidate.failure.get("error_class", MISSING), Counter())
            words_of_class[candidate.failure.get("reason", MISSING)] += 1
    n_tried = len(run.failed) + len(run.computed)
    rows = [
        (error_class, f"{found.total():,}", percent(found.total(), n_tried), found.most_common(1)[0][0])
        for error_class, found in sorted(reasons.items(), key=lambda item: -item[1].total())
    ]
    return ValueTable("Why calculations failed", ("Class", "Candidates", "Of those tried", "Most often"), rows)


def surrogate_table(run: RunView) -> ValueTable:
    """Error of each round's predictions against the values that came out, a row a property."""
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
    """Wall seconds a stage, and CPU seconds of the calculations; the last row is the whole campaign."""
    stages = timing_stages(run)
    rows = [_cost_row(str(record.round), [record], stages) for record in run.history]
    if len(run.history) > 1:
        rows.append(_cost_row("all", run.history, stages))
    header = ("Round", *(f"{stage} / s" for stage in stages), "All / s", "Calculations, CPU s", "CPU s a molecule")
    return ValueTable("What each round cost", header, rows)


def _cost_row(title: str, records: Sequence[RoundRecord], stages: Sequence[str]) -> tuple[str, ...]:
    n_done = sum(record.funnel.get("computed", 0) + record.funnel.get("failed", 0) for record in records)
    core_seconds = sum(record.core_seconds for record in records)
    return (
        title,
        *(format_number(_stage_seconds(records, stage), decimals=1) for stage in stages),
        format_number(sum(sum(record.timing_s.values()) for record in records), decimals=1),
        format_number(core_seconds, decimals=1),
        format_number(core_seconds / n_done if n_done else None, decimals=1),
    )


def _stage_seconds(records: Sequence[RoundRecord], stage: str) -> float | None:
    """None where no record timed the stage."""
    timed = [record.timing_s[stage] for record in records if stage in record.timing_s]
    return sum(timed) if timed else None


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
        return [*tables, ValueTable(title, ("Quantity", *map(_spaced, columns)), rows)]
    return tables + [
        table for name, group in groups.items() for table in _metric_tables(f"{title}: {_spaced(name)}", group)
    ]


def environment_facts(run: RunView) -> list[tuple[str, str]]:
    """environment.json as label and text, nested labels joined."""
    return list(_flatten(run.environment))


def _in_order(found: Iterable[str], order: Sequence[str]) -> list[str]:
    """Known names in their order, then the others by name."""
    names = set(found)
    return [name for name in order if name in names] + sorted(names - set(order))


def percent(part: int, whole: int) -> str:
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
