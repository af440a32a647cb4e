"""ORCA outputs, 4 to 6."""

from __future__ import annotations

import re

import numpy as np

from heliosc.errors import ParseError
from heliosc.qc.external.outputs import (
    ProgramOutput,
    as_number,
    frontier_orbitals,
    last_integer,
    last_number,
    require_one_job,
)
from heliosc.qc.geometries import Geometry
from heliosc.qc.orca import chain, job_type, level, response

VERSION_PATTERN = r"Program Version\s+(\d\S*)"
_SAME_ENERGY_HARTREE = 1e-6
_ECHOED_CHARGE = r"^\| *\d+> *\* *(?:xyz|xyzfile|int|internal|gzmt|gzmtfile)"

_ORBITAL_LINE = re.compile(r"^ *\d+ +(\d\.\d{4}) +(-?\d+\.\d+) +-?\d+\.\d+", re.MULTILINE)
_COORDINATES = re.compile(r"CARTESIAN COORDINATES \(ANGSTROEM\)\n-+\n((?:[^\S\n]*\S.*\n)+)")
_ATOM = re.compile(r"\s*[A-Z][a-z]?(?:\s+-?\d+\.\d+){3}\s*")


def parse_output(text: str) -> ProgramOutput:
    """Read an output of one job.

    Raises
    ------
    ParseError : several jobs in one file, an optimisation of an excited state, or ``job_type.refuse_other_jobs``
    """
    require_one_job(text, marker="Program Version", program="ORCA")
    require_one_job(text, marker="$  JOB NUMBER", program="ORCA")
    if chain.holds_chain(text):
        raise ParseError(
            "the ORCA output holds jobs chained by $new_job that cannot be told apart; run them one by one"
        )
    if "DE(CIS)" in text and is_optimization_converged(text) is not None:
        raise ParseError("the ORCA output optimises an excited state; expected the ground state's energies")
    job_type.refuse_other_jobs(text)
    homo, lumo = orbital_energies(text)
    version = re.search(VERSION_PATTERN, text)
    return ProgramOutput(
        version=version.group(1) if version else None,
        terminated_normally="****ORCA TERMINATED NORMALLY****" in text,
        scf_converged=is_scf_converged(text),
        optimization_converged=is_optimization_converged(text),
        energy_hartree=ground_state_energy(text),
        homo_eV=homo,
        lumo_eV=lumo,
        dipole_debye=last_number(text, r"Magnitude \(Debye\)\s*:\s*(\S+)"),
        s_squared=last_number(text, r"Expectation value of <S\*\*2>\s*:\s*(\S+)"),
        charge=charge(text),
        multiplicity=multiplicity(text),
        geometry=last_geometry(text),
        n_energies=text.count("FINAL SINGLE POINT ENERGY"),
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


def ground_state_energy(text: str) -> float | None:
    """Energy of the ground state, Eh: with TDDFT the "final single point energy" is that of an excited state."""
    final = last_number(text, r"FINAL SINGLE POINT ENERGY\s+(\S+)")
    if final is None or "DE(CIS)" not in text:
        return final
    scf = last_number(text, r"^ *E\(SCF\) += +(\S+) Eh")
    excitation = last_number(text, r"^ *DE\(CIS\) += +(\S+) Eh")
    if scf is None or excitation is None:
        return None
    return final if abs(final - scf) < _SAME_ENERGY_HARTREE else final - excitation


def charge(text: str) -> int | None:
    """Total charge; from the repeated input where little was printed."""
    printed = last_integer(text, r"Total Charge +Charge +\.+ *(-?\d+)")
    return last_integer(text, _ECHOED_CHARGE + r" +(-?\d+)") if printed is None else printed


def multiplicity(text: str) -> int | None:
    """2S+1; from the repeated input where little was printed."""
    printed = last_integer(text, r"Multiplicity +Mult +\.+ *(\d+)")
    return last_integer(text, _ECHOED_CHARGE + r" +-?\d+ +(\d+)") if printed is None else printed


def is_scf_converged(text: str) -> bool:
    """Whether the last SCF converged; an unconverged one still prints a final energy."""
    failed = max(text.rfind("SCF NOT CONVERGED AFTER"), text.rfind("SCF not fully converged!"))
    return text.rfind("SCF CONVERGED AFTER") > failed


def instability(text: str) -> str:
    """What the last analysis of stability found, see ``ProgramOutput``; one restarted from there comes after it."""
    verdict = text.rfind("Stability Analysis indicates an UNSTABLE")
    if verdict < 0 or text.rfind("Stability Analysis indicates a stable") > verdict:
        return ""
    kind = text.rfind("SCF STABILITY ANALYSIS RESULT", 0, verdict)
    return "external" if "external" in text[max(kind, 0) : verdict] else "internal"


def is_optimization_converged(text: str) -> bool | None:
    """Whether the optimisation converged; ``None`` without one. The closing banner does not tell."""
    if "THE OPTIMIZATION HAS CONVERGED" in text:
        return True
    return False if "GEOMETRY OPTIMIZATION CYCLE" in text else None


def orbital_energies(text: str) -> tuple[float | None, float | None]:
    """HOMO and LUMO of the alpha electrons, eV, from the last orbital block, if it belongs to the last geometry."""
    start = text.rfind("ORBITAL ENERGIES\n")
    if start < max(text.rfind("CARTESIAN COORDINATES (ANGSTROEM)"), 0):
        return None, None
    block = text[start:].split("SPIN DOWN ORBITALS", maxsplit=1)[0].split("MULLIKEN", maxsplit=1)[0]
    orbitals = [(float(occupation), as_number(energy)) for occupation, energy in _ORBITAL_LINE.findall(block)]
    occupied = [energy for occupation, energy in orbitals if occupation > 0 and energy is not None]
    virtual = [energy for occupation, energy in orbitals if occupation == 0 and energy is not None]
    return frontier_orbitals(occupied, virtual)


def last_geometry(text: str) -> Geometry | None:
    """Last geometry, A."""
    blocks = _COORDINATES.findall(text)
    lines = blocks[-1].splitlines() if blocks else []
    if not lines or not all(_ATOM.fullmatch(line) for line in lines):  # ghost atoms and point charges are no atoms
        return None
    fields = [line.split() for line in lines]
    return Geometry(
        tuple(field[0] for field in fields), np.array([[float(value) for value in field[1:4]] for field in fields])
    )
