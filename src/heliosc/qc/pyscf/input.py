"""From settings to PySCF's molecule and mean-field object."""

from __future__ import annotations

import re
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heliosc.errors import InputError
from heliosc.qc.external.settings import Job, ProgramSettings
from heliosc.qc.pyscf.library import load_pyscf
from heliosc.qc.units import BOHR_A

FloatArray = NDArray[np.float64]

GRID_LEVELS = {"coarse": 1, "normal": 3, "fine": 5}
FITTING_BASIS = "def2-universal-jkfit"
SCF_TOLERANCE = 1e-8  # Eh
_CARTESIAN_FAMILY = re.compile(r"(3-21|6-31)\+{0,2}g.*")  # defined with six d functions, as Gaussian and Psi4 run them
_PCM_NAMES = {"cpcm": "C-PCM", "cosmo": "COSMO", "pcm": "IEF-PCM"}
_SOLVATIONS = ("ddcosmo", "ddpcm", "smd", *_PCM_NAMES)
_PERMITTIVITY = 5  # column of PySCF's table of solvents


def check_settings(settings: ProgramSettings) -> None:
    """Refuse what PySCF is not driven to do.

    Raises
    ------
    InputError : free keywords, or a solvent model that PySCF has not
    """
    if settings.keywords or settings.scf_words or settings.geometry_words:
        raise InputError("program pyscf takes no free keywords; leave them out")
    if settings.solvation and settings.solvation not in _SOLVATIONS:
        raise InputError(
            f"PySCF has no solvent model {settings.solvation!r}; expected one of: {', '.join(_SOLVATIONS)}"
        )


def build_molecule(job: Job, *, settings: ProgramSettings) -> Any:
    """PySCF's ``Mole`` at the job's geometry; the memory limit is PySCF's own aim, not enforced by it."""
    load_pyscf()
    from pyscf import gto

    basis = settings.basis.lower()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # advice to install a library of basis sets, before the error
        return gto.M(
            atom=list(zip(job.geometry.symbols, (job.geometry.positions / BOHR_A).tolist(), strict=True)),
            unit="Bohr",
            charge=job.charge,
            spin=job.multiplicity - 1,
            basis=basis,
            cart=_CARTESIAN_FAMILY.fullmatch(basis) is not None,
            max_memory=settings.program_memory_mb,
            verbose=0,
        )


def build_mean_field(molecule: Any, *, settings: ProgramSettings) -> Any:
    """Restricted (closed shell) or unrestricted Hartree-Fock or Kohn-Sham object, with dispersion and solvent."""
    from pyscf import dft, scf

    is_open = molecule.spin > 0
    if settings.method.lower() == "hf":
        mean_field = (scf.UHF if is_open else scf.RHF)(molecule)
        mean_field.disp = settings.dispersion or None
    else:
        mean_field = (dft.UKS if is_open else dft.RKS)(molecule)
        mean_field.xc = settings.as_method().functional
        mean_field.grids.level = GRID_LEVELS[settings.grid]
    mean_field = mean_field.density_fit(auxbasis=FITTING_BASIS)
    mean_field.conv_tol = SCF_TOLERANCE
    mean_field.max_cycle = settings.max_scf_cycles
    return _in_solution(mean_field, settings) if settings.solvation else mean_field


def solvent_permittivity(solvent: str) -> float:
    """Relative permittivity from PySCF's table for SMD.

    Raises
    ------
    InputError : not in the table
    """
    from pyscf.solvent.smd import solvent_db

    if solvent not in solvent_db:
        first = solvent[:3].lower()
        similar = ", ".join(sorted(name for name in solvent_db if name.startswith(first))) or "toluene, dichloromethane"
        raise InputError(f"PySCF knows no solvent {solvent!r}; expected a name of the SMD table, such as {similar}")
    return float(solvent_db[solvent][_PERMITTIVITY])


def _in_solution(mean_field: Any, settings: ProgramSettings) -> Any:
    from pyscf import solvent

    permittivity = solvent_permittivity(settings.solvent)
    if settings.solvation == "smd":
        mean_field = solvent.SMD(mean_field)
        mean_field.with_solvent.solvent = settings.solvent
        return mean_field
    if settings.solvation in ("ddcosmo", "ddpcm"):
        mean_field = (solvent.ddCOSMO if settings.solvation == "ddcosmo" else solvent.ddPCM)(mean_field)
    else:
        mean_field = solvent.PCM(mean_field)
        mean_field.with_solvent.method = _PCM_NAMES[settings.solvation]
    mean_field.with_solvent.eps = permittivity
    return mean_field
