"""The reference of the command line, written from the program itself (a hook of MkDocs)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer.main
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import Files
from mkdocs.structure.pages import Page

from heliosc.cli.app import app

MARK = "<!-- commands -->"


def on_page_markdown(markdown: str, /, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Put the commands where the page asks for them."""
    if MARK not in markdown:
        return markdown
    return markdown.replace(MARK, "\n".join(_described(typer.main.get_command(app), "heliosc")))


def _described(command: Any, path: str) -> Iterator[str]:
    """Headline, purpose and options of a command, then of those below it."""
    if path != "heliosc":
        yield f"\n## {path}\n"
        yield " ".join((command.help or "").split())
    options = [item for item in command.params if item.name not in ("help", "install_completion", "show_completion")]
    if options and not hasattr(command, "commands"):
        yield "\n| option | meaning | default |\n|---|---|---|"
        yield from (_row(item) for item in options)
    for name, below in getattr(command, "commands", {}).items():
        yield from _described(below, f"{path} {name}")


def _row(item: Any) -> str:
    is_option = item.param_type_name == "option"
    name = ", ".join(f"`{text}`" for text in item.opts) if is_option else f"`{item.name.upper()}`"
    default = item.default() if callable(item.default) else item.default
    shown = "" if default in (None, False, (), []) or "Sentinel" in repr(default) else f"`{default}`"
    text = " ".join((getattr(item, "help", "") or "").split()).replace("|", "\\|")
    return f"| {name} | {text} | {shown} |"
