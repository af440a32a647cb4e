"""PySCF and the real Psi4 on the same level: two programs, one number."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from geometries_of_experiment import THIOPHENE

from heliosc.qc.external.settings import ProgramSettings
from heliosc.qc.geometries import Geometry
from heliosc.qc.psi4 import Psi4Executor

pytest.importorskip("pyscf", reason="PySCF is not installed: pip install 'heliosc[dft]'")

from heliosc.qc.pyscf import PySCFExecutor

pytestmark = pytest.mark.program

HARTREE_TOLERANCE = 1e-4  # density fitting, another auxiliary basis, another grid

# HF/6-31G(d) structure of water, rounded
WATER = Geometry(("O", "H", "H"), np.array([[0, 0, 0.1173], [0, 0.7572, -0.4692], [0, -0.7572, -0.4692]]))


@pytest.mark.parametrize(
    ("geometry", "charge", "multiplicity", "method", "basis"),
    [
        pytest.param(WATER, 0, 1, "hf", "6-31g(d,p)", id="water, six d functions"),
        pytest.param(WATER, 1, 2, "b3lyp", "def2-svp", id="water cation, unrestricted"),
        pytest.param(WATER, 0, 1, "pbe0", "def2-svp", id="water, another functional"),
        pytest.param(THIOPHENE, 0, 1, "b3lyp", "def2-svp", id="thiophene", marks=pytest.mark.slow),
    ],
)
def test_energies_and_orbitals_agree(
    tmp_path: Path, geometry: Geometry, charge: int, multiplicity: int, method: str, basis: str
) -> None:
    settings = ProgramSettings(method, basis, grid="fine")
    psi4 = Psi4Executor(settings, scratch=tmp_path)
    if not psi4.found():
        pytest.skip("Psi4 is not installed: apt-get install psi4")
    theirs = psi4.single_point(geometry, charge=charge, multiplicity=multiplicity)
    ours = PySCFExecutor(settings).single_point(geometry, charge=charge, multiplicity=multiplicity)
    assert ours.energy_hartree == pytest.approx(theirs.energy_hartree, abs=HARTREE_TOLERANCE)
    assert ours.homo_eV == pytest.approx(theirs.homo_eV, abs=0.01)
    assert ours.lumo_eV == pytest.approx(theirs.lumo_eV, abs=0.01)
    if charge == 0:
        assert ours.dipole_debye == pytest.approx(theirs.dipole_debye, abs=0.01)
