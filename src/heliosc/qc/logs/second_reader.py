"""A second opinion: what cclib reads from the same file, where cclib is right.

cclib 1.8.1 is good for Gaussian, Psi4 and ORCA up to 5. It raises on every ORCA 6 output and on xtb 6.7, calls an
unconverged ORCA optimisation a success and gives NaN for the LUMO of xtb, so it is not asked about those.

References
----------
O'Boyle, Tenderholt, Langner, J. Comput. Chem. 2008, 29, 839. doi:10.1002/jcc.20823
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from heliosc.errors import MissingDependencyError
from heliosc.qc.logs.jobs import LogJob

_TRUSTED = {"gaussian": r"Gaussian (?:09|16)", "psi4": r"1\.\d", "orca": r"[45]\."}
_ENERGY_TOLERANCE = 1e-6  # relative: conversion factors of different CODATA years differ by less
_ORBITAL_TOLERANCE_EV = 2e-3
_EXCITATION_TOLERANCE_EV = 2e-3
_FAILURES = (ValueError, IndexError, KeyError, AttributeError, TypeError, AssertionError, StopIteration, OSError)


def is_trusted(job: LogJob) -> bool:
    """Whether cclib reads outputs of this program and version well, and the file holds nothing else."""
    pattern = _TRUSTED.get(job.program)
    return bool(pattern and re.match(pattern, job.output.version or "")) and job.source.n_parts == 1


def disagreements(job: LogJob, path: Path) -> list[str] | None:
    """What cclib reads otherwise, in words: empty when both agree, ``None`` when cclib has no say about the file.

    Raises
    ------
    MissingDependencyError : cclib is not installed
    """
    if not is_trusted(job):
        return None
    try:
        from cclib.io.ccio import ccread
    except ImportError as error:
        raise MissingDependencyError("the cross-check needs cclib: `pip install heliosc[qc]`") from error
    try:
        data = ccread(str(path), loglevel=logging.CRITICAL)
    except _FAILURES:  # it stumbles over builds it has not seen, e.g. Debian's Psi4
        return None
    return None if data is None else list(_differences(job, data))


def _differences(job: LogJob, data: Any) -> Iterator[str]:
    from heliosc.qc.units import HARTREE_EV

    output = job.output
    energies = getattr(data, "scfenergies", None)
    if energies is not None and len(energies):
        ours, theirs = job.energy_hartree * HARTREE_EV, float(energies[-1])
        if abs(ours - theirs) > _ENERGY_TOLERANCE * abs(ours) and not _is_correlated(job):
            yield f"cclib reads an energy of {theirs:.4f} eV, not {ours:.4f}"
    for name, ours_, theirs_ in (
        ("charge", job.charge, getattr(data, "charge", None)),
        ("multiplicity", job.multiplicity, getattr(data, "mult", None)),
        ("number of atoms", job.geometry.n_atoms if job.geometry else None, getattr(data, "natom", None)),
    ):
        if theirs_ is not None and ours_ != theirs_:
            yield f"cclib reads a {name} of {theirs_}, not {ours_}"
    yield from _orbital_differences(output.homo_eV, output.lumo_eV, data)
    excitations = getattr(data, "etenergies", None)
    if excitations is not None and len(excitations) and output.excited_states:
        theirs = min(float(value) for value in excitations) / _PER_CM_EV
        ours = min(state.energy_eV for state in output.excited_states)
        if abs(ours - theirs) > _EXCITATION_TOLERANCE_EV:
            yield f"cclib reads a lowest excitation of {theirs:.3f} eV, not {ours:.3f}"


_PER_CM_EV = 8065.543937


def _orbital_differences(homo: float | None, lumo: float | None, data: Any) -> Iterator[str]:
    orbitals, homos = getattr(data, "moenergies", None), getattr(data, "homos", None)
    if orbitals is None or homos is None or not len(orbitals) or not len(homos):
        return
    for name, ours, index in (("HOMO", homo, int(homos[0])), ("LUMO", lumo, int(homos[0]) + 1)):
        if ours is not None and 0 <= index < len(orbitals[0]):
            theirs = float(orbitals[0][index])
            if abs(ours - theirs) > _ORBITAL_TOLERANCE_EV:
                yield f"cclib reads a {name} of {theirs:.4f} eV, not {ours:.4f}"


def _is_correlated(job: LogJob) -> bool:
    """Whether the energy is that of a wave function method, which cclib keeps apart from the SCF's."""
    return re.match(r".*(?:mp2|ccsd|qcisd|cepa|nevpt|casscf)", job.level.split("/")[0]) is not None
