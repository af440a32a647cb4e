"""Outputs of the ``xtb`` program, 6.1 to 6.7.

Two traps: an unconverged optimisation ends normally with exit code 0, and after ``--vipea`` the closing summary,
orbitals and dipole are those of the last ion computed, so the first summary is read.
"""

from __future__ import annotations

import re

import numpy as np

from heliosc.errors import ParseError
from heliosc.qc.external.outputs import ProgramOutput, as_number, last_integer, last_number, require_one_job
from heliosc.qc.geometries import Geometry
from heliosc.qc.units import BOHR_A
from heliosc.qc.xtb import level

BANNER = re.compile(r"  x T B  +\|")
VERSION_PATTERN = r"(?:\* xtb version|^ *\| +Version) (\d\S*)"

_OLD_ORBITALS = re.compile(r"\n occ\. : +(.*)\n eps  : +(.*)")
_XYZ = re.compile(r"final structure:\n=+\n *\d+\n.*\n((?:[A-Z][a-z]?(?: +-?\d+\.\d+){3} *\n)+)")
_TURBOMOLE = re.compile(r"final structure:\n=+\n\$coord *\n((?:(?: +-?\d+\.\d+){3} +[A-Za-z]{1,2} *\n)+)\$end")
_ELEMENT_ROW = re.compile(r"^ +\d+ +\d+ ([A-Z][a-z]?) +(\d[\d, -]*)$", re.MULTILINE)
_PROPERTY_ROW = re.compile(r"^ +(\d+) +\d+ ([A-Z][a-z]?)(?: +-?\d+\.\d+){4} *$", re.MULTILINE)
_FREQUENCIES = re.compile(r"^eigval : +(.*)$", re.MULTILINE)
_HEAD = 200_000  # characters in which every output has said what it was asked
_MAX_DIGITS = 5  # of an atom's number
_SCAN = re.compile(r"^ *RELAXED SCAN *$", re.MULTILINE)
_CONSTRAINED = re.compile(r"^ *constraining (?:bond|distance|angle|dihedral|torsion|atom|position)", re.MULTILINE)
_IS_ZERO_PER_CM = 0.1  # rotations and translations are projected out


def parse_output(text: str) -> ProgramOutput:
    """Read an output of one job. Single points do not print their geometry: it is ``None`` then.

    Raises
    ------
    ParseError : several jobs in one file, or a scan
    """
    require_one_job(text, marker=" * started run on", program="xtb")
    if _SCAN.search(text):
        raise ParseError("the xtb output holds a relaxed scan; expected one state of one molecule at one geometry")
    neutral = before_ions(text)
    homo, lumo = orbital_energies(neutral)
    version = re.search(VERSION_PATTERN, text, re.MULTILINE)
    return ProgramOutput(
        version=version.group(1) if version else None,
        terminated_normally=is_terminated_normally(text),
        scf_converged=is_scf_converged(text),
        optimization_converged=is_optimization_converged(text),
        energy_hartree=energy(neutral),
        homo_eV=homo,
        lumo_eV=lumo,
        dipole_debye=dipole(neutral),
        s_squared=None,
        charge=charge(neutral),
        multiplicity=multiplicity(neutral),
        geometry=final_geometry(text),
        n_energies=neutral.count(":: total energy") or neutral.count("total E   "),
        method=level.method(text),
        basis=None,
        dispersion="none",
        solvent=level.solvent(text),
        frequencies_per_cm=frequencies(text),
        special_geometry="a constrained optimisation" if _CONSTRAINED.search(text[:_HEAD]) else None,
        variant=level.variant(text),
    )


def before_ions(text: str) -> str:
    """The part that belongs to the state asked for."""
    return re.split(r"vertical delta SCC (?:IP|EA) calculation|Fukui index Calculation", text, maxsplit=1)[0]


def vertical_energies(text: str) -> tuple[float | None, float | None]:
    """Vertical delta-SCC IE and EA of ``--vipea``, eV, without the empirical shift that the program took off."""
    return _unshifted(text, "IP"), _unshifted(text, "EA")


def _unshifted(text: str, name: str) -> float | None:
    shifted = last_number(text, rf"^delta SCC {name} \(eV\): +(\S+)")
    shift = last_number(text, rf"^empirical {name} shift \(eV\): +(\S+)")
    return None if shifted is None or shift is None else shifted + shift


def is_terminated_normally(text: str) -> bool:
    """Whether it came to its end; the banner goes to stderr, the closing line to the output."""
    if "abnormal termination of xtb" in text or "[ERROR] Program stopped" in text:
        return False
    return "* finished run on" in text or "normal termination of xtb" in text


def is_scf_converged(text: str) -> bool:
    """Whether the charges converged; a force field has none."""
    if "Self consistent charge iterator did not converge" in text:
        return False
    if level.method(text) == "gfnff" or (level.is_by_library(text) and "SCF not converged" not in text):
        return True
    return "convergence criteria satisfied after" in text


def is_optimization_converged(text: str) -> bool | None:
    """Whether the optimisation converged; ``None`` without one. Neither exit code nor closing banner tell."""
    if "FAILED TO CONVERGE GEOMETRY OPTIMIZATION" in text:
        return False
    if "GEOMETRY OPTIMIZATION CONVERGED AFTER" in text:
        return True
    return False if "A N C O P T" in text else None


def energy(text: str) -> float | None:
    """Total energy, Eh: of the closing box, else of the last summary, else as 6.1 wrote it."""
    patterns = (
        r"\| TOTAL ENERGY +(\S+) Eh",
        r":: total energy +(\S+) Eh",
        r"^ *total E +: +(\S+)",
        r"^total energy +(\S+) Eh",
    )
    found = (last_number(text, pattern) for pattern in patterns if re.search(pattern, text, re.MULTILINE))
    return next(found, None)


def orbital_energies(text: str) -> tuple[float | None, float | None]:
    """HOMO and LUMO, eV, from the last orbital block."""
    rows = _OLD_ORBITALS.findall(text)
    if not rows:
        return _number_before(text, " (HOMO)"), _number_before(text, " (LUMO)")
    end = text.rfind("SCC energy", 0, text.rfind(rows[-1][1]))  # 6.1 writes ten orbitals a row, before the energies
    last = _OLD_ORBITALS.findall(text[max(end, 0) :])
    pairs = [pair for row in last for pair in zip(row[0].split(), row[1].split(), strict=False)]
    numbers = [(as_number(occupation), as_number(value)) for occupation, value in pairs]
    occupied = [value for occupation, value in numbers if value is not None and occupation]
    virtual = [value for occupation, value in numbers if value is not None and occupation == 0]
    return max(occupied, default=None), min(virtual, default=None)


def _number_before(text: str, mark: str) -> float | None:
    """Number that stands before the last occurrence of a mark, on its line."""
    end = text.rfind(mark)
    words = text[text.rfind("\n", 0, max(end, 0)) + 1 : end].split() if end >= 0 else []
    return as_number(words[-1]) if words else None


def dipole(text: str) -> float | None:
    """Norm of the dipole moment, D."""
    multipole = last_number(text, r"molecular dipole:\n.*\n.*\n +full:(?: +\S+){3} +(\S+)")
    return multipole if multipole is not None else last_number(text, r"total \(Debye\): +(\S+)")


def charge(text: str) -> int | None:
    """Total charge: from the set-up, the command line, or the summary."""
    printed = last_integer(text[:_HEAD], r"^[ :]*(?:net )?charge +:? +(-?\d+)\b")
    asked = last_integer(text[:_HEAD], r"^ *program call.*(?:--chrg|-c) +(-?\d+)")
    summed = last_number(text, r":: total charge +(\S+) e")
    if printed is not None or asked is not None:
        return asked if printed is None else printed
    if summed is None:
        return 0 if level.is_by_library(text) else None
    return round(summed)


def multiplicity(text: str) -> int | None:
    """2S+1: as asked, else the lowest of the electron count, which is what xtb takes."""
    unpaired = last_integer(text[:_HEAD], r"^ *program call.*(?:--uhf|-u) +(\d+)")
    spin = last_number(text[:_HEAD], r"^ *spin +: +(\S+)")
    n_electrons = last_integer(text[:_HEAD], r"(?:# electrons|number of electrons +:|Nel +:) +(\d+)")
    if n_electrons is None and level.is_by_library(text):
        printed = last_number(text[:_HEAD], r"^number of electrons +(\S+) e")
        n_electrons = None if printed is None else round(printed)
    if unpaired is not None:
        return unpaired + 1
    if spin is not None:
        return round(2 * spin) + 1
    return None if n_electrons is None else 1 + n_electrons % 2


def final_geometry(text: str) -> Geometry | None:
    """Optimised geometry, A; up to 6.2 it is printed in bohr."""
    found = _XYZ.search(text)
    if found:
        fields = [line.split() for line in found.group(1).splitlines()]
        return _geometry([field[0] for field in fields], [field[1:4] for field in fields], 1.0)
    found = _TURBOMOLE.search(text)
    if found is None:
        return None
    fields = [line.split() for line in found.group(1).splitlines()]
    return _geometry([field[3] for field in fields], [field[:3] for field in fields], BOHR_A)


def symbols(text: str) -> tuple[str, ...]:
    """Element symbols in the order of the atoms; empty where the output does not list them all."""
    rows = {int(number[:6]): symbol for number, symbol in _PROPERTY_ROW.findall(text)}
    for element, numbers in _ELEMENT_ROW.findall(text):
        rows |= dict.fromkeys(_atom_numbers(numbers), element)
    is_complete = sorted(rows) == list(range(1, len(rows) + 1))
    return tuple(rows[number] for number in sorted(rows)) if is_complete else ()


def _atom_numbers(text: str) -> list[int]:
    """Numbers of ``1, 3-5``; nothing for a damaged list."""
    numbers: list[int] = []
    for item in text.split(","):
        first, _, last = (part.strip() for part in item.partition("-"))
        if not (first.isdigit() and (last or first).isdigit() and max(len(first), len(last)) <= _MAX_DIGITS):
            return []
        numbers += range(int(first), int(last or first) + 1)
    return numbers


def frequencies(text: str) -> tuple[float, ...]:
    """Harmonic frequencies, cm^-1, without rotations and translations."""
    start = text.rfind("vibrational frequencies")
    lines = _FREQUENCIES.findall(text[start:]) if start >= 0 else []
    values = [as_number(value) for line in lines for value in line.split()]
    return tuple(value for value in values if value is not None and abs(value) > _IS_ZERO_PER_CM)


def _geometry(elements: list[str], positions: list[list[str]], unit_A: float) -> Geometry | None:
    numbers = [[as_number(value) for value in row] for row in positions]
    if any(value is None for row in numbers for value in row):
        return None
    return Geometry(tuple(name.capitalize() for name in elements), np.array(numbers, dtype=np.float64) * unit_A)
