"""The page: complete, escaped, offline, honest about what is missing."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from heliosc.campaign.laboratory import change_state, laboratory_journal
from heliosc.campaign.records import CandidateRecord, read_candidates, read_history
from heliosc.campaign.run_folder import RunFolder, RunState
from heliosc.errors import InputError
from heliosc.experiments.checking import Measurement
from heliosc.experiments.journal import IMPORTED, FormEvent
from heliosc.experiments.states import State
from heliosc.properties import PropertyKey, PropertyTable
from heliosc.report import energy_map, illustrations
from heliosc.report.html import write_report
from heliosc.report.pictures import Picture
from heliosc.report.run_view import read_run
from heliosc.report.tables import cost_table, funnel_table, window_shares
from heliosc.selection.roles import load_roles

MakeRun = Callable[..., Path]


class Page(HTMLParser):
    """Attributes of all elements, and the texts of the table cells of each table by its caption."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.tables: dict[str, list[list[str]]] = {}
        self._rows: list[list[str]] = []
        self._within: list[str] = []
        self._caption = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag == "table":
            self._rows, self._caption = [], ""
        if tag == "tr":
            self._rows.append([])
        if tag in {"th", "td"}:
            self._rows[-1].append("")
        if tag in {"th", "td", "caption", "table"}:
            self._within.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in {"th", "td", "caption", "table"}:
            self._within.remove(tag)
        if tag == "table":
            self.tables[self._caption.strip()] = self._rows

    def handle_data(self, data: str) -> None:
        if "caption" in self._within:
            self._caption += data
        elif {"th", "td"} & set(self._within):
            self._rows[-1][-1] += data


@pytest.fixture(scope="module")
def page_text(run_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    copy = tmp_path_factory.mktemp("report") / run_folder.name
    shutil.copytree(run_folder, copy)
    return write_report(copy).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(page_text: str) -> Page:
    return Page(page_text)


@pytest.fixture
def without_drawing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Words and numbers alone; drawing the figures takes most of the time."""

    def blank(_figure: Figure, *, alt: str, caption: str) -> Picture:
        return Picture("data:,", alt, caption)

    for module in (illustrations, energy_map):
        monkeypatch.setattr(module, "figure_picture", blank)


def _rewrite_round(folder: Path, change: Callable[[CandidateRecord], CandidateRecord]) -> None:
    records = [change(record) for record in read_candidates(folder) if record.round == 0]
    RunFolder(folder).write_candidates(0, records)


def test_asks_for_nothing_outside_the_file(page_text: str, page: Page) -> None:
    assert not re.search(r"(?:https?:)?//[a-z0-9.-]+\.[a-z]{2,}", page_text)
    for tag, attributes in page.elements:
        for name in ("src", "href", "action", "srcset"):
            value = attributes.get(name) or "#"
            assert value.startswith(("#", "data:")), f"<{tag} {name}={value[:60]}>"
    policy = next(a["content"] for t, a in page.elements if t == "meta" and a.get("http-equiv"))
    assert policy is not None
    assert policy.startswith("default-src 'none'")


def test_stays_small(page_text: str) -> None:
    assert len(page_text) < 5_000_000


def test_every_picture_has_words_and_every_table_header_a_scope(page: Page) -> None:
    assert [a for t, a in page.elements if t == "html"] == [{"lang": "en"}]
    images = [a for t, a in page.elements if t == "img"]
    assert len(images) > 15
    assert all(image.get("alt") for image in images)
    assert all(a.get("scope") for t, a in page.elements if t == "th")


def test_funnel_counts_are_those_of_the_records(page: Page, run_folder: Path) -> None:
    history, candidates = read_history(run_folder), read_candidates(run_folder)
    rows = {row[0]: row[1:] for row in page.tables["Molecules that reached each stage"]}
    assert list(rows)[1:] == ["sampled", "valid", "unique", "novel", "constraints", "selected", "computed", "failed"]
    for stage in list(rows)[1:]:
        counts = [record.funnel[stage] for record in history]
        assert rows[stage] == [f"{count:,}" for count in [*counts, sum(counts)]]
    assert int(rows["computed"][-1]) == sum(bool(c.computed) for c in candidates)
    assert int(rows["failed"][-1]) == sum(c.failure is not None for c in candidates)


def test_shares_are_counted_from_the_candidates(run_folder: Path) -> None:
    run = read_run(run_folder, roles=load_roles(), models={}, library=None)
    mine = [c.meets_window for c in read_candidates(run_folder) if c.role == "p_dopable" and c.computed]
    assert window_shares(run)["p_dopable"] == {"candidates": (sum(map(bool, mine)), len(mine)), "library": (3, 60)}


def test_every_candidate_and_every_failure_is_listed(page_text: str, page: Page, run_folder: Path) -> None:
    candidates = read_candidates(run_folder)
    assert page_text.count('<tr data-role="') == len(candidates)
    failed = {row[0] for row in page.tables["Calculations that failed"][1:]}
    assert failed == {c.id for c in candidates if c.failure is not None}


def test_computed_and_predicted_stand_in_separate_columns(page: Page, run_folder: Path) -> None:
    candidate = next(c for c in read_candidates(run_folder) if c.computed)
    key = "vertical_ionization_energy@ipea1//gfn2"
    (row,) = [r for rows in page.tables.values() for r in rows if len(r) > 10 and r[1] == candidate.id]
    prediction = candidate.predicted[key]
    assert row[6:9] == [f"{candidate.computed[key]:.2f}", f"{prediction.mean:.2f}", f"{prediction.std:.2f}"]


@pytest.mark.usefixtures("without_drawing")
def test_missing_is_a_dash_never_zero(make_run_folder: MakeRun) -> None:
    folder = make_run_folder(n_rounds=1, batch=8)
    key = "vertical_electron_affinity@gfn2"

    def forget(record: CandidateRecord) -> CandidateRecord:
        computed = {name: value for name, value in record.computed.items() if name != key}
        predicted = {name: value for name, value in record.predicted.items() if name != key}
        return replace(record, computed=computed, predicted=predicted, meets_window=None)

    records = read_candidates(folder)
    RunFolder(folder).write_candidates(0, [forget(records[0]), *records[1:]])
    page = Page(write_report(folder).read_text(encoding="utf-8"))
    (row,) = [r for rows in page.tables.values() for r in rows if len(r) > 10 and r[1] == records[0].id]
    assert row[9:12] == ["—", "—", "—"]


@pytest.mark.usefixtures("without_drawing")
def test_hostile_names_are_escaped(make_run_folder: MakeRun) -> None:
    folder = make_run_folder(n_rounds=1, batch=8)
    attack = "<script>alert(1)</script>"
    _rewrite_round(
        folder,
        lambda record: replace(
            record, id=f"{record.id}{attack}", reason=attack, alerts=(attack,), source='"onload="x',
            failure={"error_class": attack, "reason": attack} if record.failure else None,
        ),
    )  # fmt: skip
    text = write_report(folder).read_text(encoding="utf-8")
    assert attack not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert text.count("<script>") == 1
    assert not [a for _, a in Page(text).elements if "onload" in a]


@pytest.mark.usefixtures("without_drawing")
def test_a_smiles_that_cannot_be_drawn_does_not_stop_the_report(make_run_folder: MakeRun) -> None:
    folder = make_run_folder(n_rounds=1, batch=8)
    _rewrite_round(folder, lambda record: replace(record, smiles="C" * 150))
    assert "too large to draw" in write_report(folder).read_text(encoding="utf-8")


def test_a_run_that_has_just_started(make_run_folder: MakeRun) -> None:
    folder = make_run_folder(n_rounds=0)
    (folder / "environment.json").unlink()
    text = write_report(folder).read_text(encoding="utf-8")
    assert "Just started" in text
    assert "No candidate was selected yet." in text
    assert "heliosc run" in text
    assert "<figure>" not in text


def test_a_round_in_progress_shows_its_candidates(make_run_folder: MakeRun) -> None:
    folder = make_run_folder(n_rounds=1, batch=8)
    (folder / "history.jsonl").unlink()
    RunFolder(folder).write_state(RunState())
    _rewrite_round(folder, lambda record: replace(record, computed={}, failure=None, meets_window=None))
    text = write_report(folder).read_text(encoding="utf-8")
    assert "In progress, round 0" in text
    assert text.count(">not computed yet</span>") == 8


@pytest.mark.usefixtures("without_drawing")
def test_a_run_where_everything_failed(make_run_folder: MakeRun) -> None:
    folder = make_run_folder(n_rounds=1, batch=8)
    failure = {"error_class": "timeout", "reason": "ran past 600 s"}
    _rewrite_round(folder, lambda record: replace(record, computed={}, failure=failure, meets_window=None))
    text = write_report(folder).read_text(encoding="utf-8")
    assert "No computed candidate for this role yet." in text
    assert "heliosc doctor" in text
    page = Page(text)
    assert page.tables["Why calculations failed"][1] == ["timeout", "8", "100 %", "ran past 600 s"]
    assert len(page.tables["Calculations that failed"]) == 1 + 8


def test_no_run_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not a run folder"):
        write_report(tmp_path)


def test_model_metrics_are_shown_by_property(make_run_folder: MakeRun, tmp_path: Path) -> None:
    folder = make_run_folder(n_rounds=0)
    (tmp_path / "metrics.json").write_text(
        '{"test": {"lambda_hole@gfn2": {"mae": 0.0321, "r2": null}}, "reconstruction": 0.875}'
    )
    page = Page(write_report(folder, models={"Model": tmp_path}).read_text(encoding="utf-8"))
    assert page.tables["Model"][1] == ["reconstruction", "0.875"]
    assert page.tables["Model: test"] == [
        ["Quantity", "MAE", "R²"],
        ["λ(hole) eV, hole reorganisation energy (gfn2)", "0.0321", "—"],
    ]


def test_known_materials_stand_on_the_map_at_the_levels_of_its_axes_alone(make_run_folder: MakeRun) -> None:
    folder = make_run_folder(n_rounds=1, batch=8)
    ie, ea = "vertical_ionization_energy@ipea1//gfn2", "vertical_electron_affinity@gfn2"
    references = {"Y6": {ie: 6.87, ea: 3.46}, "PM6": {"vertical_ionization_energy@gfn2": 6.3, ea: 2.2}}
    text = write_report(folder, references=references).read_text(encoding="utf-8")
    (caption,) = [name for name in Page(text).tables if name.startswith("Known materials")]
    assert Page(text).tables[caption][1:] == [["Y6", "6.87", "3.46"]]
    assert "beside Y6; numbers in the table" in text


@pytest.mark.usefixtures("without_drawing")
def test_library_sample_is_drawn_beside_the_front(make_run_folder: MakeRun) -> None:
    folder = make_run_folder(n_rounds=1, batch=8)
    keys = tuple(map(PropertyKey.parse, ("vertical_ionization_energy@ipea1//gfn2", "lambda_hole@gfn2")))
    values = np.random.default_rng(0).normal((7.0, 0.2), 0.1, (50, 2))
    library = PropertyTable(tuple(f"{'C' * (i + 1)}" for i in range(50)), keys, values)
    text = write_report(folder, library=library).read_text(encoding="utf-8")
    assert "Crosses: 4 random library molecules" in text


@pytest.mark.usefixtures("without_drawing")
def test_what_came_back_stands_beside_what_was_predicted_and_computed(make_run_folder: MakeRun) -> None:
    folder = make_run_folder("runs/lab", n_rounds=1, batch=8)
    assert "None yet." in write_report(folder).read_text(encoding="utf-8")
    first, second, *_ = read_candidates(folder)
    change_state(folder.parent, second.id, State.APPROVED, who="Ada", why="short route")
    item = Measurement(
        "ie_ups", 0, PropertyKey("vertical_ionization_energy", "experiment-film"), 5.31, 0.05, None, "UPS"
    )
    form = FormEvent(
        "d1", "form.csv", "s1", IMPORTED, "Ada", "2026-11-20", first.id, first.smiles, "yes", measurements=(item,)
    )
    laboratory_journal(folder.parent).append([form])
    page = Page(write_report(folder).read_text(encoding="utf-8"))
    states = {row[0]: row[1] for row in page.tables["Candidates in the laboratory"][1:]}
    assert states == {first.id: "proposed", second.id: "approved"}
    computed = first.computed["vertical_ionization_energy@ipea1//gfn2"]
    rows = page.tables["From prediction to measurement"][1:]
    assert [first.id, "5.31 ± 0.05 eV", "UPS"] == [rows[0][0], rows[0][2], rows[0][3]]
    assert f"{computed:.2f}" in {row[6] for row in rows if row[4] == "ipea1//gfn2"}


def test_every_drawable_candidate_of_the_list_has_its_structure(page_text: str, run_folder: Path) -> None:
    for candidate in read_candidates(run_folder):
        assert f'aria-label="Structure of {candidate.id}"' in page_text


def test_the_costs_of_the_campaign_are_the_sums_of_its_rounds(run_folder: Path) -> None:
    run = read_run(run_folder, roles=load_roles(), models={}, library=None)
    *_, last = cost_table(run).rows
    assert last == ("all", "63.0", "23.1", "177.0", "99.0", "362.1", "316.5", "6.6")  # 316.5 s / 48 molecules


def test_the_funnel_has_a_column_a_round(run_folder: Path) -> None:
    run = read_run(run_folder, roles=load_roles(), models={}, library=None)
    assert funnel_table(run).header == ("Stage", "Round 0", "Round 1", "Round 2", "Total")
