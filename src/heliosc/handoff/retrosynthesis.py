"""A route by AiZynthFinder, where it is set up; it lives in an environment of its own.

``HELIOSC_AIZYNTHCLI`` names the program ``aizynthcli`` of that environment, ``HELIOSC_AIZYNTH_CONFIG`` its
configuration (policies and stock). Without both nothing is evaluated, and nothing is called zero steps.

References
----------
Genheden et al., J. Cheminform. 2020, 12, 70, 10.1186/s13321-020-00472-1.
"""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PROGRAM_VARIABLE = "HELIOSC_AIZYNTHCLI"
CONFIG_VARIABLE = "HELIOSC_AIZYNTH_CONFIG"
TIMEOUT_S = 900.0


@dataclass(frozen=True, slots=True)
class RetrosynthesisAnswer:
    """What is known of a route.

    Attributes
    ----------
    summary : for the dossier
    routes : the program's own reaction trees, best first; empty when nothing was evaluated
    """

    summary: str
    routes: tuple[Mapping[str, Any], ...] = field(default=())


NOT_SET_UP = RetrosynthesisAnswer("not evaluated (AiZynthFinder is not set up)")


def find_route(smiles: str, *, timeout_s: float = TIMEOUT_S) -> RetrosynthesisAnswer:
    """Ask AiZynthFinder for a route; whatever goes wrong is said and nothing is invented."""
    program, settings = os.environ.get(PROGRAM_VARIABLE), os.environ.get(CONFIG_VARIABLE)
    if not program or not settings:
        return NOT_SET_UP
    with tempfile.TemporaryDirectory(prefix="heliosc-route-") as scratch:
        targets, output = Path(scratch, "targets.txt"), Path(scratch, "output.json.gz")
        targets.write_text(f"{smiles}\n")
        command = [program, "--smiles", str(targets), "--config", settings, "--output", str(output)]
        try:
            subprocess.run(command, cwd=scratch, check=True, capture_output=True, timeout=timeout_s)
            answer: Any = json.loads(gzip.decompress(output.read_bytes()))
            (row,) = answer["data"]
            return _answer(row)
        except subprocess.TimeoutExpired:
            return RetrosynthesisAnswer(f"not evaluated: AiZynthFinder took more than {timeout_s:.0f} s")
        except (OSError, subprocess.CalledProcessError) as error:
            return RetrosynthesisAnswer(f"not evaluated: AiZynthFinder failed ({_last_line(error)})")
        except (ValueError, KeyError, TypeError) as error:
            return RetrosynthesisAnswer(f"not evaluated: AiZynthFinder's answer cannot be read ({error!r:.80})")


def _answer(row: Mapping[str, Any]) -> RetrosynthesisAnswer:
    routes = tuple(row.get("trees") or ())
    if not row["is_solved"]:
        return RetrosynthesisAnswer("AiZynthFinder found no route to its stock", routes)
    steps, n_blocks = int(row["number_of_steps"]), int(row["number_of_precursors"])
    return RetrosynthesisAnswer(
        f"AiZynthFinder: a route of {steps} steps from {n_blocks} compounds of its stock", routes
    )


def _last_line(error: Exception) -> str:
    output = getattr(error, "stderr", None) or b""
    lines = output.decode(errors="replace").strip().splitlines()
    return lines[-1][:120] if lines else str(error)[:120]
