"""What an output says, whether that is a success, and which error it is otherwise."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from heliosc.errors import CalculationTimeoutError, ConvergenceError, HelioscError, ParseError
from heliosc.qc.external.settings import Job, ProgramSettings
from heliosc.qc.geometries import Geometry
from heliosc.qc.methods import same_basis, same_functional
from heliosc.qc.units import HARTREE_EV

UNSTABLE = "the SCF ended on an unstable solution: a lower state of the same kind exists"
_MAX_DIGITS = 10  # of an integer; a damaged file may hold thousands


@dataclass(frozen=True, slots=True)
class ExcitedState:
    """One vertical excitation from a closed-shell ground state.

    Attributes
    ----------
    multiplicity : 1 or 3
    energy_eV : above the ground state at the same geometry
    oscillator_strength : length gauge; ``None`` = not given
    """

    multiplicity: int
    energy_eV: float
    oscillator_strength: float | None = None


@dataclass(frozen=True, slots=True)
class ProgramOutput:
    """One parsed output; ``None`` = the output does not say.

    Attributes
    ----------
    terminated_normally : the program's own closing banner is there
    optimization_converged : ``None`` when nothing was optimised
    homo_eV, lumo_eV : of the alpha orbitals
    geometry : last geometry
    n_energies : how many energies were computed
    method, basis : as the program names what it ran, to be held against what was asked
    dispersion : its dispersion correction, ``none`` when it says that it used none
    solvent : model and solvent as the program names them, ``none`` in the gas phase
    excited_states : in the order of the program, singlets before triplets
    excitation_method : ``tda`` (CIS too) or ``td``
    polarizability_A3 : isotropic static polarizability
    frequencies_per_cm : harmonic, imaginary ones negative
    notes : what was tried and given up within the job, in words
    special_geometry : what the last geometry is when the search for it was not for a free minimum
    variant : what sets the method apart from its name, e.g. ``zora``, ``ro``; empty for the method as it is
    instability : what the last analysis of stability found: ``internal`` (a lower state of the same kind), ``external``
        (one with other restrictions, such as an unrestricted singlet); empty when stable or not analysed
    """

    version: str | None
    terminated_normally: bool
    scf_converged: bool
    optimization_converged: bool | None
    energy_hartree: float | None
    homo_eV: float | None
    lumo_eV: float | None
    dipole_debye: float | None
    s_squared: float | None
    charge: int | None
    multiplicity: int | None
    geometry: Geometry | None
    n_energies: int
    method: str | None = None
    basis: str | None = None
    dispersion: str | None = None
    solvent: str | None = None
    excited_states: tuple[ExcitedState, ...] = ()
    polarizability_A3: float | None = None
    frequencies_per_cm: tuple[float, ...] = ()
    excitation_method: str | None = None
    notes: tuple[str, ...] = ()
    special_geometry: str | None = None
    variant: str = ""
    instability: str = ""


@dataclass(frozen=True, slots=True)
class ErrorRule:
    """A text found in failed outputs, the class of error it means and the next step."""

    pattern: str
    error: type[HelioscError]
    remedy: str


def failure_reason(
    output: ProgramOutput, *, job: Job, exit_code: int, settings: ProgramSettings | None = None
) -> str | None:
    """Why an output is not a success; ``None`` when it is one.

    Parameters
    ----------
    settings : what was asked for; functional and basis are held against it where the output names them
    """
    if not output.terminated_normally:
        return f"there is no closing banner (exit code {exit_code})"
    if not output.scf_converged:
        return "the SCF did not converge"
    if output.instability == "internal":
        return UNSTABLE
    if job.task == "optimize" and not output.optimization_converged:
        return "the optimisation did not converge"
    if exit_code != 0:
        return f"the exit code is {exit_code}"
    if output.energy_hartree is None or not math.isfinite(output.energy_hartree):
        return f"the energy is {output.energy_hartree}"
    return _mismatch(output, job=job) or (None if settings is None else _other_method(output, settings=settings))


def _mismatch(output: ProgramOutput, *, job: Job) -> str | None:
    got = (output.charge, output.multiplicity)
    if got != (job.charge, job.multiplicity):
        return f"charge and multiplicity are {got}, asked {(job.charge, job.multiplicity)}"
    symbols = None if output.geometry is None else output.geometry.symbols
    if symbols != job.geometry.symbols:
        return f"the atoms are {symbols}, asked {job.geometry.symbols}"
    return None


def _other_method(output: ProgramOutput, *, settings: ProgramSettings) -> str | None:
    if output.basis is not None and not same_basis(settings.basis, output.basis):
        return f"the basis is {output.basis}, asked {settings.basis}"
    if output.method is not None and not same_functional(settings.method, output.method):
        return f"the method is {output.method}, asked {settings.method}"
    if output.variant:
        return f"the method is {settings.method} changed to {output.variant}, asked plain {settings.method}"
    if output.solvent is not None and (output.solvent != "none") != bool(settings.solvation):
        return f"the solvent is {output.solvent}, asked {settings.solvent or 'none'}"
    return None


def classify(text: str, *, rules: Sequence[ErrorRule], output: ProgramOutput, reason: str) -> HelioscError:
    """The error behind a failed output: the first rule whose text is found, else by what the output lacks."""
    for rule in rules:
        match = re.search(rule.pattern, text)
        if match:
            return rule.error(f"{reason}; found {match.group(0).strip()[:120]!r}; {rule.remedy}")
    if not output.terminated_normally:
        return CalculationTimeoutError(
            f"{reason} and no known error message: probably killed by a time or memory limit; give it more of either"
        )
    if not output.scf_converged or output.optimization_converged is False or output.instability == "internal":
        return ConvergenceError(f"{reason}; try another start geometry or other convergence keywords")
    return ParseError(f"{reason}; the output does not hold what was asked for")


def require_one_job(text: str, *, marker: str, program: str) -> None:
    """Refuse a file of several jobs, whose values would be mixed.

    Raises
    ------
    ParseError : the opening text occurs more than once
    """
    n_jobs = text.count(marker)
    if n_jobs > 1:
        raise ParseError(f"{program} output holds {n_jobs} jobs; expected one, split the file at {marker!r}")


def last_number(text: str, pattern: str) -> float | None:
    """Number in the last match of a pattern with one group.

    The last match decides even when it holds ``****`` or ``NaN``: an older value must not stand in for it.
    """
    matches = re.findall(pattern, text, re.MULTILINE)
    return as_number(matches[-1]) if matches else None


def last_integer(text: str, pattern: str) -> int | None:
    """Integer in the last match of a pattern with one group."""
    matches = re.findall(pattern, text, re.MULTILINE)
    return int(matches[-1]) if matches and len(matches[-1]) < _MAX_DIGITS else None


def as_number(text: str) -> float | None:
    """A finite number, Fortran exponents included; ``None`` for anything else."""
    try:
        number = float(text.replace("D", "E"))
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def frontier_orbitals(occupied: Sequence[float], virtual: Sequence[float]) -> tuple[float | None, float | None]:
    """HOMO and LUMO in eV from orbital energies in hartree."""
    homo = max(occupied) * HARTREE_EV if occupied else None
    lumo = min(virtual) * HARTREE_EV if virtual else None
    return homo, lumo
