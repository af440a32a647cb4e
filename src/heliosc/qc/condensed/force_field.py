"""GFN-FF with the ``xtb`` program: optimisation and molecular dynamics of small clusters in vacuum.

References
----------
Spicher, Grimme, Angew. Chem. Int. Ed. 2020, 59, 15665, 10.1002/anie.202004239 (GFN-FF).
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from heliosc.errors import ConvergenceError, InputError, MissingDependencyError, ParseError
from heliosc.qc.external.executor import read_output
from heliosc.qc.external.process import run_program
from heliosc.qc.geometries import Geometry
from heliosc.qc.xtb.errors import classified_error
from heliosc.qc.xtb.program import XtbExecutor

LEVEL = "gfnff"
_ENERGY = re.compile(r"TOTAL ENERGY\s+(-?\d+\.\d+) Eh")
_OPTIMIZATION_ROUNDS = 4
_DONE = "normal termination of xtb"


@dataclass(frozen=True, slots=True)
class DynamicsSettings:
    """A run at constant temperature, held together by a soft spherical wall.

    Attributes
    ----------
    time_ps, temperature_K : length of the run and target temperature
    step_fs : hydrogen weighs 2 u, so that 2 fs are safe without constraints
    frame_fs : time between stored frames

    Raises
    ------
    InputError : a number that is not positive, or a step above 4 fs
    """

    time_ps: float = 10.0
    temperature_K: float = 300.0
    step_fs: float = 2.0
    frame_fs: float = 100.0

    def __post_init__(self) -> None:
        for name in ("time_ps", "temperature_K", "step_fs", "frame_fs"):
            if not 0 < getattr(self, name) < 1e6:
                raise InputError(f"{name} is {getattr(self, name)}; expected a positive number")
        if self.step_fs > 4.0:
            raise InputError(f"step_fs is {self.step_fs}; expected at most 4 fs with hydrogen atoms of 2 u")

    def input_text(self) -> str:
        """Detailed input of the program."""
        return (
            f"$md\n   temp={self.temperature_K}\n   time={self.time_ps}\n   dump={self.frame_fs}\n"
            f"   step={self.step_fs}\n   nvt=true\n   velo=false\n   hmass=2\n   shake=0\n$end\n"
            "$wall\n   potential=logfermi\n   sphere: auto, all\n$end\n"
        )


@dataclass(frozen=True, slots=True)
class Annealing:
    """Frames of a run, and the optimised last one with its energy, Eh."""

    frames: list[Geometry]
    quenched: Geometry
    energy: float


class GfnffExecutor:
    """GFN-FF of neutral closed shells; bonds are those of the start geometry and cannot break.

    Parameters
    ----------
    executable : name on PATH, or full path
    """

    name = "xtb"
    install_hint = XtbExecutor.install_hint

    def __init__(self, executable: str = "xtb") -> None:
        self._program = XtbExecutor(executable=executable)

    def found(self) -> bool:
        """Whether the program is here."""
        return self._program.found()

    def version(self) -> str | None:
        """Version text, or ``None`` when the program is not found."""
        return self._program.version()

    def optimize(self, geometry: Geometry, *, timeout_s: float = 600.0) -> tuple[Geometry, float]:
        """Nearest minimum and its energy, Eh.

        Raises
        ------
        MissingDependencyError : no xtb
        ConvergenceError : not converged
        CalculationTimeoutError : past the time limit
        ParseError : the output holds no energy, or other atoms
        """
        with tempfile.TemporaryDirectory(prefix="heliosc-gfnff-") as name:
            return self._optimize(geometry, folder=Path(name), timeout_s=timeout_s)

    def anneal(self, geometry: Geometry, settings: DynamicsSettings, *, timeout_s: float = 3_600.0) -> Annealing:
        """Run, then optimise the last frame with the bonds of the start: a hot frame's own can be perceived wrongly.

        Starting velocities are the program's own, so that two runs differ. The time limit is that of each run of it.

        Raises
        ------
        ConvergenceError : the run became unstable, or the optimisation did not converge
        MissingDependencyError, CalculationTimeoutError, ParseError : see ``optimize``
        """
        with tempfile.TemporaryDirectory(prefix="heliosc-gfnff-") as name:
            folder = Path(name)
            (folder / "md.inp").write_text(settings.input_text())
            text = self._run(geometry, ("--md", "--input", "md.inp"), folder=folder, timeout_s=timeout_s)
            if "normal exit of md()" not in text:
                raise ConvergenceError(
                    "GFN-FF dynamics did not reach its end; take a shorter step, or a start without close contacts. "
                    f"Message: {' '.join(text.split())[-200:]}"
                )
            frames = read_frames(read_output(folder / "xtb.trj"))
            if any(frame.symbols != geometry.symbols for frame in frames):
                raise ParseError(f"xtb wrote frames of other atoms; expected the {geometry.n_atoms} atoms given")
            quenched, energy = self._optimize(frames[-1], folder=folder, timeout_s=timeout_s)
        return Annealing(frames, quenched, energy)

    def _optimize(self, geometry: Geometry, *, folder: Path, timeout_s: float) -> tuple[Geometry, float]:
        """Optimise; the contacts of a cluster are soft, so an unconverged search goes on from where it stopped."""
        text, start = "", geometry
        for _ in range(_OPTIMIZATION_ROUNDS):
            text = self._run(start, ("--opt", "normal", "--cycles", "500"), folder=folder, timeout_s=timeout_s)
            start = Geometry.from_xyz(read_output(folder / "xtbopt.xyz"))
            if "GEOMETRY OPTIMIZATION CONVERGED" in text:  # the file is written, with exit code 0, when it did not too
                break
        else:
            raise classified_error(text, program="xtb")
        energies = _ENERGY.findall(text)
        if start.symbols != geometry.symbols or not energies:
            raise ParseError(f"xtb returned {start.n_atoms} atoms and {len(energies)} energies; expected those given")
        return start, float(energies[-1])

    def _run(self, geometry: Geometry, task: Sequence[str], *, folder: Path, timeout_s: float) -> str:
        path = shutil.which(self._program.executable)
        if path is None or not self.found():
            raise MissingDependencyError(f"GFN-FF needs the xtb program; {self.install_hint}")
        if geometry.n_atoms < 1 or not np.isfinite(geometry.positions).all():
            raise InputError("the geometry is empty or has coordinates that are not finite; expected numbers in A")
        (folder / "start.xyz").write_text(geometry.to_xyz())
        # in a folder that an earlier run has left its topology in, the bonds are read from there
        argv = [path, "start.xyz", "--gfnff", *task, "--chrg", "0", "--parallel", "1"]
        outputs = folder / "stdout", folder / "stderr"
        run_program(
            argv,
            folder=folder,
            stdout=outputs[0],
            stderr=outputs[1],
            timeout_s=timeout_s,
            environment={"OMP_NUM_THREADS": "1", "OMP_STACKSIZE": "2G"},
        )
        text = "\n".join(read_output(path) for path in outputs)
        if _DONE not in text:
            raise classified_error(text, program="xtb")
        return text


def read_frames(text: str) -> list[Geometry]:
    """All frames of an XYZ trajectory.

    Raises
    ------
    ParseError : truncated, or not an XYZ text
    """
    lines = text.splitlines()
    if not lines or not lines[0].strip().isdigit():
        raise ParseError(f"not an XYZ trajectory; first line {text[:40]!r}")
    size = int(lines[0]) + 2
    return [Geometry.from_xyz("\n".join(lines[start : start + size])) for start in range(0, len(lines), size)]
