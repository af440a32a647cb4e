"""The frame of an executor that drives a program through input and output files."""

from __future__ import annotations

import re
import shutil
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

from heliosc.errors import (
    CalculationTimeoutError,
    HelioscError,
    MissingDependencyError,
    ParseError,
    TransientError,
)
from heliosc.qc.executors import OptimizedGeometry, SinglePoint
from heliosc.qc.external.outputs import ErrorRule, ProgramOutput, classify, failure_reason
from heliosc.qc.external.process import probe_program, run_program
from heliosc.qc.external.settings import Job, ProgramSettings
from heliosc.qc.geometries import Geometry

MAX_OUTPUT_BYTES = 500_000_000
_KNOWN_VERSIONS: dict[tuple[str, str], str] = {}  # (program, path) -> version; only successes are remembered


@dataclass(frozen=True, slots=True)
class Invocation:
    """How a program is called; file names are relative to the scratch folder.

    Attributes
    ----------
    stdin : input file that is fed to standard input, for programs that read it there
    output : where the program writes its log; ``stdout`` unless it opens a file itself
    """

    argv: tuple[str, ...]
    input_name: str
    stdin: str | None = None
    output: str = "stdout"
    environment: Mapping[str, str] | None = None


class ExternalExecutor(ABC):
    """Runs one job: input, process, output, checks.

    Every job has its own scratch folder. It is removed after a success; after a failure the input and the texts
    that the program wrote stay there, and the error names the folder.

    Parameters
    ----------
    settings : method, basis and resources
    executable : name on PATH, or full path
    scratch : folder in which scratch folders are made; the system's temporary folder by default
    """

    name: str
    install_hint: str
    default_settings: ClassVar[ProgramSettings]
    default_executable: ClassVar[str]
    error_rules: ClassVar[tuple[ErrorRule, ...]]

    def __init__(
        self,
        settings: ProgramSettings | None = None,
        *,
        executable: str | None = None,
        scratch: Path | None = None,
    ) -> None:
        self.settings = settings or self.default_settings
        self.executable = executable or self.default_executable
        self.scratch = scratch
        self.check_settings(self.settings)

    @property
    def level(self) -> str:
        """Level of theory of its single points, e.g. ``b3lyp/def2-svp[psi4]``."""
        return self.settings.level(self.name)

    def found(self) -> bool:
        """Whether the program is here, recognised by what it says about itself and not by its name."""
        return self.version() is not None

    def version(self) -> str | None:
        """Version text, or ``None`` when the program is not found or does not answer in time."""
        try:
            return self._recognize()[1]
        except (MissingDependencyError, TransientError):
            return None

    def single_point(
        self, geometry: Geometry, *, charge: int, multiplicity: int, timeout_s: float | None = None
    ) -> SinglePoint:
        """Energy and orbitals at one geometry.

        Raises
        ------
        HelioscError : see ``heliosc.errors``; the class tells the remedy
        """
        job = Job(geometry, charge, multiplicity, "energy")
        return self._single_point(self._run(job, timeout_s=timeout_s), job=job)

    def optimize(
        self, geometry: Geometry, *, charge: int, multiplicity: int, timeout_s: float | None = None
    ) -> OptimizedGeometry:
        """Nearest minimum from a start geometry, in the program's own optimiser.

        Raises
        ------
        HelioscError : see ``heliosc.errors``; the class tells the remedy
        """
        job = Job(geometry, charge, multiplicity, "optimize")
        output = self._run(job, timeout_s=timeout_s)
        if output.geometry is None:
            raise ParseError(f"{self.name}: the output holds no final geometry")
        return OptimizedGeometry(output.geometry, self._single_point(output, job=job), output.n_energies)

    @abstractmethod
    def check_settings(self, settings: ProgramSettings) -> None:
        """Raise ``InputError`` for settings that this program cannot take."""

    @abstractmethod
    def probe(self, path: str) -> str | None:
        """Version of the program at a path; ``None`` when it is something else. May raise its timeout."""

    @abstractmethod
    def build_input(self, job: Job) -> str:
        """Text of the input file."""

    @abstractmethod
    def invocation(self, path: str, *, folder: Path) -> Invocation:
        """How the program is called in a scratch folder."""

    @abstractmethod
    def parse(self, text: str) -> ProgramOutput:
        """Read an output."""

    def _single_point(self, output: ProgramOutput, *, job: Job) -> SinglePoint:
        if output.energy_hartree is None:
            raise ParseError(f"{self.name}: the output holds no energy")
        return SinglePoint(
            energy_hartree=output.energy_hartree,
            level=self.level,
            homo_eV=output.homo_eV,
            lumo_eV=output.lumo_eV,
            # an ion's dipole depends on the origin of the coordinates: reporting it would invite comparison
            dipole_debye=output.dipole_debye if job.charge == 0 else None,
            s_squared=output.s_squared,
        )

    def _recognize(self) -> tuple[str, str]:
        """Full path and version."""
        path = shutil.which(self.executable)
        if path is None:
            raise MissingDependencyError(f"{self.name} is not here: {self.executable!r} not found; {self.install_hint}")
        path = str(Path(path).resolve())
        version = _KNOWN_VERSIONS.get((self.name, path))
        if version is None:
            try:
                version = self.probe(path)
            except CalculationTimeoutError as error:
                # a busy machine, or another program of that name that stays open
                raise TransientError(f"cannot tell whether {path} is {self.name}: {error}") from error
        if version is None:
            raise MissingDependencyError(f"{path} is not {self.name}; {self.install_hint}")
        return path, _KNOWN_VERSIONS.setdefault((self.name, path), version)

    def _run(self, job: Job, *, timeout_s: float | None) -> ProgramOutput:
        path, _ = self._recognize()
        if self.scratch is not None:
            self.scratch.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f"{self.name}-", dir=self.scratch)).resolve()
        invocation = self.invocation(path, folder=folder)
        settings = self.settings if timeout_s is None else replace(self.settings, timeout_s=timeout_s)
        try:
            output = self._calculate(job, invocation, folder=folder, timeout_s=settings.timeout_s)
        except HelioscError as error:
            keep_texts(folder, names=(invocation.input_name, invocation.output, "stdout", "stderr"))
            raise type(error)(f"{self.name}: {error} (files kept in {folder})") from error
        except BaseException:  # Ctrl-C: nothing is worth keeping
            shutil.rmtree(folder, ignore_errors=True)
            raise
        shutil.rmtree(folder, ignore_errors=True)
        return output

    def _calculate(self, job: Job, invocation: Invocation, *, folder: Path, timeout_s: float) -> ProgramOutput:
        (folder / invocation.input_name).write_text(self.build_input(job))
        threads = str(self.settings.n_cores)
        outcome = run_program(
            invocation.argv,
            folder=folder,
            stdout=folder / "stdout",
            stderr=folder / "stderr",
            timeout_s=timeout_s,
            environment={"OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads, **(invocation.environment or {})},
            stdin=None if invocation.stdin is None else folder / invocation.stdin,
        )
        text = read_output(folder / invocation.output)
        output = self.parse(text)
        reason = failure_reason(output, job=job, exit_code=outcome.exit_code)
        if reason is not None:
            texts = dict.fromkeys((invocation.output, "stdout", "stderr"))
            everything = "\n".join(read_output(folder / name) for name in texts)
            raise classify(everything, rules=self.error_rules, output=output, reason=reason)
        return output


def read_output(path: Path) -> str:
    """Text of an output; empty when the program wrote none.

    Raises
    ------
    ParseError : far larger than any real output
    """
    if not path.exists():
        return ""
    if path.stat().st_size > MAX_OUTPUT_BYTES:
        raise ParseError(f"{path.name} has {path.stat().st_size} bytes; expected at most {MAX_OUTPUT_BYTES}")
    return path.read_text(errors="replace")


def keep_texts(folder: Path, *, names: Sequence[str]) -> None:
    """Remove everything but the named files from a scratch folder: orbital and integral files can be gigabytes."""
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        elif path.name not in names:
            path.unlink(missing_ok=True)


def probe_version(argv: Sequence[str], *, pattern: str, timeout_s: float, stdin_text: str = "") -> str | None:
    """First group of a pattern in what a program prints; ``None`` when it is absent.

    Raises
    ------
    CalculationTimeoutError : the program did not end in time
    """
    match = re.search(pattern, probe_program(argv, timeout_s=timeout_s, stdin_text=stdin_text), re.MULTILINE)
    return match.group(1) if match else None
