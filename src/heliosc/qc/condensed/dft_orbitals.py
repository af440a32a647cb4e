"""Orbitals from density-functional theory (PySCF) for transfer integrals that are meant as numbers."""

from __future__ import annotations

import numpy as np

from heliosc.errors import InputError
from heliosc.qc.condensed.transfer_integrals import OrbitalSet
from heliosc.qc.external.settings import Job, ProgramSettings
from heliosc.qc.geometries import Geometry, electron_count


def pyscf_orbitals(geometry: Geometry, settings: ProgramSettings) -> OrbitalSet:
    """Orbitals of a neutral closed shell.

    Raises
    ------
    InputError : odd number of electrons, or a functional or basis that PySCF does not know
    ConvergenceError : the field does not converge
    MissingDependencyError : PySCF is not installed
    """
    from heliosc.qc.pyscf.scf import ScfSession

    if electron_count(geometry.symbols, charge=0) % 2:
        raise InputError("transfer integrals need a closed shell; this neutral has an odd number of electrons")
    mean_field = ScfSession(Job(geometry, 0, 1), settings).converge(geometry.positions)
    return OrbitalSet(
        np.asarray(mean_field.mo_coeff),
        np.asarray(mean_field.mo_energy),
        np.asarray(mean_field.get_ovlp()),
        round(float(np.sum(mean_field.mo_occ)) / 2.0),
    )
