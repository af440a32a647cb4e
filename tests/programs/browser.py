"""Headless Chromium for the tests of pages, and the runs that the pages show."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

WIDTHS = (1280, 390)
_UNIT_TESTS = Path(__file__).parents[1] / "unit"


@dataclass
class Watched:
    """A page with everything that it said and asked for."""

    page: Any
    messages: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def assert_clean(self, *, own: str) -> None:
        """No message on the console, and no request beyond ``own``."""
        assert self.messages == []
        outside = [url for url in self.requests if not url.startswith((own, "data:", "blob:"))]
        assert outside == []

    def assert_fits(self) -> None:
        """Nothing sticks out to the right, and every picture is there."""
        for width in WIDTHS:
            self.page.set_viewport_size({"width": width, "height": 900})
            assert self.page.evaluate("document.documentElement.scrollWidth") <= width
        broken = "() => [...document.images].filter(i => i.complete && !i.naturalWidth).map(i => i.alt)"
        assert self.page.evaluate(broken) == []


@contextmanager
def chromium() -> Iterator[Watched]:
    """A page in a fresh browser; skips where there is none."""
    driver = pytest.importorskip(
        "playwright.sync_api", reason="playwright is not installed; run: pip install playwright"
    )
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("no Chromium; install it with: apt-get install chromium")
    with driver.sync_playwright() as started:
        browser = started.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--enable-unsafe-swiftshader", "--use-gl=angle"]
        )
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        watched = Watched(page)
        page.on("console", lambda message: _note(watched, message))
        page.on("pageerror", lambda error: watched.messages.append(str(error)))
        page.on("request", lambda request: watched.requests.append(request.url))
        try:
            yield watched
        finally:
            browser.close()


def unit_test_helpers(name: str) -> ModuleType:
    """A conftest of the unit tests, which knows how to build runs."""
    path = _UNIT_TESTS / name
    spec = importlib.util.spec_from_file_location(f"helpers_{path.parent.name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _note(watched: Watched, message: Any) -> None:
    """The software renderer of a machine without a GPU warns that it is slow; that is no fault of the page."""
    if "GL Driver Message" not in message.text:
        watched.messages.append(f"{message.type}: {message.text}")
