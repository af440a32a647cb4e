"""PySCF against published numbers and against itself where two routes must agree."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from heliosc.errors import ConvergenceError, HelioscError, InputError
from heliosc.qc.executors import QCExecutor, ResponseExecutor
from heliosc.qc.external.settings import Job, ProgramSettings
from heliosc.qc.geometries import Geometry
from heliosc.qc.units import BOHR_A, POLARIZABILITY_A3

pytest.importorskip("pyscf", reason="PySCF is not installed: pip install 'heliosc[dft]'")

from heliosc.qc.pyscf import PySCFExecutor
from heliosc.qc.pyscf.errors import classified_errors
from heliosc.qc.pyscf.input import build_mean_field, build_molecule
from heliosc.qc.pyscf.scf import ScfSession, without_rigid_motion

WATER = Geometry(("O", "H", "H"), np.array([[0, 0, 0.1173], [0, 0.7572, -0.4692], [0, -0.7572, -0.4692]]))
HYDROGEN = Geometry(("H", "H"), np.array([[0, 0, 0], [0, 0, 1.4 * BOHR_A]]))
SMALL = ProgramSettings("b3lyp", "6-31g", grid="coarse")


def test_is_an_executor_with_response() -> None:
    executor = PySCFExecutor()
    assert isinstance(executor, QCExecutor)
    assert isinstance(executor, ResponseExecutor)
    assert executor.found()
    assert executor.level == "b3lyp/def2-svp[pyscf]"


def test_hydrogen_in_a_minimal_basis_is_the_textbook_value() -> None:
    # Szabo, Ostlund, Modern Quantum Chemistry (1996), table 3.5: E(RHF/STO-3G, R = 1.4 a.u.) = -1.117 Eh
    point = PySCFExecutor(ProgramSettings("hf", "sto-3g")).single_point(HYDROGEN, charge=0, multiplicity=1)
    assert point.energy_hartree == pytest.approx(-1.117, abs=1e-3)
    assert point.homo_eV == pytest.approx(-15.73, abs=0.05)  # -0.578 Eh, same book
    assert point.level == "hf/sto-3g[pyscf]"


def test_water_cation_is_unrestricted_and_hardly_contaminated() -> None:
    executor = PySCFExecutor(SMALL)
    neutral = executor.single_point(WATER, charge=0, multiplicity=1)
    cation = executor.single_point(WATER, charge=1, multiplicity=2)
    assert neutral.s_squared == 0.0
    assert cation.s_squared == pytest.approx(0.75, abs=0.01)
    assert neutral.dipole_debye == pytest.approx(2.3, abs=0.3)
    assert cation.dipole_debye is None  # it would depend on the origin
    assert (cation.energy_hartree - neutral.energy_hartree) * 27.2114 == pytest.approx(12.6, abs=0.4)


def test_wrong_parity_is_refused_before_anything_runs() -> None:
    with pytest.raises(InputError, match="multiplicity"):
        PySCFExecutor(SMALL).single_point(WATER, charge=1, multiplicity=1)


@pytest.mark.parametrize(
    "change",
    [
        {"basis": "def2-nothing"},
        {"method": "b4lyp"},
        {"solvation": "smd", "solvent": "unobtainium"},
    ],
)
def test_unknown_names_are_input_errors(change: dict[str, str]) -> None:
    with pytest.raises(InputError):
        PySCFExecutor(replace(SMALL, **change)).single_point(WATER, charge=0, multiplicity=1)


def test_free_keywords_and_foreign_solvent_models_are_refused() -> None:
    with pytest.raises(InputError, match="keywords"):
        PySCFExecutor(replace(SMALL, keywords=("soscf",)))
    with pytest.raises(InputError, match="alpb"):
        PySCFExecutor(replace(SMALL, solvation="alpb", solvent="toluene"))


def test_ladder_reaches_the_same_field_and_says_how() -> None:
    easy = PySCFExecutor(SMALL).single_point(WATER, charge=0, multiplicity=1)
    hard = PySCFExecutor(replace(SMALL, max_scf_cycles=4)).single_point(WATER, charge=0, multiplicity=1)
    assert easy.attempts == ()
    assert hard.attempts[0] == "charge 0: SCF not converged with default"
    assert hard.energy_hartree == pytest.approx(easy.energy_hartree, abs=1e-6)


def test_a_field_that_never_converges_is_an_error_not_a_number() -> None:
    session = ScfSession(Job(WATER, 0, 1), replace(SMALL, max_scf_cycles=1))
    with pytest.raises(ConvergenceError, match="5 attempts"):
        session.converge(WATER.positions)
    assert len(session.attempts) == 5


def test_an_unstable_open_shell_is_left_for_the_ground_state() -> None:
    # NH2 is 2B1; its 2A1 state converges just as well and lies 0.07 Eh higher at this geometry
    radical = Geometry(("N", "H", "H"), np.array([[0.0, 0.0, 0.0], [0.0, 0.803, 0.640], [0.0, -0.803, 0.640]]))
    settings = ProgramSettings("b3lyp", "sto-3g", grid="coarse")
    ground = ScfSession(Job(radical, 0, 2), settings)
    energy = ground.converge(radical.positions).e_tot
    assert ground.attempts == []

    session = ScfSession(Job(radical, 0, 2), settings)
    session._density = _excited_density(radical, settings)
    assert session.converge(radical.positions).e_tot == pytest.approx(energy, abs=1e-6)
    assert len(session.attempts) == 1
    assert "unstable field" in session.attempts[0]


def _excited_density(radical: Geometry, settings: ProgramSettings) -> np.ndarray:
    """Density of the field with the highest doubly occupied orbital emptied in its place, kept by overlap."""
    from pyscf import scf

    field = build_mean_field(build_molecule(Job(radical, 0, 2), settings=settings), settings=settings)
    field.kernel()
    occupations = np.array(field.mo_occ)
    n_beta = int(occupations[1].sum())
    occupations[1][[n_beta - 1, n_beta]] = 0.0, 1.0
    excited = scf.addons.mom_occ(
        build_mean_field(field.mol, settings=settings), field.mo_coeff, occupations
    )  # fmt: skip
    excited.kernel(field.make_rdm1(field.mo_coeff, occupations))
    plain = build_mean_field(field.mol, settings=settings)
    plain.kernel(excited.make_rdm1())
    excited._chkfile.close()  # the object refers to itself, so its file would be closed too late
    assert plain.converged
    assert plain.e_tot > field.e_tot + 0.01  # it stays there: a saddle point that looks right
    return np.asarray(plain.make_rdm1())


def test_gradient_is_the_derivative_of_the_energy() -> None:
    session = ScfSession(Job(WATER, 0, 1), ProgramSettings("hf", "6-31g"))
    bohr, step = WATER.positions / BOHR_A, np.zeros((3, 3))
    step[1, 1] = 0.01
    _, gradient = session.energy_and_gradient(bohr)
    ahead, behind = (session.energy_and_gradient(bohr + sign * step)[0] for sign in (1, -1))
    assert gradient[1, 1] == pytest.approx((ahead - behind) / 0.02, abs=2e-5)


def test_gradient_loses_only_its_rigid_motion() -> None:
    positions = WATER.positions / BOHR_A
    stretch = np.array([[0.0, 0.0, 0.2], [0.0, 0.0, -0.1], [0.0, 0.0, -0.1]])
    shift = np.tile([0.3, -0.2, 0.1], (3, 1))
    turn = np.cross([0.0, 0.0, 0.4], positions - positions.mean(axis=0))
    assert without_rigid_motion(stretch + shift + turn, positions) == pytest.approx(stretch, abs=1e-12)


def test_linear_molecules_keep_their_stretch() -> None:
    stretch = np.array([[0.0, 0.0, 0.1], [0.0, 0.0, -0.1]])
    assert without_rigid_motion(stretch, HYDROGEN.positions) == pytest.approx(stretch, abs=1e-12)


def test_polarizability_is_the_second_derivative_in_a_field() -> None:
    settings = ProgramSettings("hf", "6-31g")
    analytic = PySCFExecutor(settings).polarizability(WATER)
    molecule = build_molecule(Job(WATER, 0, 1), settings=settings)
    field = 2e-3
    core = build_mean_field(molecule, settings=settings).get_hcore()
    dipole = molecule.intor_symmetric("int1e_r", comp=3)

    def energy(axis: int, strength: float) -> float:
        mean_field = build_mean_field(molecule, settings=settings)
        mean_field.conv_tol = 1e-11
        mean_field.get_hcore = lambda *_: core + strength * dipole[axis]
        return float(mean_field.kernel())

    bends = [energy(axis, field) + energy(axis, -field) - 2 * energy(axis, 0.0) for axis in range(3)]
    assert analytic == pytest.approx(-np.mean(bends) / field**2 * POLARIZABILITY_A3, rel=2e-3)


def test_excitations_of_water_have_their_order_and_their_level() -> None:
    states = PySCFExecutor(SMALL).excitations(WATER)
    assert states.level == "tda-b3lyp-coarsegrid/6-31g[pyscf]"
    assert states.triplet_eV is not None
    assert 6.0 < states.triplet_eV < states.singlet_eV < 9.0
    assert states.oscillator_strength > 0.001


def test_optimised_water_is_a_minimum() -> None:
    executor = PySCFExecutor(ProgramSettings("hf", "6-31g(d,p)"))
    optimum = executor.optimize(WATER, charge=0, multiplicity=1)
    oxygen, first, second = optimum.geometry.positions
    bonds = [float(np.linalg.norm(hydrogen - oxygen)) for hydrogen in (first, second)]
    cosine = (first - oxygen) @ (second - oxygen) / np.prod(bonds)
    # Hehre, Radom, Schleyer, Pople, Ab Initio Molecular Orbital Theory (1986): 0.943 A, 106.0 degrees
    assert bonds == pytest.approx([0.943, 0.943], abs=0.002)
    assert np.degrees(np.arccos(cosine)) == pytest.approx(106.0, abs=0.5)
    frequencies = executor.frequencies(optimum.geometry, charge=0, multiplicity=1)
    assert len(frequencies) == 3
    # same book, HF/6-31G(d): 1827, 4070, 4189 cm^-1; p functions on hydrogen change them by less than 3 %
    assert frequencies == pytest.approx((1827, 4070, 4189), rel=0.04)


def test_dispersion_and_solvent_lower_the_energy() -> None:
    bare = PySCFExecutor(SMALL).single_point(WATER, charge=0, multiplicity=1).energy_hartree
    corrected = PySCFExecutor(replace(SMALL, dispersion="d4"))
    dissolved = PySCFExecutor(replace(SMALL, solvation="cpcm", solvent="water"))
    assert corrected.single_point(WATER, charge=0, multiplicity=1).energy_hartree < bare - 1e-5
    solvation = dissolved.single_point(WATER, charge=0, multiplicity=1).energy_hartree - bare
    assert -0.03 < solvation < -0.005
    assert dissolved.level == "b3lyp-coarsegrid/6-31g+cpcm(water)[pyscf]"


def test_unknown_failures_keep_their_text() -> None:
    with pytest.raises(Exception, match="something new") as caught, classified_errors("b3lyp"):
        raise RuntimeError("something new")
    assert getattr(caught.value, "kind", None) == "parse"


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (NotImplementedError("wb97x-d"), "input"),
        (RuntimeError("Electron number 9 and spin 0 are not consistent"), "input"),
        (KeyError("Unknown XC functional b4lyp"), "input"),
        (RuntimeError("Cartesian orbitals for mol and spherical orbitals for auxmol not supported"), "input"),
        (MemoryError(), "resource"),
        (ImportError("No module named dftd4"), "missing"),
    ],
)
def test_exceptions_are_classed_by_remedy(error: Exception, kind: str) -> None:
    with pytest.raises(HelioscError) as caught, classified_errors("b3lyp"):
        raise error
    assert caught.value.kind == kind
