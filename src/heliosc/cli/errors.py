"""How the command line ends: one clear message and the documented exit code, never a traceback.

0 ok, 2 usage, 3 bad input, 4 missing program, 5 finished with failures, 75 try again later, 130/143 interrupted.
"""

from __future__ import annotations

import signal
from types import FrameType
from typing import Any

import typer
from rich.console import Console
from typer.core import TyperGroup

from heliosc.errors import HelioscError

messages = Console(stderr=True, highlight=False)
"""Everything that is not a result goes to stderr, so that stdout can be piped."""


class Terminated(BaseException):
    """SIGTERM; like KeyboardInterrupt it must not be caught by ``except Exception``."""


def raise_on_sigterm() -> None:
    """Turn SIGTERM into an exception so that ``finally`` blocks and context managers run."""

    def handler(_signal: int, _frame: FrameType | None) -> None:
        raise Terminated

    signal.signal(signal.SIGTERM, handler)


class ExplainingGroup(TyperGroup):
    """A command group that turns our errors into a message and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except HelioscError as error:
            messages.print(f"[bold red]{error.kind} error:[/] ", end="")
            messages.print(str(error), markup=False, soft_wrap=True)
            raise typer.Exit(error.exit_code) from error
        except KeyboardInterrupt as error:
            messages.print("\nInterrupted. Nothing is lost: the same command goes on from here.")
            raise typer.Exit(130) from error
        except Terminated as error:
            messages.print("Terminated. Nothing is lost: the same command goes on from here.")
            raise typer.Exit(143) from error
