"""The dashboard as a person uses it: started by its command, clicked through in a real browser."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest
from browser import Watched, chromium, unit_test_helpers

from heliosc.campaign.run_folder import RunFolder, RunState, Stage

pytest.importorskip("flask", reason="Flask is not installed; run: pip install 'heliosc[dashboard]'")
pytestmark = pytest.mark.program


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    runs = unit_test_helpers("conftest.py")
    folder = RunFolder(runs.build_run_folder(tmp_path_factory.mktemp("runs") / "live", n_rounds=2, batch=8))
    unit_test_helpers("dashboard/conftest.py").fill_store(folder, runs.fixture_result)
    folder.write_state(RunState(1, Stage.COMPUTE))
    return folder


@pytest.fixture(scope="module")
def address(campaign: RunFolder) -> Iterator[str]:
    command = [sys.executable, "-m", "heliosc", "dashboard", "--runs", str(campaign.path.parent), "--port", "0"]
    server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert server.stderr is not None
    try:
        for line in server.stderr:
            if (found := re.search(r"http://127\.0\.0\.1:\d+/", line)) is not None:
                yield found.group()
                break
        else:
            pytest.fail("the dashboard named no address")
    finally:
        server.send_signal(signal.SIGINT)
        server.communicate(timeout=30)


@pytest.fixture
def opened(address: str) -> Iterator[Watched]:
    with chromium() as watched:
        watched.page.set_default_timeout(90_000)
        watched.page.goto(address)
        yield watched
        watched.assert_clean(own=address)


def test_every_page_is_reached_by_its_tab_and_fits(opened: Watched) -> None:
    titles = opened.page.locator("header nav a").all_inner_texts()
    assert len(titles) == 7
    for title in titles:
        opened.page.set_viewport_size({"width": 1280, "height": 900})
        opened.page.get_by_role("navigation").get_by_role("link", name=title, exact=True).click()
        current = opened.page.locator("header nav a[aria-current]")
        current.wait_for()
        assert current.inner_text() == title
        opened.assert_fits()


def test_from_a_point_of_the_front_to_a_molecule_in_three_dimensions(opened: Watched) -> None:
    opened.page.get_by_role("link", name="Pareto front").click()
    opened.page.locator("figure.front a").first.click()
    opened.page.wait_for_selector("#viewer[data-shown=neutral]")
    opened.page.get_by_role("button", name="cation").click()
    opened.page.wait_for_selector("#viewer[data-shown=cation]")
    assert opened.page.locator("#viewer canvas").count() == 1
    colours = opened.page.evaluate(
        "() => { const c = document.querySelector('#viewer canvas'); const copy = document.createElement('canvas');"
        " copy.width = c.width; copy.height = c.height; const g = copy.getContext('2d');"
        " window.$3Dmol && c.getContext; g.drawImage(c, 0, 0);"
        " return new Set(new Uint32Array(g.getImageData(0, 0, c.width, c.height).data.buffer)).size; }"
    )
    assert colours > 20  # a shaded molecule, no empty field


def test_the_overview_follows_the_campaign_without_a_reload(opened: Watched, campaign: RunFolder) -> None:
    opened.page.wait_for_selector("text=Round 2 of 2 in progress")
    campaign.write_state(RunState(2, Stage.FINISHED))
    try:
        opened.page.wait_for_selector("#now:has-text('Finished')")
    finally:
        campaign.write_state(RunState(1, Stage.COMPUTE))


def test_the_list_leads_to_the_page_of_a_candidate(opened: Watched) -> None:
    opened.page.get_by_role("link", name="Candidates").click()
    opened.page.fill("#filter-words", "live-r0-03")
    opened.page.locator("#candidate-list tbody tr:not([hidden]) a").click()
    opened.page.wait_for_selector("h1:has-text('live-r0-03')")
