"""The real xtb program against tblite: the same Hamiltonian, two implementations."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from heliosc.chemistry.identity import parse_smiles
from heliosc.errors import CalculationTimeoutError, InputError
from heliosc.properties import PropertyKey
from heliosc.qc.executors import QCExecutor
from heliosc.qc.external.settings import ProgramSettings
from heliosc.qc.geometries import Geometry
from heliosc.qc.methods import parse_method
from heliosc.qc.workflow import WorkflowSettings, run_workflow
from heliosc.qc.xtb.executor import SemiEmpiricalExecutor
from heliosc.qc.xtb.program import XtbExecutor

pytestmark = pytest.mark.program

WATER = Geometry(("O", "H", "H"), np.array([[0.0, 0.0, 0.1173], [0.0, 0.7572, -0.4692], [0.0, -0.7572, -0.4692]]))


@pytest.fixture(autouse=True)
def _needs_xtb() -> None:
    if not XtbExecutor().found():
        pytest.skip("xtb is not installed: apt-get install xtb")


def xtb(text: str, scratch: Path, **settings: float) -> XtbExecutor:
    method = parse_method(text)
    changed = ProgramSettings(
        method.name,
        "",
        solvation=method.solvation,
        solvent=method.solvent,
        **settings,  # type: ignore[arg-type]
    )
    return XtbExecutor(changed, scratch=scratch)


@pytest.mark.parametrize("text", ["gfn2", "gfn1", "gfn2+alpb(toluene)"])
@pytest.mark.parametrize(("charge", "multiplicity"), [(0, 1), (1, 2), (-1, 2)])
def test_energies_and_orbitals_agree_with_tblite(tmp_path: Path, text: str, charge: int, multiplicity: int) -> None:
    program, library = xtb(text, tmp_path), SemiEmpiricalExecutor(method=parse_method(text))
    assert isinstance(program, QCExecutor)
    ours = library.single_point(WATER, charge=charge, multiplicity=multiplicity)
    theirs = program.single_point(WATER, charge=charge, multiplicity=multiplicity)
    assert theirs.energy_hartree == pytest.approx(ours.energy_hartree, abs=1e-6)
    if charge == 0:  # of a radical, xtb names the half-filled orbital HOMO or LUMO by its own rule
        assert (theirs.homo_eV, theirs.lumo_eV) == pytest.approx((ours.homo_eV, ours.lumo_eV), abs=2e-3)
        assert theirs.dipole_debye == pytest.approx(ours.dipole_debye, abs=5e-3)
    assert theirs.level == ours.level == text
    assert list(tmp_path.iterdir()) == []


def test_minima_and_frequencies_agree_with_tblite(tmp_path: Path) -> None:
    program, library = xtb("gfn2", tmp_path), SemiEmpiricalExecutor()
    theirs = program.optimize(WATER, charge=0, multiplicity=1)
    ours = library.optimize(WATER, charge=0, multiplicity=1)
    assert theirs.single_point.energy_hartree == pytest.approx(ours.single_point.energy_hartree, abs=1e-6)
    assert theirs.n_evaluations is not None
    frequencies = program.frequencies(theirs.geometry, charge=0, multiplicity=1)
    assert frequencies == pytest.approx(library.frequencies(theirs.geometry, charge=0, multiplicity=1), abs=3.0)


def test_four_point_set_agrees_with_the_embedded_engine() -> None:
    molecule = parse_smiles("c1ccsc1")
    runs = {
        name: run_workflow(molecule, WorkflowSettings(program=name, response=())).values for name in ("xtb", "tblite")
    }
    for name in ("vertical_ionization_energy", "adiabatic_ionization_energy", "vertical_electron_affinity"):
        key = PropertyKey(name, "gfn2")
        assert runs["xtb"][key] == pytest.approx(runs["tblite"][key], abs=5e-3)
    hole = PropertyKey("lambda_hole", "gfn2")
    assert runs["xtb"][hole] == pytest.approx(runs["tblite"][hole], abs=5e-3)


def test_charges_that_do_not_converge_climb_the_ladder(tmp_path: Path) -> None:
    point = xtb("gfn2", tmp_path, max_scf_cycles=3).single_point(WATER, charge=0, multiplicity=1)
    assert point.energy_hartree == pytest.approx(-5.070370761845, abs=1e-6)
    assert "Self consistent charge iterator did not converge" in point.attempts[0]


def test_unconverged_optimisation_goes_on_although_xtb_calls_it_normal(tmp_path: Path) -> None:
    stretched = Geometry(WATER.symbols, WATER.positions * 1.3)
    optimized = xtb("gfn2", tmp_path, max_optimization_cycles=2).optimize(stretched, charge=0, multiplicity=1)
    assert optimized.single_point.energy_hartree == pytest.approx(-5.0705443, abs=1e-5)
    assert "GEOMETRY OPTIMIZATION" in optimized.single_point.attempts[0]


def test_time_limit_ends_it(tmp_path: Path) -> None:
    big = Geometry(("C",) * 150, np.random.default_rng(0).uniform(0, 30, size=(150, 3)))
    with pytest.raises((CalculationTimeoutError, InputError)):  # overlapping atoms may be seen first
        xtb("gfn2", tmp_path).optimize(big, charge=0, multiplicity=1, timeout_s=1.0)


def test_wrong_parity_and_unknown_words_never_reach_it(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="multiplicity"):
        xtb("gfn2", tmp_path).single_point(WATER, charge=1, multiplicity=1)
    for change in ({"keywords": ("--cma",)}, {"method": "gfn3"}, {"solvation": "smd", "solvent": "toluene"}):
        with pytest.raises(InputError):
            XtbExecutor(ProgramSettings(**({"method": "gfn2", "basis": ""} | change)))  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []
