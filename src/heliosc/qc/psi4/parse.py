"""Psi4 outputs, 1.3 to 1.7."""

from __future__ import annotations

import re

import numpy as np

from heliosc.errors import ParseError
from heliosc.qc.external.outputs import ProgramOutput, as_number, frontier_orbitals, last_number, require_one_job
from heliosc.qc.geometries import Geometry
from heliosc.qc.psi4 import job_type, level, response
from heliosc.qc.psi4.input import ENERGY_MARK
from heliosc.qc.units import DEBYE_PER_AU

VERSION_PATTERN = r"^ +(?:Psi4|PSI) (\d\S*)"

_GEOMETRY = re.compile(
    r"Geometry \(in Angstrom\), charge = (-?\d{1,4}), multiplicity = (\d{1,4}):\n[^\S\n]*\n"
    r"(?:[^\S\n]*Center .*\n[ -]*\n)?((?:[^\S\n]*[A-Z][A-Za-z]?(?:[^\S\n]+-?\d+\.\d+){3,4}[^\S\n]*\n)+)"
)
_STATE = re.compile(r"Geometry \(in Angstrom\), charge = (-?\d+), multiplicity = (\d+):")
_CORRELATED_WORDS = ("MP2", "OCC", "CCENERGY", "DETCI", "MCSCF", "ADC", "SAPT")
_CORRELATED = re.compile(
    r"MP2 Hybrid +=[ \t]+TRUE|^[ \t]+(?:(?://|\*)[ \t]+)?(?:DF-?MP2|DFOCC|FNOCC|CCENERGY|OCC|DETCI)\b"
    r"|^ *Module (?:DFOCC|FNOCC|CCENERGY|OCC|DETCI|DFMP2|MCSCF|ADC|SAPT|DCF?T|PSIMRCC) Options"
    r"|Starting MCSCF iterations",
    re.MULTILINE,
)
_FINAL = re.compile(r" Final Energy: ")
_OCCUPIED = re.compile(r"(?:Doubly|Alpha) Occupied:(.*?)(?:Virtual|Beta Occupied|\Z)", re.DOTALL)
_VIRTUAL = re.compile(r"\n[^\S\n]*(?:Alpha )?Virtual:(.*?)(?:Beta Occupied|\Z)", re.DOTALL)


def parse_output(text: str) -> ProgramOutput:
    """Read an output of one job.

    Raises
    ------
    ParseError : several jobs in one file, or energies that are not those of one SCF
    """
    require_one_job(text, marker="Psi4 started on:", program="Psi4")
    refuse_other_energies(text)
    whole = text
    text = whole if ENERGY_MARK in whole else job_type.undisplaced(whole)
    homo, lumo = orbital_energies(text)
    charge, multiplicity, geometry = last_geometry(text)
    return ProgramOutput(
        version=_version(text),
        terminated_normally="*** Psi4 exiting successfully" in whole,
        scf_converged=is_scf_converged(text),
        optimization_converged=is_optimization_converged(text),
        energy_hartree=energy(text),
        homo_eV=homo,
        lumo_eV=lumo,
        dipole_debye=dipole(text),
        s_squared=last_number(text, r"@S\^2 Observed:\s+(\S+)"),
        charge=charge,
        multiplicity=multiplicity,
        geometry=geometry,
        n_energies=text.count("Energy and wave function converged"),
        method=method(text),
        basis=level.basis(text),
        dispersion=level.dispersion(text),
        solvent=level.solvent(text),
        excited_states=response.excited_states(text),
        frequencies_per_cm=response.frequencies(whole),
        excitation_method=response.excitation_method(text),
        special_geometry=job_type.special_geometry(text),
        variant=job_type.variant(text),
        instability=instability(text),
    )


def refuse_other_energies(text: str) -> None:
    """Refuse outputs whose SCF energy is not the one energy that was asked for.

    A Psi4 input is a script: one output may hold several calculations. Our own inputs print the energy that the
    method returned under a mark, so that theirs are clear.

    Raises
    ------
    ParseError : post-SCF method, several charges, functionals or basis sets, ghost atoms, a field, or several energies
        without an optimisation
    """
    if ENERGY_MARK in text:
        return
    if is_correlated(text):
        raise ParseError("the Psi4 output holds a post-SCF or double-hybrid energy; expected an SCF or a functional")
    if len(set(_STATE.findall(text))) > 1:
        raise ParseError("the Psi4 output holds several charges or multiplicities; expected one, split the input")
    if len({name for pair in level.functionals(text) for name in pair if name}) > 1:
        raise ParseError("the Psi4 output holds several functionals; expected one, split the input")
    if len(level.bases(text)) > 1:
        raise ParseError("the Psi4 output holds several basis sets; expected one, split the input")
    other = job_type.other_job(text)
    if other:
        raise ParseError(f"the Psi4 output holds {other}; expected one molecule in vacuum or in a solvent model")
    reference = job_type.undisplaced(text)
    n_energies = len(_FINAL.findall(reference))
    if n_energies == 0 and len(reference) < len(text):
        raise ParseError("the Psi4 output holds energies of displaced geometries only (numerical frequencies)")
    if n_energies > 1 and "OPTKING" not in reference:
        raise ParseError(f"the Psi4 output holds {n_energies} single points; expected one, split the input")


def is_correlated(text: str) -> bool:
    """Whether a method beyond the SCF was run."""
    return any(word in text for word in _CORRELATED_WORDS) and _CORRELATED.search(text) is not None


def method(text: str) -> str | None:
    """Method of the energy; ``None`` for one beyond Hartree-Fock, whose modules do not name it as it was asked for."""
    name = level.method(text)
    return None if name == "hf" and is_correlated(text) else name


def energy(text: str) -> float | None:
    """Energy of our own mark, Eh, else of the last SCF."""
    return last_number(text, rf"{ENERGY_MARK if ENERGY_MARK in text else 'Final Energy:'}\s+(\S+)")


def is_scf_converged(text: str) -> bool:
    """Whether the last SCF converged."""
    return text.rfind("Energy and wave function converged") > text.rfind("Could not converge SCF")


def instability(text: str) -> str:
    """What the last analysis of stability found, see ``ProgramOutput``; of restricted fields Psi4 says nothing."""
    return "internal" if text.rfind("Wavefunction unstable!") > text.rfind("Wavefunction stable under") else ""


def is_optimization_converged(text: str) -> bool | None:
    """Whether the optimisation converged; ``None`` without one."""
    if "OPTKING" not in text:
        return None
    return "Optimization is complete!" in text


def orbital_energies(text: str) -> tuple[float | None, float | None]:
    """HOMO and LUMO of the alpha electrons, eV, from the last orbital block."""
    start = text.rfind("Orbital Energies [Eh]")
    block, end, _ = text[max(start, 0) :].partition("Final Occupation")
    if start < 0 or not end:
        return None, None
    occupied, virtual = _OCCUPIED.search(block), _VIRTUAL.search(block)
    return frontier_orbitals(_energies(occupied), _energies(virtual))


def _energies(match: re.Match[str] | None) -> list[float]:
    if match is None:
        return []
    energies = [as_number(energy) for energy in re.findall(r"\d[A-Z]\S*[^\S\n]+(-?\d+\.\d+)", match.group(1))]
    return [energy for energy in energies if energy is not None]


def dipole(text: str) -> float | None:
    """Norm of the last dipole moment, D: its own block in 1.3, the L = 1 multipole in later versions."""
    debye = last_number(text, r"Dipole Moment: \[D\]\n.*Total:\s+(\S+)")
    if debye is not None:
        return debye
    atomic = last_number(text, r"Dipole Z .*\n[^\S\n]*Magnitude +: +(\S+)")
    return None if atomic is None else atomic * DEBYE_PER_AU


def last_geometry(text: str) -> tuple[int | None, int | None, Geometry | None]:
    """Charge, multiplicity and last geometry."""
    blocks = _GEOMETRY.findall(text)
    if not blocks:
        return None, None, None
    charge, multiplicity, atoms = blocks[-1]
    fields = [line.split() for line in atoms.splitlines() if line.strip()]
    positions = np.array([[float(value) for value in field[1:4]] for field in fields])
    return int(charge), int(multiplicity), Geometry(tuple(field[0].capitalize() for field in fields), positions)


def _version(text: str) -> str | None:
    match = re.search(VERSION_PATTERN, text, re.MULTILINE)
    return match.group(1) if match else None
