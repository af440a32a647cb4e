"""The real Psi4: energies against published values and against an output recorded elsewhere."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from geometries_of_experiment import THIOPHENE

from heliosc.errors import CalculationTimeoutError, HelioscError, InputError, MissingDependencyError
from heliosc.qc.external.settings import ProgramSettings
from heliosc.qc.geometries import Geometry
from heliosc.qc.psi4 import Psi4Executor
from heliosc.qc.psi4.parse import parse_output
from heliosc.qc.units import HARTREE_EV
from heliosc.qc.vertical import vertical_energies

pytestmark = pytest.mark.program

# Crawford's programming projects (HF and MP2 of water in STO-3G), bohr
WATER = Geometry(
    ("O", "H", "H"),
    0.529177210903
    * np.array(
        [[0.0, -0.143225816552, 0.0], [1.638036840407, 1.136548822547, 0.0], [-1.638036840407, 1.136548822547, 0.0]]
    ),
)


@pytest.fixture
def psi4(tmp_path: Path) -> Callable[..., Psi4Executor]:
    """Makes an executor over the installed Psi4."""
    if not Psi4Executor().found():
        pytest.skip("Psi4 is not installed: apt-get install psi4")

    def make(method: str, basis: str, *keywords: str, **resources: float) -> Psi4Executor:
        settings = ProgramSettings(method, basis, keywords, **resources)  # type: ignore[arg-type]
        return Psi4Executor(settings, scratch=tmp_path / "scratch")

    return make


@pytest.mark.parametrize(
    ("method", "options", "published"),
    [("hf", ("scf_type=pk",), -74.942079928192), ("mp2", ("scf_type=pk", "mp2_type=conv"), -74.991229564312)],
)
def test_water_energies_are_the_published_ones(
    psi4: Callable[..., Psi4Executor], tmp_path: Path, method: str, options: tuple[str, ...], published: float
) -> None:
    point = psi4(method, "sto-3g", *options).single_point(WATER, charge=0, multiplicity=1)
    assert point.energy_hartree == pytest.approx(published, abs=1e-7)
    assert point.level == f"{method}/sto-3g[psi4]"
    assert list((tmp_path / "scratch").iterdir()) == []


def test_divinylbenzene_agrees_with_an_output_recorded_elsewhere(
    psi4: Callable[..., Psi4Executor], recorded_log: Callable[[str], str]
) -> None:
    recorded = parse_output(recorded_log("cclib/Psi4-1.3.1/dvb_sp_rks.out"))
    assert recorded.geometry is not None
    point = psi4("b3lyp", "sto-3g").single_point(recorded.geometry, charge=0, multiplicity=1)
    assert point.energy_hartree == pytest.approx(-382.31092249631331, abs=1e-6)
    assert point.homo_eV == pytest.approx(-0.153010 * 27.211386, abs=1e-3)
    assert point.dipole_debye == pytest.approx(0.0, abs=1e-3)


def test_optimised_water_has_the_published_structure(psi4: Callable[..., Psi4Executor]) -> None:
    # HF/STO-3G: 0.990 A and 100.0 degrees (Hehre, Radom, Schleyer, Pople, Ab Initio Molecular Orbital Theory, 1986)
    optimized = psi4("hf", "sto-3g").optimize(WATER, charge=0, multiplicity=1)
    oxygen, first, second = optimized.geometry.positions
    bonds = np.array([first - oxygen, second - oxygen])
    lengths = np.linalg.norm(bonds, axis=1)
    angle = np.degrees(np.arccos(bonds[0] @ bonds[1] / lengths.prod()))
    assert lengths == pytest.approx(0.990, abs=2e-3)
    assert angle == pytest.approx(100.0, abs=0.2)
    assert optimized.n_evaluations is not None
    assert optimized.n_evaluations > 1


@pytest.mark.slow
def test_vertical_ionization_energy_of_thiophene(psi4: Callable[..., Psi4Executor]) -> None:
    result = vertical_energies(psi4("b3lyp", "def2-svp"), THIOPHENE, geometry_level="experiment")
    assert result.vertical_ionization_energy == pytest.approx(8.87, abs=0.3)  # experiment; B3LYP's usual error
    assert result.vertical_electron_affinity < 0  # the anion of thiophene is not bound
    assert result.level == "b3lyp/def2-svp[psi4]//experiment"
    assert result.flags == ()


@pytest.mark.parametrize(
    ("method", "basis", "limits", "error", "message"),
    [
        ("hf", "nonsense", {}, InputError, "basis"),
        ("nonsense", "sto-3g", {}, InputError, "correct the method"),
        ("hf", "cc-pvqz", {"timeout_s": 1.0}, CalculationTimeoutError, "limit of 1 s"),
    ],
)
def test_failures_are_told_apart(
    psi4: Callable[..., Psi4Executor],
    method: str,
    basis: str,
    limits: dict[str, float],
    error: type[HelioscError],
    message: str,
) -> None:
    with pytest.raises(error, match=message):
        psi4(method, basis, **limits).optimize(WATER, charge=0, multiplicity=1)


@pytest.mark.skipif(shutil.which("dftd3") is not None, reason="dftd3 is installed here")
def test_missing_dispersion_program_is_said(psi4: Callable[..., Psi4Executor]) -> None:
    with pytest.raises(MissingDependencyError, match="dftd3"):
        psi4("b3lyp-d3bj", "sto-3g").single_point(WATER, charge=0, multiplicity=1)


# ---------------------------------------------------------------- against PySCF at the same level


def test_psi4_and_pyscf_agree_on_states_of_water(psi4: Callable[..., Psi4Executor]) -> None:
    pytest.importorskip("pyscf", reason="PySCF is not installed: pip install 'heliosc[dft]'")
    from heliosc.qc.pyscf import PySCFExecutor

    settings = ProgramSettings("b3lyp", "def2-svp")
    ours, theirs = PySCFExecutor(settings), psi4("b3lyp", "def2-svp")
    for charge, multiplicity in ((0, 1), (1, 2)):
        a = ours.single_point(WATER, charge=charge, multiplicity=multiplicity)
        b = theirs.single_point(WATER, charge=charge, multiplicity=multiplicity)
        assert b.energy_hartree == pytest.approx(a.energy_hartree, abs=5e-5)  # grids and fitting bases differ
        assert (b.homo_eV, b.lumo_eV) == pytest.approx((a.homo_eV, a.lumo_eV), abs=5e-3)
        assert b.s_squared is None or b.s_squared == pytest.approx(a.s_squared, abs=1e-3)
    states = (ours.excitations(WATER), theirs.excitations(WATER))
    assert states[1].singlet_eV == pytest.approx(states[0].singlet_eV, abs=2e-3)
    assert states[1].oscillator_strength == pytest.approx(states[0].oscillator_strength, abs=1e-3)
    assert states[1].level == "tda-b3lyp/def2-svp[psi4]"
    assert states[1].triplet_eV is None  # Psi4 1.3's triplet operator lacks the kernel
    assert theirs.polarizability(WATER) == pytest.approx(ours.polarizability(WATER), rel=2e-3)


@pytest.mark.slow
def test_psi4_and_pyscf_agree_on_thiophene(psi4: Callable[..., Psi4Executor]) -> None:
    pytest.importorskip("pyscf", reason="PySCF is not installed: pip install 'heliosc[dft]'")
    from heliosc.qc.pyscf import PySCFExecutor

    point = psi4("b3lyp", "def2-svp").single_point(THIOPHENE, charge=0, multiplicity=1)
    ours = PySCFExecutor(ProgramSettings("b3lyp", "def2-svp")).single_point(THIOPHENE, charge=0, multiplicity=1)
    assert point.energy_hartree == pytest.approx(ours.energy_hartree, abs=5e-5)
    assert abs(point.energy_hartree - ours.energy_hartree) * HARTREE_EV < 2e-3
    assert point.dipole_debye == pytest.approx(ours.dipole_debye, abs=5e-3)


@pytest.mark.slow
def test_thiophene_cation_is_not_left_in_the_excited_doublet_that_psi4_finds_first(
    psi4: Callable[..., Psi4Executor],
) -> None:
    pytest.importorskip("pyscf", reason="PySCF is not installed: pip install 'heliosc[dft]'")
    from heliosc.qc.pyscf import PySCFExecutor

    point = psi4("b3lyp", "sto-3g").single_point(THIOPHENE, charge=1, multiplicity=2)
    ours = PySCFExecutor(ProgramSettings("b3lyp", "sto-3g")).single_point(THIOPHENE, charge=1, multiplicity=2)
    assert point.energy_hartree == pytest.approx(ours.energy_hartree, abs=5e-5)  # it was 0.0144 Eh too high
    assert point.s_squared == pytest.approx(ours.s_squared, abs=1e-3)
    assert point.homo_eV == pytest.approx(ours.homo_eV, abs=5e-3)
    assert "excited state of the open shell" in point.attempts[0]


def test_ladder_of_the_real_program_recovers_and_says_how(psi4: Callable[..., Psi4Executor]) -> None:
    point = psi4("hf", "sto-3g", max_scf_cycles=3).single_point(WATER, charge=0, multiplicity=1)
    assert point.energy_hartree == pytest.approx(-74.942079928192, abs=1e-4)  # density-fitted against conventional
    assert "Could not converge SCF iterations" in point.attempts[0]


@pytest.mark.parametrize(
    "words", [("soscf=true", "soscf_max_iter=20"), ("damping_percentage=40", "diis_start=6"), ("basis_guess=true",)]
)
def test_every_word_of_the_ladder_is_known_to_the_program(
    psi4: Callable[..., Psi4Executor], words: tuple[str, ...]
) -> None:
    point = psi4("b3lyp", "sto-3g", *words).single_point(WATER, charge=1, multiplicity=2)
    assert point.energy_hartree == pytest.approx(-74.9, abs=0.3)


def test_harmonic_frequencies_of_water(psi4: Callable[..., Psi4Executor]) -> None:
    # HF/STO-3G: 2170, 4140, 4391 cm^-1 (Crawford's programming project 2)
    executor = psi4("hf", "sto-3g", "scf_type=pk")
    minimum = executor.optimize(WATER, charge=0, multiplicity=1).geometry
    assert executor.frequencies(minimum, charge=0, multiplicity=1) == pytest.approx((2170, 4140, 4391), abs=5.0)


def test_optimisation_goes_on_from_its_last_geometry(psi4: Callable[..., Psi4Executor]) -> None:
    optimized = psi4("hf", "sto-3g", max_optimization_cycles=1).optimize(WATER, charge=0, multiplicity=1)
    assert optimized.single_point.energy_hartree == pytest.approx(-74.96599, abs=1e-4)  # HF/STO-3G minimum, Crawford
    assert "Could not converge geometry optimization" in optimized.single_point.attempts[0]


@pytest.mark.parametrize("word", ["intrafrag_step_limit=0.1", "opt_coordinates=cartesian"])
def test_every_geometry_word_of_the_ladder_is_known(psi4: Callable[..., Psi4Executor], word: str) -> None:
    optimized = psi4("hf", "sto-3g", word).optimize(WATER, charge=0, multiplicity=1)
    assert optimized.single_point.energy_hartree == pytest.approx(-74.96599, abs=1e-4)
