"""ORCA outputs, 4 to 6."""

from __future__ import annotations

import re

import numpy as np

from heliosc.qc.external.outputs import (
    ProgramOutput,
    frontier_orbitals,
    last_integer,
    last_number,
    require_one_job,
)
from heliosc.qc.geometries import Geometry

VERSION_PATTERN = r"Program Version\s+(\d\S*)"

_ORBITAL_LINE = re.compile(r"^\s*\d+\s+(\d\.\d{4})\s+(-?\d+\.\d+)\s+-?\d+\.\d+", re.MULTILINE)
_COORDINATES = re.compile(
    r"CARTESIAN COORDINATES \(ANGSTROEM\)\n-+\n((?:[^\S\n]*[A-Z][a-z]?(?:[^\S\n]+-?\d+\.\d+){3}[^\S\n]*\n)+)"
)


def parse_output(text: str) -> ProgramOutput:
    """Read an output of one job.

    Raises
    ------
    ParseError : several jobs in one file
    """
    require_one_job(text, marker="Program Version", program="ORCA")
    homo, lumo = orbital_energies(text)
    version = re.search(VERSION_PATTERN, text)
    return ProgramOutput(
        version=version.group(1) if version else None,
        terminated_normally="****ORCA TERMINATED NORMALLY****" in text,
        scf_converged=is_scf_converged(text),
        optimization_converged=is_optimization_converged(text),
        energy_hartree=last_number(text, r"FINAL SINGLE POINT ENERGY\s+(\S+)"),
        homo_eV=homo,
        lumo_eV=lumo,
        dipole_debye=last_number(text, r"Magnitude \(Debye\)\s*:\s*(\S+)"),
        s_squared=last_number(text, r"Expectation value of <S\*\*2>\s*:\s*(\S+)"),
        charge=last_integer(text, r"^\s*Total Charge\s+Charge\s+\.+\s*(-?\d+)"),
        multiplicity=last_integer(text, r"^\s*Multiplicity\s+Mult\s+\.+\s*(\d+)"),
        geometry=last_geometry(text),
        n_energies=text.count("FINAL SINGLE POINT ENERGY"),
    )


def is_scf_converged(text: str) -> bool:
    """Whether the last SCF converged; an unconverged one still prints a final energy."""
    failed = max(text.rfind("SCF NOT CONVERGED AFTER"), text.rfind("SCF not fully converged!"))
    return text.rfind("SCF CONVERGED AFTER") > failed


def is_optimization_converged(text: str) -> bool | None:
    """Whether the optimisation converged; ``None`` without one. The closing banner does not tell."""
    if "THE OPTIMIZATION HAS CONVERGED" in text:
        return True
    return False if "GEOMETRY OPTIMIZATION CYCLE" in text else None


def orbital_energies(text: str) -> tuple[float | None, float | None]:
    """HOMO and LUMO of the alpha electrons, eV, from the last orbital block."""
    start = text.rfind("ORBITAL ENERGIES\n")
    if start < 0:
        return None, None
    block = text[start:].split("SPIN DOWN ORBITALS", maxsplit=1)[0].split("MULLIKEN", maxsplit=1)[0]
    orbitals = [(float(occupation), float(energy)) for occupation, energy in _ORBITAL_LINE.findall(block)]
    occupied = [energy for occupation, energy in orbitals if occupation > 0]
    virtual = [energy for occupation, energy in orbitals if occupation == 0]
    return frontier_orbitals(occupied, virtual)


def last_geometry(text: str) -> Geometry | None:
    """Last geometry, A."""
    blocks = _COORDINATES.findall(text)
    if not blocks:
        return None
    fields = [line.split() for line in blocks[-1].splitlines() if line.strip()]
    return Geometry(
        tuple(field[0] for field in fields), np.array([[float(value) for value in field[1:4]] for field in fields])
    )
