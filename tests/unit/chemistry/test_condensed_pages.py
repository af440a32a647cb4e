"""The Python on the pages about packing, miscibility and polymers runs, and prints what the text says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[3] / "docs"


@pytest.mark.parametrize(
    ("page", "printed"),
    [
        ("concepts/condensed-phase.md", r"(?s)packing_score 0\.\d\d.*chi 0\.\d\d \+- .*stacking_energy@gfn2 -0\.0"),
        ("how-to/polymers-and-side-chains.md", r"(?s)SA score.*4 c1csc\(.*Kuhn 2\.\d\d .* 1/n 2\.\d\d"),
    ],
)
def test_python_of_the_page_runs(page: str, printed: str, capsys: pytest.CaptureFixture[str]) -> None:
    for source in re.findall(r"```python\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), re.DOTALL):
        exec(compile(source, page, "exec"), {})  # noqa: S102 - our own page
    assert re.search(printed, capsys.readouterr().out)
