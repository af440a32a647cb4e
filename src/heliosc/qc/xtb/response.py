"""Orbital energies, dipole moment and static polarizability from tblite calculations."""

from __future__ import annotations

import numpy as np

from heliosc.errors import ParseError
from heliosc.qc.geometries import Geometry
from heliosc.qc.units import DEBYE_PER_AU, HARTREE_EV, POLARIZABILITY_A3
from heliosc.qc.xtb.engine import ElectronicState, TbliteSession

FIELD_STRENGTH = 2e-3  # a.u.; small against the molecule's own fields, large against SCC noise
_TIGHT = 0.01


def frontier_orbitals(state: ElectronicState) -> tuple[float, float]:
    """HOMO and LUMO energy, eV, of a closed shell.

    Raises
    ------
    ParseError : no empty orbital in the basis
    """
    energies = state.result.get("orbital-energies")
    n_occupied = round(float(np.sum(state.result.get("orbital-occupations"))) / 2.0)
    if not 0 < n_occupied < len(energies):
        raise ParseError(f"{n_occupied} of {len(energies)} orbitals are occupied; expected some empty ones")
    return float(energies[n_occupied - 1]) * HARTREE_EV, float(energies[n_occupied]) * HARTREE_EV


def dipole_debye(state: ElectronicState) -> float:
    """Norm of the dipole moment, D; it depends on the origin for ions."""
    return float(np.linalg.norm(state.result.get("dipole"))) * DEBYE_PER_AU


def polarizability(geometry: Geometry, state: ElectronicState, *, like: TbliteSession | None = None) -> float:
    """Isotropic static polarizability, A^3, by central differences of the dipole moment in six fields.

    The minimal basis misses most of the out-of-plane part of flat molecules.

    Parameters
    ----------
    like : a session whose method and solvent are taken; GFN2-xTB in the gas phase by default
    """
    like = like or TbliteSession(geometry.symbols)
    diagonal = []
    for axis in np.eye(3):
        ahead, behind = (_dipole_in_field(geometry, state, sign * FIELD_STRENGTH * axis, like) for sign in (1.0, -1.0))
        diagonal.append(float((ahead - behind) @ axis) / (2.0 * FIELD_STRENGTH))
    return sum(diagonal) / 3.0 * POLARIZABILITY_A3


def _dipole_in_field(
    geometry: Geometry,
    state: ElectronicState,
    electric_field: np.ndarray[tuple[int], np.dtype[np.float64]],
    like: TbliteSession,
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    session = TbliteSession(
        geometry.symbols,
        method=like.method,
        accuracy=_TIGHT,
        electric_field=electric_field,
        solvation=like.solvation,
        solvent=like.solvent,
    )
    session.restart_from(state)
    return np.asarray(session.evaluate(geometry.positions).result.get("dipole"), dtype=np.float64)
