"""The frame of an executor that drives a program through input and output files."""

from __future__ import annotations

import hashlib
import re
import shutil
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from heliosc.errors import (
    CalculationTimeoutError,
    HelioscError,
    MissingDependencyError,
    ParseError,
    TransientError,
)
from heliosc.qc.executors import Excitations, OptimizedGeometry, SinglePoint
from heliosc.qc.external.outputs import ErrorRule, ProgramOutput, classify, failure_reason
from heliosc.qc.external.process import probe_program, run_program
from heliosc.qc.external.remedies import COMMON_LADDERS, Climb, Ladders
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


@dataclass(frozen=True, slots=True)
class Trial:
    """How one attempt ended; ``error`` is ``None`` after a success."""

    output: ProgramOutput | None
    error: HelioscError | None
    folder: Path


class ExternalExecutor(ABC):
    """Runs one job: input, process, output, checks, and the remedies when it fails.

    Every attempt has its own scratch folder, named by a hash of its input. It is removed after a success; after the
    last failure the input and the texts that the program wrote stay there, and the error names the folder.

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
    ladders: ClassVar[Ladders]

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

    def build_input(self, job: Job) -> str:
        """Text of the input file."""
        return self.input_text(job, settings=self.settings)

    def single_point(
        self, geometry: Geometry, *, charge: int, multiplicity: int, timeout_s: float | None = None
    ) -> SinglePoint:
        """Energy and orbitals at one geometry.

        Raises
        ------
        HelioscError : see ``heliosc.errors``; the class tells the remedy
        """
        job = Job(geometry, charge, multiplicity, "energy")
        return self._single_point(*self._run(job, timeout_s=timeout_s), job=job)

    def optimize(
        self, geometry: Geometry, *, charge: int, multiplicity: int, timeout_s: float | None = None
    ) -> OptimizedGeometry:
        """Nearest minimum from a start geometry, in the program's own optimiser.

        Raises
        ------
        HelioscError : see ``heliosc.errors``; the class tells the remedy
        """
        job = Job(geometry, charge, multiplicity, "optimize")
        output, attempts = self._run(job, timeout_s=timeout_s)
        if output.geometry is None:
            raise ParseError(f"{self.name}: the output holds no final geometry")
        return OptimizedGeometry(output.geometry, self._single_point(output, attempts, job=job), output.n_energies)

    def excitations(self, geometry: Geometry, *, timeout_s: float | None = None) -> Excitations:
        """S1 with its oscillator strength, and T1 where the program gives it, of a neutral closed shell (TDA).

        Raises
        ------
        HelioscError : see ``heliosc.errors``; ``ParseError`` when the output lacks a state
        """
        output, attempts = self._run(Job(geometry, 0, 1, "excitations"), timeout_s=timeout_s)
        singlets = [state for state in output.excited_states if state.multiplicity == 1]
        triplets = [state.energy_eV for state in output.excited_states if state.multiplicity == 3]
        if not singlets or singlets[0].oscillator_strength is None:
            raise ParseError(f"{self.name}: the output holds no singlet excitation with its oscillator strength")
        first, triplet = min(singlets, key=lambda state: state.energy_eV), min(triplets, default=None)
        return Excitations(first.energy_eV, first.oscillator_strength or 0.0, f"tda-{self.level}", triplet, attempts)

    def polarizability(self, geometry: Geometry, *, timeout_s: float | None = None) -> float:
        """Isotropic static polarizability of a neutral closed shell, A^3.

        Raises
        ------
        HelioscError : see ``heliosc.errors``
        """
        output, _ = self._run(Job(geometry, 0, 1, "polarizability"), timeout_s=timeout_s)
        if output.polarizability_A3 is None:
            raise ParseError(f"{self.name}: the output holds no polarizability")
        return output.polarizability_A3

    def frequencies(
        self, geometry: Geometry, *, charge: int, multiplicity: int, timeout_s: float | None = None
    ) -> tuple[float, ...]:
        """Harmonic frequencies, cm^-1, ascending, imaginary ones negative.

        Raises
        ------
        HelioscError : see ``heliosc.errors``
        """
        output, _ = self._run(Job(geometry, charge, multiplicity, "frequencies"), timeout_s=timeout_s)
        if not output.frequencies_per_cm:
            raise ParseError(f"{self.name}: the output holds no frequencies")
        return tuple(sorted(output.frequencies_per_cm))

    @staticmethod
    @abstractmethod
    def check_settings(settings: ProgramSettings) -> None:
        """Raise ``InputError`` for settings that this program cannot take."""

    @staticmethod
    @abstractmethod
    def input_text(job: Job, *, settings: ProgramSettings) -> str:
        """Text of the input file."""

    @staticmethod
    def guess_text(job: Job, *, settings: ProgramSettings) -> str:
        """Input whose orbitals, in a smaller basis, the job starts from; empty where the program needs none."""
        return ""

    @staticmethod
    @abstractmethod
    def parse(text: str) -> ProgramOutput:
        """Read an output."""

    @abstractmethod
    def probe(self, path: str) -> str | None:
        """Version of the program at a path; ``None`` when it is something else. May raise its timeout."""

    @abstractmethod
    def invocation(self, path: str, job: Job, *, folder: Path, stem: str, settings: ProgramSettings) -> Invocation:
        """How the program is called in a scratch folder on the input named ``stem`` (``input`` or ``guess``)."""

    def completed(self, output: ProgramOutput, *, job: Job) -> ProgramOutput:
        """The output with what the program does not repeat; by default nothing is added."""
        return output

    def _single_point(self, output: ProgramOutput, attempts: tuple[str, ...], *, job: Job) -> SinglePoint:
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
            attempts=attempts,
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

    def _run(self, job: Job, *, timeout_s: float | None) -> tuple[ProgramOutput, tuple[str, ...]]:
        """Output of the first attempt that succeeds, and what failed before it; all attempts share the time limit."""
        path, _ = self._recognize()
        deadline = time.monotonic() + (self.settings.timeout_s if timeout_s is None else timeout_s)
        climb = Climb({**COMMON_LADDERS, **self.ladders}, self.settings, job)
        while True:
            trial = self._attempt(path, climb.job, settings=climb.settings, deadline=deadline)
            if trial.output is not None and trial.error is None:
                return trial.output, (*climb.attempts, *trial.output.notes)
            error = trial.error or ParseError("nothing was read")
            before = list(climb.attempts)
            if not climb.step_up(error, trial.output):
                tried = f"; tried before: {'; '.join(before)}" if before else ""
                raise type(error)(f"{self.name}: {error} (files kept in {trial.folder}){tried}") from error
            shutil.rmtree(trial.folder, ignore_errors=True)

    def _attempt(self, path: str, job: Job, *, settings: ProgramSettings, deadline: float) -> Trial:
        text = self.input_text(job, settings=settings)
        if self.scratch is not None:
            self.scratch.mkdir(parents=True, exist_ok=True)
        digest = hashlib.sha256(text.encode()).hexdigest()[:12]
        folder = Path(tempfile.mkdtemp(prefix=f"{self.name}-{digest}-", dir=self.scratch)).resolve()
        invocation = self.invocation(path, job, folder=folder, stem="input", settings=settings)
        try:
            self._make_guess(path, job, settings=settings, folder=folder, deadline=deadline)
            output, error = self._calculate(text, invocation, job=job, settings=settings, folder=folder, end=deadline)
        except HelioscError as failure:
            output, error = None, failure
        except BaseException:  # Ctrl-C: nothing is worth keeping
            shutil.rmtree(folder, ignore_errors=True)
            raise
        if error is None:
            shutil.rmtree(folder, ignore_errors=True)
        else:
            keep_texts(folder, names=(invocation.input_name, invocation.output, "stdout", "stderr"))
        return Trial(output, error, folder)

    def _make_guess(self, path: str, job: Job, *, settings: ProgramSettings, folder: Path, deadline: float) -> None:
        """Orbitals in a smaller basis, left in the folder; should that fail too, the job starts without them."""
        text = self.guess_text(job, settings=settings) if settings.guess else ""
        if not text:
            return
        invocation = self.invocation(path, job, folder=folder, stem="guess", settings=settings)
        (folder / invocation.input_name).write_text(text)
        self._execute(invocation, settings=settings, folder=folder, end=deadline)

    def _calculate(
        self, text: str, invocation: Invocation, *, job: Job, settings: ProgramSettings, folder: Path, end: float
    ) -> tuple[ProgramOutput, HelioscError | None]:
        (folder / invocation.input_name).write_text(text)
        exit_code = self._execute(invocation, settings=settings, folder=folder, end=end)
        output = self.completed(self.parse(read_output(folder / invocation.output)), job=job)
        reason = failure_reason(output, job=job, exit_code=exit_code, settings=settings)
        if reason is None:
            return output, None
        texts = dict.fromkeys((invocation.output, "stdout", "stderr"))
        everything = "\n".join(read_output(folder / name) for name in texts)
        return output, classify(everything, rules=self.error_rules, output=output, reason=reason)

    def _execute(self, invocation: Invocation, *, settings: ProgramSettings, folder: Path, end: float) -> int:
        threads = str(settings.n_cores)
        outcome = run_program(
            invocation.argv,
            folder=folder,
            stdout=folder / "stdout",
            stderr=folder / "stderr",
            timeout_s=max(round(end - time.monotonic(), 1), 0.1),
            environment={"OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads, **(invocation.environment or {})},
            stdin=None if invocation.stdin is None else folder / invocation.stdin,
        )
        return outcome.exit_code


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
