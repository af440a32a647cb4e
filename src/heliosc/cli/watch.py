"""Showing again and again what changes: a live view on a terminal, one block for each change elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable

from rich.console import RenderableType
from rich.live import Live

from heliosc.cli.output import results

REFRESH_S = 2.0

Look = Callable[[], tuple[RenderableType, bool]]
"""What there is to see now, and whether it will change no more."""


def watch_until_done(look: Look) -> None:
    """Show what there is to see until it changes no more; Ctrl-C leaves."""
    if results.is_terminal:
        _show_live(look)
    else:
        _print_changes(look)


def _show_live(look: Look) -> None:
    shown, is_through = look()
    with Live(shown, console=results, auto_refresh=False) as live:
        while not is_through:
            time.sleep(REFRESH_S)
            shown, is_through = look()
            live.update(shown, refresh=True)


def _print_changes(look: Look) -> None:
    before, is_through = "", False
    while not is_through:
        shown, is_through = look()
        with results.capture() as captured:
            results.print(shown)
        if captured.get() != before:
            before = captured.get()
            print(before, end="", flush=True)
        if not is_through:
            time.sleep(REFRESH_S)
