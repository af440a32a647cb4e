"""The ``xtb`` program as an accelerator of geometry optimisations; energies are still computed by tblite."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from heliosc.errors import CalculationTimeoutError, MissingDependencyError, ParseError
from heliosc.qc.geometries import Geometry, electron_count
from heliosc.qc.optimizer import Minimum
from heliosc.qc.units import BOHR_A
from heliosc.qc.xtb.engine import TbliteSession
from heliosc.qc.xtb.errors import classified_error

INSTALL_HINT = "apt install xtb"
OPTIMIZATION_TIMEOUT_S = 1_800.0
_CYCLES = re.compile(r"GEOMETRY OPTIMIZATION CONVERGED AFTER\s+(\d+)\s+ITERATIONS")


def optimize_with_xtb(
    session: TbliteSession,
    start: Geometry,
    *,
    bonds: NDArray[np.intp],
    hessian: NDArray[np.float64] | None = None,
    max_steps: int = 300,
) -> Minimum:
    """Minimum by ``xtb --opt``; ``bonds`` and ``hessian`` are not needed by the program.

    Raises
    ------
    MissingDependencyError : no ``xtb`` on PATH
    ConvergenceError, CalculationTimeoutError, ParseError : see ``read_optimization``
    """
    with tempfile.TemporaryDirectory(prefix="heliosc-xtb-") as folder:
        scratch = Path(folder)
        output = run_xtb(start, scratch=scratch, charge=session.charge, max_steps=max_steps)
        geometry, n_cycles = read_optimization(output, scratch=scratch, start=start)
    state = session.evaluate(geometry.positions)
    session.n_evaluations += n_cycles
    norm = float(np.linalg.norm(state.gradient))
    return Minimum(geometry.positions / BOHR_A, state.energy, norm, None, n_cycles)


def run_xtb(geometry: Geometry, *, scratch: Path, charge: int, max_steps: int) -> str:
    """Run the optimisation in ``scratch`` in its own process group, which is killed as a whole at the time limit."""
    program = find_xtb()
    (scratch / "start.xyz").write_text(geometry.to_xyz())
    n_unpaired = electron_count(geometry.symbols, charge=charge) % 2
    command = [program, "start.xyz", "--gfn", "2", "--opt", "normal", "--chrg", str(charge)]
    command += ["--uhf", str(n_unpaired), "--cycles", str(max_steps), "--norestart"]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OMP_STACKSIZE": "2G", "OPENBLAS_NUM_THREADS": "1"}
    process = subprocess.Popen(
        command,
        cwd=scratch,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(timeout=OPTIMIZATION_TIMEOUT_S)
    except subprocess.TimeoutExpired as error:
        raise CalculationTimeoutError(
            f"xtb ran past {OPTIMIZATION_TIMEOUT_S:.0f} s; use engine 'tblite' or a smaller molecule"
        ) from error
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    return output.decode(errors="replace")


def read_optimization(output: str, *, scratch: Path, start: Geometry) -> tuple[Geometry, int]:
    """Optimised geometry and number of cycles.

    xtb ends with exit code 0 and writes ``xtbopt.xyz`` after an unconverged optimisation too: the text decides.

    Raises
    ------
    ConvergenceError : charges or geometry did not converge
    ParseError : the output is none of the known ones, or its atoms are not those asked for
    """
    cycles = _CYCLES.search(output)
    if "FAILED TO CONVERGE GEOMETRY" in output or cycles is None or "normal termination of xtb" not in output:
        raise classified_error(output, program="xtb")
    result = Geometry.from_xyz((scratch / "xtbopt.xyz").read_text())
    if result.symbols != start.symbols:
        raise ParseError(f"xtb returned {result.n_atoms} atoms in another order; expected the {start.n_atoms} given")
    return result, int(cycles.group(1))


def find_xtb() -> str:
    """Path of the program.

    Raises
    ------
    MissingDependencyError : not on PATH
    """
    program = shutil.which("xtb")
    if program is None:
        raise MissingDependencyError(
            f"engine 'xtb' needs the xtb program, which is not on PATH; install it ({INSTALL_HINT}) or use 'tblite'"
        )
    return program


@cache
def xtb_version() -> str | None:
    """Version that the program prints, or ``None`` when it is not there or does not answer within 5 s."""
    program = shutil.which("xtb")
    if program is None:
        return None
    try:
        answer = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=5.0, check=False)
    except (subprocess.TimeoutExpired, OSError):
        return None
    found = re.search(r"xtb version (\S+)", answer.stdout + answer.stderr)
    return found.group(1) if found else None
