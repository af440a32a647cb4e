"""What the documentation shows must exist: commands, options, configuration keys, Python that runs."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer.main

from heliosc.cli.app import app
from heliosc.config import load_config

DOCS = Path(__file__).parents[3] / "docs"
PAGES = sorted(DOCS.rglob("*.md"))


def blocks(page: Path, language: str) -> list[str]:
    """Fenced blocks of one language, dedented."""
    pattern = rf"^( *)```{language}\n(.*?)^\1```"
    found = re.findall(pattern, page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return ["\n".join(line.removeprefix(indent) for line in text.splitlines()) for indent, text in found]


COMMANDS = sorted(
    {
        line
        for page in PAGES
        for block in blocks(page, "console")
        for line in re.sub(r"\\\n *", "", block).splitlines()  # a command may go on below
        if line.startswith("heliosc ")
    }
)


def test_the_pages_show_commands() -> None:
    assert len(COMMANDS) >= 8


@pytest.mark.parametrize("line", COMMANDS)
def test_documented_command_is_understood(line: str) -> None:
    """Parsing stops before anything runs; files that are named need not exist."""
    command: Any = typer.main.get_command(app)
    _, *words = shlex.split(line, comments=True)
    assert command.commands
    while hasattr(command, "commands"):
        name = words.pop(0)
        assert name in command.commands, f"{line!r}: no command {name!r}"
        command = command.commands[name]
    context = command.make_context(command.name, words)
    load_config(None, context.params.get("override") or ())


@pytest.mark.parametrize("page", [DOCS / "concepts" / "levels-of-theory.md"], ids=lambda page: page.stem)
def test_python_of_a_page_runs(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for source in blocks(page, "python"):
        exec(compile(source, page.name, "exec"), {})  # noqa: S102 - our own page
    assert re.search(r"1\d\.\d eV at gfn2//experiment", capsys.readouterr().out)
