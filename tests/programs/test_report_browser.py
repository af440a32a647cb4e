"""The report in a real browser: silent, offline, sortable, readable on a desk and on a phone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import Watched, chromium, unit_test_helpers

from heliosc.campaign.records import read_candidates
from heliosc.report import write_report

pytestmark = pytest.mark.program
IE = "vertical_ionization_energy@ipea1//gfn2"


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "browser-run"
    return write_report(unit_test_helpers("conftest.py").build_run_folder(folder, n_rounds=2, batch=8))


@pytest.fixture
def opened(report: Path) -> Iterator[Watched]:
    with chromium() as watched:
        watched.page.goto(report.as_uri())
        watched.page.wait_for_selector("html[data-settled]", state="attached")
        yield watched


def shown_ids(watched: Watched) -> list[str]:
    script = (
        "() => [...document.querySelectorAll('#candidate-list tbody tr:not([hidden]) td.id')].map(c => c.textContent)"
    )
    return list(watched.page.evaluate(script))


def test_it_is_silent_and_fits(opened: Watched, report: Path) -> None:
    opened.assert_fits()
    opened.assert_clean(own=report.as_uri())


def test_the_list_is_sorted_by_a_click_and_by_the_keyboard(opened: Watched, report: Path) -> None:
    computed = {c.id: c.computed[IE] for c in read_candidates(report.parent) if c.computed}
    button = opened.page.locator("#candidate-list thead tr:nth-child(2) button").first
    button.click()
    rising = sorted(computed, key=lambda name: computed[name])
    assert shown_ids(opened)[: len(rising)] == rising  # what has no value stands last
    button.focus()
    opened.page.keyboard.press("Enter")
    assert shown_ids(opened)[: len(rising)] == rising[::-1]
    assert len(shown_ids(opened)) == 16


def test_the_list_is_narrowed_by_words_verdict_and_value(opened: Watched, report: Path) -> None:
    candidates = read_candidates(report.parent)
    opened.page.select_option("#filter-verdict", "calculation failed")
    assert set(shown_ids(opened)) == {c.id for c in candidates if c.failure is not None}
    opened.page.click("#filter-reset")
    opened.page.fill("#filter-high", "7.0")
    assert set(shown_ids(opened)) == {c.id for c in candidates if c.computed.get(IE, 99.0) <= 7.0}
    opened.page.click("#filter-reset")
    opened.page.fill("#filter-words", "no such candidate")
    assert shown_ids(opened) == []
    assert opened.page.inner_text("#filter-count") == "0 of 16"
