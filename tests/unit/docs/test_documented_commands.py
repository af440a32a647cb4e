"""The commands that the documentation shows must exist, with their options and configuration keys."""

from __future__ import annotations

import re
import shlex
from typing import Any

import pytest
import typer.main
from documentation import DOCS, PAGES, blocks

from heliosc.cli.app import app
from heliosc.config import load_config

COMMANDS = sorted(
    {
        line
        for page in (*PAGES, DOCS.parent / "README.md")
        for block in blocks(page, "console")
        for line in re.sub(r"\\\n *", "", block.text).splitlines()  # a command may go on below
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
