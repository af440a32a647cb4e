"""One job of an output file: read and checked, or refused with the reason."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from heliosc.errors import HelioscError, ParseError
from heliosc.qc.external.outputs import UNSTABLE, ProgramOutput, classify
from heliosc.qc.geometries import Geometry, electron_count
from heliosc.qc.logs.files import LogFile
from heliosc.qc.logs.naming import is_in_vocabulary, level_name
from heliosc.qc.logs.programs import PROGRAMS, JobText, split_jobs
from heliosc.qc.logs.xtb_geometry import geometry_beside
from heliosc.qc.xtb.parse import vertical_energies

MAX_SPIN_CONTAMINATION = 0.1
MAX_ATOMS = 1_000
_MAX_KEYWORDS = 500  # characters that are kept
_IMAGINARY_PER_CM = -20.0  # below it a frequency is no numerical noise
_SADDLE_POINT_PER_CM = -100.0  # below it no soft rotation either


@dataclass(frozen=True, slots=True)
class LogSource:
    """Where a job stands.

    Attributes
    ----------
    file : path relative to the folder
    part, n_parts : number of the job in its file, from 1, and how many the file holds
    """

    file: str
    sha256: str
    part: int = 1
    n_parts: int = 1

    def __str__(self) -> str:
        return self.file if self.n_parts == 1 else f"{self.file} (job {self.part} of {self.n_parts})"


@dataclass(frozen=True, slots=True)
class LogJob:
    """A job whose numbers can be used.

    Attributes
    ----------
    level : level of theory of its energies
    output : what it says; its geometry is the one that the energies belong to
    keywords : what the output repeats of its input
    geometry_file : file beside the output that holds the geometry, for programs that do not print it
    vertical_eV : vertical IE and EA that the program computed itself (``xtb --vipea``), without empirical shift
    flags : reasons for care
    """

    source: LogSource
    program: str
    level: str
    output: ProgramOutput
    energy_hartree: float
    charge: int
    multiplicity: int
    keywords: str = ""
    geometry_file: str | None = None
    vertical_eV: tuple[float | None, float | None] = (None, None)
    flags: tuple[str, ...] = ()

    @property
    def geometry(self) -> Geometry | None:
        return self.output.geometry

    @property
    def is_minimum(self) -> bool:
        """Whether its geometry is the end of a converged optimisation of this state."""
        return self.output.optimization_converged is True and self.output.special_geometry is None


@dataclass(frozen=True, slots=True)
class LogFailure:
    """A file, or a job in it, without usable numbers.

    Attributes
    ----------
    error_class : ``input``, ``convergence``, ``resource``, ``transient``, ``timeout``, ``missing`` or ``parse``
    reason : what was found and the next step
    """

    source: LogSource
    program: str | None
    version: str | None
    error_class: str
    reason: str


def read_jobs(log: LogFile, *, folder: Path) -> Iterator[LogJob | LogFailure]:
    """Every job of a file.

    Parameters
    ----------
    folder : where the file lies; xtb leaves geometries beside its output
    """
    jobs = split_jobs(log.text)
    for part, job in enumerate(jobs, start=1):
        source = LogSource(log.name, log.sha256, part, len(jobs))
        try:
            output = PROGRAMS[job.program].parse(job.text)
            yield _checked(job, output, source=source, folder=folder)
        except HelioscError as error:
            found = re.search(PROGRAMS[job.program].version, job.text, re.MULTILINE)
            yield LogFailure(source, job.program, found.group(1) if found else None, error.kind, str(error))


def _checked(job: JobText, output: ProgramOutput, *, source: LogSource, folder: Path) -> LogJob:
    """The job, when nothing speaks against it.

    Raises
    ------
    HelioscError : the class and the message say what does
    """
    energy = _energy_of_success(job, output)
    level = level_name(output, program=job.program)
    charge, multiplicity = output.charge, 1 if level.startswith("gfnff") else output.multiplicity
    if charge is None or multiplicity is None:
        raise ParseError("charge or multiplicity not found: the head of the output is missing, or little was printed")
    geometry, geometry_file = _geometry(job, output, energy_hartree=energy, folder=folder)
    if geometry is not None:
        check_state(geometry, charge=charge, multiplicity=multiplicity)
    special = output.special_geometry or _saddle_point(output)
    output = replace(output, geometry=geometry, special_geometry=special)
    return LogJob(
        source=source,
        program=job.program,
        level=level,
        output=output,
        energy_hartree=energy,
        charge=charge,
        multiplicity=multiplicity,
        keywords=PROGRAMS[job.program].keywords(job.text)[:_MAX_KEYWORDS],
        geometry_file=geometry_file,
        vertical_eV=vertical_energies(job.text) if job.program == "xtb" else (None, None),
        flags=tuple(_flags(job, output, level=level, multiplicity=multiplicity, source=source)),
    )


def _energy_of_success(job: JobText, output: ProgramOutput) -> float:
    """Energy, Eh, of a job that came to its end.

    Raises
    ------
    HelioscError : it did not, or the energy is no number
    """
    if output.terminated_normally and output.version is None:
        raise ParseError("the head of the output is missing: it ends normally but names no version; copy it again")
    reason = unfinished(output)
    rules = PROGRAMS[job.program].error_rules
    is_unsupported = output.terminated_normally and not _is_supported(job, output)
    if reason and is_unsupported and not any(re.search(rule.pattern, job.text) for rule in rules):
        raise ParseError(f"version {output.version} of {job.program} is not supported: {reason}, as far as can be read")
    if reason:
        raise classify(job.text, rules=rules, output=output, reason=reason)
    if output.energy_hartree is None or not math.isfinite(output.energy_hartree):
        raise ParseError("the output ends normally but holds no energy, or one that is no number")
    return output.energy_hartree


def _is_supported(job: JobText, output: ProgramOutput) -> bool:
    return re.match(PROGRAMS[job.program].supported, output.version or "") is not None


def _geometry(
    job: JobText, output: ProgramOutput, *, energy_hartree: float, folder: Path
) -> tuple[Geometry | None, str | None]:
    """Geometry, and the file beside the output it was read from; only xtb may go without.

    Raises
    ------
    ParseError : another program's output holds no complete geometry
    """
    if output.geometry is not None:
        return output.geometry, None
    if job.program == "xtb":
        return geometry_beside(job.text, energy_hartree=energy_hartree, folder=folder)
    raise ParseError("the output holds no complete geometry: coordinates are missing or are no numbers")


def _saddle_point(output: ProgramOutput) -> str | None:
    lowest = min(output.frequencies_per_cm, default=0.0)
    return f"a saddle point (mode of {lowest:.0f} cm^-1)" if lowest < _SADDLE_POINT_PER_CM else None


def unfinished(output: ProgramOutput) -> str | None:
    """Why an output is no success; ``None`` when it is one. The closing banner alone does not tell."""
    if not output.terminated_normally:
        return "there is no closing banner: truncated, killed or failed"
    if output.energy_hartree is not None and not output.scf_converged:
        return "the SCF did not converge"
    if output.instability == "internal":
        return UNSTABLE
    if output.optimization_converged is False:
        return "the optimisation did not converge"
    return None


def check_state(geometry: Geometry, *, charge: int, multiplicity: int) -> None:
    """Refuse what cannot be: coordinates that are no numbers, unknown elements, a spin the electrons cannot have.

    Raises
    ------
    ParseError : see above
    """
    if geometry.n_atoms > MAX_ATOMS:
        raise ParseError(f"{geometry.n_atoms} atoms; expected one molecule of at most {MAX_ATOMS}")
    if not np.isfinite(geometry.positions).all():
        raise ParseError("the geometry holds coordinates that are not finite")
    try:
        n_electrons = electron_count(geometry.symbols, charge=charge)
    except KeyError as error:
        raise ParseError(f"the geometry holds an unknown element {error}; ghost atoms are not supported") from error
    if not 1 <= multiplicity <= n_electrons + 1 or (n_electrons - multiplicity + 1) % 2:
        raise ParseError(f"{n_electrons} electrons cannot have multiplicity {multiplicity}: the output is damaged")


def _flags(job: JobText, output: ProgramOutput, *, level: str, multiplicity: int, source: LogSource) -> Iterator[str]:
    if not _is_supported(job, output):
        yield f"version {output.version} of {job.program} is older or newer than those that were tried"
    spin = (multiplicity - 1) / 2
    if output.s_squared is not None and abs(output.s_squared - spin * (spin + 1)) > MAX_SPIN_CONTAMINATION:
        yield f"spin contamination: <S^2> is {output.s_squared:.3f}, expected {spin * (spin + 1):.2f}"
    if output.instability == "external":
        yield "unstable against an unrestricted or complex solution: the closed shell is no ground state"
    n_imaginary = sum(frequency < _IMAGINARY_PER_CM for frequency in output.frequencies_per_cm)
    if n_imaginary:
        yield f"{n_imaginary} imaginary frequencies: no minimum; displace along the mode and optimise again"
    if output.special_geometry:
        yield f"{output.special_geometry}: its geometry is no minimum, and gives no property values"
    if source.n_parts > 1:
        yield f"one of {source.n_parts} jobs in one file"
    if not is_in_vocabulary(level):
        yield f"energies of {level} are no property values"
    if output.geometry is None:
        yield "no geometry in the output or beside it"
