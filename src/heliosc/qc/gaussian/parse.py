"""Gaussian logs, 09 and 16."""

from __future__ import annotations

import re

import numpy as np

from heliosc.qc.external.outputs import (
    ProgramOutput,
    as_number,
    frontier_orbitals,
    last_integer,
    last_number,
    require_one_job,
)
from heliosc.qc.gaussian import job_type, level, response
from heliosc.qc.geometries import Geometry

VERSION_PATTERN = r"^ (Gaussian \d\d, Revision [A-Z]\.\d+)"

_OPTIMIZES = re.compile(r"\bp?opt\b")
_POPULATION = re.compile(
    r"(?:^ Alpha  occ\. eigenvalues --.*\n)(?:^ (?:Alpha|\s*Beta) .*eigenvalues --.*\n)*", re.MULTILINE
)
_ORIENTATION = re.compile(
    r"(?:Input|Standard|Z-Matrix) orientation:[^\S\n]*\n -+\n.*\n.*\n -+\n((?:[^\S\n]+-?\d.*\n)+) -{5,}"
)
_ATOM = re.compile(r"\s+\d+\s+(-?\d+)\s+-?\d+((?:\s+-?\d+\.\d+){3})\s*")
_STABILITY = re.compile(r"^ The wavefunction (is stable|has an? .*?)(?: instability| under)", re.MULTILINE)
_DUMMY = "-1"  # atomic number of a point that only a Z-matrix needs


def parse_output(text: str) -> ProgramOutput:
    """Read a log of one job.

    Raises
    ------
    ParseError : several jobs in one file, or energies that are not those of one SCF of the ground state
    """
    require_one_job(text, marker="Initial command:", program="Gaussian")
    job_type.refuse_other_jobs(text)
    homo, lumo = orbital_energies(text)
    version = re.search(VERSION_PATTERN, text, re.MULTILINE)
    return ProgramOutput(
        version=version.group(1) if version else None,
        terminated_normally=is_terminated_normally(text),
        scf_converged=is_scf_converged(text),
        optimization_converged=is_optimization_converged(text),
        energy_hartree=last_number(text, r"SCF Done: +E\([^)\n]{1,40}\) =\s*(\S+)"),
        homo_eV=homo,
        lumo_eV=lumo,
        dipole_debye=last_number(text, r"Dipole moment \(field-independent basis, Debye\):\n.*Tot=\s*(\S+)"),
        s_squared=last_number(text, r"S\*\*2 before annihilation\s+([^,\s]+)"),
        charge=last_integer(text, r" Charge = +(-?\d+) Multiplicity"),
        multiplicity=last_integer(text, r" Charge = +-?\d+ Multiplicity = +(\d+)"),
        geometry=last_geometry(text),
        n_energies=text.count("SCF Done:"),
        method=level.method(text),
        basis=level.basis(text),
        dispersion=level.dispersion(text),
        solvent=level.solvent(text),
        excited_states=response.excited_states(text),
        polarizability_A3=response.polarizability(text),
        frequencies_per_cm=response.frequencies(text),
        excitation_method=response.excitation_method(text),
        special_geometry=job_type.special_geometry(text),
        variant=job_type.variant(text),
        instability=instability(text),
    )


def is_terminated_normally(text: str) -> bool:
    """Whether the last job step ended normally; every earlier step prints a banner of its own."""
    last_step = max(text.rfind("Entering Link 1"), text.rfind("Proceeding to internal job step"), 0)
    return "Normal termination of Gaussian" in text[last_step:] and "Error termination" not in text


def is_scf_converged(text: str) -> bool:
    """Whether the last SCF converged; an unconverged one prints ``SCF Done`` too, a line after the warning."""
    last_done = text.rfind("SCF Done:")
    if last_done < 0:
        return False
    before_last = text.rfind("SCF Done:", 0, last_done)
    warned = text.rfind("Convergence criterion not met", max(before_last, 0), last_done) >= 0
    return not warned and "Convergence failure" not in text[last_done:]


def instability(text: str) -> str:
    """What the last analysis of stability found, see ``ProgramOutput``; ``stable=opt`` analyses again where it ends."""
    verdicts = _STABILITY.findall(text)
    if not verdicts or verdicts[-1] == "is stable":
        return ""
    return "internal" if verdicts[-1] == "has an internal" else "external"


def is_optimization_converged(text: str) -> bool | None:
    """Whether the optimisation converged; ``None`` without one. Frequencies alone print the same tables."""
    route = level.route(text).lower()
    if "Berny optimization." not in text or (route and not _OPTIMIZES.search(route)):
        return None
    return "Optimization completed" in text and "Optimization stopped." not in text


def orbital_energies(text: str) -> tuple[float | None, float | None]:
    """HOMO and LUMO of the alpha electrons, eV, from the last population analysis."""
    blocks = _POPULATION.findall(text)
    if not blocks:
        return None, None
    return frontier_orbitals(_eigenvalues(blocks[-1], "Alpha  occ."), _eigenvalues(blocks[-1], "Alpha virt."))


def _eigenvalues(block: str, label: str) -> list[float]:
    """Energies of the lines with a label, hartree, read by columns of ten characters: wide numbers touch.

    Only levels below -999 hartree overflow their column; they are core levels and left out.
    """
    energies = []
    for line in block.splitlines():
        if label in line:
            fields = line.split("-- ", maxsplit=1)[1].rstrip()
            energies += [as_number(fields[i : i + 10].strip()) for i in range(0, len(fields), 10)]
    return [energy for energy in energies if energy is not None]


def last_geometry(text: str) -> Geometry | None:
    """Last geometry, A."""
    from ase.data import chemical_symbols

    blocks = _ORIENTATION.findall(text)
    rows = [_ATOM.fullmatch(line) for line in blocks[-1].splitlines()] if blocks else []
    atoms = [row.groups() for row in rows if row and row.group(1) != _DUMMY]
    if not atoms or not all(rows) or any(int(number) >= len(chemical_symbols) for number, _ in atoms):
        return None
    return Geometry(
        tuple(chemical_symbols[int(number)] for number, _ in atoms),
        np.array([[float(value) for value in position.split()] for _, position in atoms]),
    )
