"""The workflow at any level, on executors that compute with GFN2-xTB under another name (labelled so)."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest

from heliosc.chemistry.identity import parse_smiles
from heliosc.errors import CalculationTimeoutError, ConvergenceError, InputError, MissingDependencyError
from heliosc.properties import PropertyKey
from heliosc.qc import workflow as workflow_module
from heliosc.qc.charge_states import CHARGES, ChargeStates, rotation_onto
from heliosc.qc.executor_state import Deadline
from heliosc.qc.executors import Excitations, OptimizedGeometry, SinglePoint
from heliosc.qc.geometries import Geometry
from heliosc.qc.geometry import perceived_bonds
from heliosc.qc.methods import Method
from heliosc.qc.tasks import four_point, workflow, workflow_identity
from heliosc.qc.vibrations import vibrations_from_gradients
from heliosc.qc.workflow import WorkflowSettings, relaxed, run_workflow
from heliosc.qc.xtb.executor import SemiEmpiricalExecutor
from heliosc.qc.xtb.state import XtbState

ETHYLENE = "C=C"
LEVEL = "b3lyp/def2-svp[fake]"


@dataclass
class FakeDFT:
    """FAKE: GFN2-xTB that calls itself B3LYP, to test the workflow and not the chemistry."""

    s_squared: float = 0.75
    error: Exception | None = None
    n_asked: list[str] = field(default_factory=list)
    name: str = "fake"
    install_hint: str = ""

    def found(self) -> bool:
        return True

    def version(self) -> str:
        return "1"

    def single_point(
        self, geometry: Geometry, *, charge: int, multiplicity: int, timeout_s: float | None = None
    ) -> SinglePoint:
        if self.error is not None:
            raise self.error
        self.n_asked.append("single_point")
        point = SemiEmpiricalExecutor().single_point(geometry, charge=charge, multiplicity=multiplicity)
        return replace(point, level=LEVEL, s_squared=self.s_squared if charge else 0.0)

    def optimize(
        self, geometry: Geometry, *, charge: int, multiplicity: int, timeout_s: float | None = None
    ) -> OptimizedGeometry:
        self.n_asked.append("optimize")
        optimized = SemiEmpiricalExecutor().optimize(geometry, charge=charge, multiplicity=multiplicity)
        return replace(optimized, single_point=replace(optimized.single_point, attempts=("slow: a reason",)))

    def excitations(self, geometry: Geometry, *, timeout_s: float | None = None) -> Excitations:
        return Excitations(7.5, 0.4, f"tda-{LEVEL}", 4.5)

    def polarizability(self, geometry: Geometry, *, timeout_s: float | None = None) -> float:
        return 4.25

    def frequencies(
        self, geometry: Geometry, *, charge: int, multiplicity: int, timeout_s: float | None = None
    ) -> tuple[float, ...]:
        return (-210.0, 900.0)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeDFT:
    dft = FakeDFT()

    def executor(method: Method, program: str = "auto", **_: Any) -> Any:
        return SemiEmpiricalExecutor(method=method) if method.is_xtb else dft

    monkeypatch.setattr(workflow_module, "executor", executor)
    return dft


@pytest.fixture(scope="module")
def embedded() -> dict[str, Any]:
    return four_point({"smiles": ETHYLENE})


def test_optimisations_by_an_executor_give_what_the_embedded_path_gives(
    fake: FakeDFT, embedded: dict[str, Any]
) -> None:
    run = run_workflow(parse_smiles(ETHYLENE), WorkflowSettings(level="b3lyp/def2-svp"))
    for name, tolerance in (("lambda_hole", 2e-3), ("lambda_electron", 2e-2), ("homo_energy", 2e-3)):
        # the anion's minimum is flat: two optimisers end 8 meV apart
        assert run.values[PropertyKey(name, LEVEL)] == pytest.approx(embedded["values"][f"{name}@gfn2"], abs=tolerance)
    unshifted = embedded["values"]["vertical_ionization_energy@gfn2"] + 4.846
    assert run.values[PropertyKey("vertical_ionization_energy", LEVEL)] == pytest.approx(unshifted, abs=2e-3)
    assert fake.n_asked.count("optimize") == 3
    assert fake.n_asked.count("single_point") == 4  # the other three of seven came with the optimisations
    assert run.attempts == ["neutral: slow: a reason", "cation: slow: a reason", "anion: slow: a reason"]


def test_single_points_on_cheap_geometries(fake: FakeDFT, embedded: dict[str, Any]) -> None:
    run = run_workflow(parse_smiles(ETHYLENE), WorkflowSettings(level="b3lyp/def2-svp//gfn2", response=()))
    level = f"{LEVEL}//gfn2"
    assert {key.level for key in run.values} == {level}
    assert run.values[PropertyKey("lambda_hole", level)] == pytest.approx(
        embedded["values"]["lambda_hole@gfn2"], abs=1e-4
    )
    assert fake.n_asked == ["single_point"] * 7
    assert run.details["single_points"] == {
        "method": "b3lyp/def2-svp",
        "grid": "normal",
        "program": "fake",
        "version": "1",
    }
    assert run.details["geometries"]["program"] == "tblite"


def test_response_properties_carry_levels_of_their_own(fake: FakeDFT) -> None:
    settings = WorkflowSettings(
        level="b3lyp/def2-svp//gfn2", response=("excitations", "polarizability", "harmonic")
    )  # fmt: skip
    run = run_workflow(parse_smiles(ETHYLENE), settings)
    excited = f"tda-{LEVEL}//gfn2"
    assert run.values[PropertyKey("singlet_excitation_energy", excited)] == 7.5
    assert run.values[PropertyKey("oscillator_strength", excited)] == 0.4
    assert run.values[PropertyKey("triplet_excitation_energy", excited)] == 4.5
    assert run.values[PropertyKey("polarizability", f"{LEVEL}//gfn2")] == 4.25
    assert run.details["lowest_frequency_per_cm"] > 0  # of the level of the geometries, a true minimum
    assert "imaginary_mode_neutral" not in run.flags


def test_imaginary_mode_is_flagged(fake: FakeDFT) -> None:
    run = run_workflow(parse_smiles(ETHYLENE), WorkflowSettings(level="b3lyp/def2-svp", response=("harmonic",)))
    assert run.details["lowest_frequency_per_cm"] == -210.0
    assert "imaginary_mode_neutral" in run.flags


def test_saddle_point_is_left_along_its_mode(monkeypatch: pytest.MonkeyPatch) -> None:
    # planar s-cis butadiene is a saddle point between two gauche minima; its symmetry is not broken here
    monkeypatch.setattr("heliosc.qc.charge_states.SYMMETRY_BREAKING_A", 0.0)
    half = [(0.723, -0.623), (1.527, 0.448), (1.181, -1.611), (1.152, 1.465), (2.605, 0.322)]
    planar = Geometry(
        ("C", "C", "H", "H", "H") * 2, np.array([(sign * x, y, 0.0) for sign in (1.0, -1.0) for x, y in half])
    )
    program = SemiEmpiricalExecutor()

    def states() -> ChargeStates:
        xtb = {name: XtbState(program.session(planar.symbols, charge=charge)) for name, charge in CHARGES.items()}
        return ChargeStates(planar, perceived_bonds(planar), xtb, 400, 1)

    unchecked, checked, nothing = states(), states(), Deadline.after(None)
    saddle, _ = relaxed(unchecked, WorkflowSettings(response=()), program, deadline=nothing, report=print)
    settings = WorkflowSettings(response=("harmonic",))
    minimum, vibrations = relaxed(checked, settings, program, deadline=nothing, report=print)
    assert vibrations is not None
    assert vibrations.frequencies_per_cm[0] > 0
    assert minimum.neutral_at_neutral < saddle.neutral_at_neutral - 3e-5  # GFN2-xTB: 5.2e-5
    assert [attempt for attempt in checked.attempts if "saddle point" in attempt and "+0.3 A" in attempt]
    assert np.abs(unchecked.geometry("neutral").positions[:, 2]).max() < 1e-3


def test_spin_contamination_and_unbound_anion_are_flagged(fake: FakeDFT) -> None:
    fake.s_squared = 0.9
    run = run_workflow(parse_smiles(ETHYLENE), WorkflowSettings(level="b3lyp/def2-svp//gfn2", response=()))
    assert {"spin_contamination_cation", "spin_contamination_anion"} <= set(run.flags)
    fake.s_squared = 0.84
    run = run_workflow(parse_smiles(ETHYLENE), WorkflowSettings(level="b3lyp/def2-svp//gfn2", response=()))
    assert not [flag for flag in run.flags if flag.startswith("spin")]
    assert PropertyKey("vertical_electron_affinity", f"{LEVEL}//gfn2") in run.values


def test_best_of_several_conformers_is_no_worse_than_the_first() -> None:
    butadiene = parse_smiles("C=CC=C")
    energies = {
        n: run_workflow(butadiene, WorkflowSettings(n_optimized=n, response=())).energies.neutral_at_neutral
        for n in (1, 3)
    }
    assert energies[3] <= energies[1] + 1e-5


def test_wrong_minimum_is_refused(fake: FakeDFT, monkeypatch: pytest.MonkeyPatch) -> None:
    def torn(self: FakeDFT, geometry: Geometry, **state: Any) -> OptimizedGeometry:
        positions = geometry.positions.copy()
        positions[0] += 5.0
        return OptimizedGeometry(Geometry(geometry.symbols, positions), SinglePoint(-1.0, LEVEL))

    monkeypatch.setattr(FakeDFT, "optimize", torn)
    monkeypatch.setattr(FakeDFT, "single_point", lambda self, *a, **k: SinglePoint(-1.0, LEVEL))
    with pytest.raises(ConvergenceError, match="wrong minimum"):
        run_workflow(parse_smiles(ETHYLENE), WorkflowSettings(level="b3lyp/def2-svp"))


@pytest.mark.parametrize("change", [{"response": ("magic",)}, {"level": "nonsense"}, {"program": "psi5"}])
def test_bad_settings_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        WorkflowSettings(**change).executors()


# ------------------------------------------------------------------ the task


def test_failure_without_leave_to_fall_back_stays_a_failure(fake: FakeDFT) -> None:
    fake.error = ConvergenceError("ladder exhausted")
    with pytest.raises(ConvergenceError, match="ladder exhausted"):
        workflow({"smiles": ETHYLENE, "level": "b3lyp/def2-svp//gfn2"})


@pytest.mark.parametrize("error", [ConvergenceError("no (files kept in /tmp/x1)"), MissingDependencyError("absent")])
def test_allowed_fallback_keeps_its_own_level_and_says_why(
    fake: FakeDFT, embedded: dict[str, Any], error: Exception
) -> None:
    fake.error = error
    result = workflow({"smiles": ETHYLENE, "level": "b3lyp/def2-svp//gfn2", "fallback": "gfn2"})
    assert result["values"] == embedded["values"]  # level gfn2, GFN2-xTB's own numbers
    details = result["details"]
    assert (details["status"], details["requested_level"]) == ("fallback", "b3lyp/def2-svp//gfn2")
    assert details["reason"] in ("convergence: no", "missing: absent")  # no path that differs from run to run
    assert "fallback" in details["flags"]


@pytest.mark.parametrize("error", [InputError("wrong"), CalculationTimeoutError("late")])
def test_other_errors_never_fall_back(fake: FakeDFT, error: Exception) -> None:
    fake.error = error
    with pytest.raises(type(error)):
        workflow({"smiles": ETHYLENE, "level": "b3lyp/def2-svp//gfn2", "fallback": "gfn2"})


def test_task_is_json_and_the_same_to_the_last_bit() -> None:
    payload = {"smiles": ETHYLENE, "level": "gfn2+alpb(toluene)", "response": ["polarizability"], "fallback": "none"}
    first, second = (json.loads(json.dumps(workflow(payload))) for _ in range(2))
    assert first == second
    assert "lambda_hole@gfn2+alpb(toluene)" in first["values"]


def test_identity_knows_the_calculation_and_not_the_machine() -> None:
    payload: dict[str, Any] = {"smiles": ETHYLENE, "level": "gfn2+alpb(toluene)"}
    identity = workflow_identity(payload)
    assert workflow_identity(payload | {"n_cores": 8, "memory_gb": 9.0, "timeout_s": 5.0}) == identity
    for change in ({"level": "gfn2+alpb(water)"}, {"n_conformers": 9}, {"fallback": "gfn2"}, {"response": []}):
        assert workflow_identity(payload | change) != identity
    with pytest.raises(InputError, match="unknown keyword colour"):
        workflow_identity(payload | {"colour": "red"})
    with pytest.raises(InputError, match="fallback is 'dft'"):
        workflow_identity(payload | {"fallback": "dft"})


# ------------------------------------------------------------------ its parts


def test_deadline_is_shared_by_the_steps() -> None:
    assert Deadline.after(None).remaining_s() is None
    with pytest.raises(CalculationTimeoutError, match="between two steps"):
        Deadline.after(0.0).remaining_s()


def test_rotation_takes_a_turned_molecule_back() -> None:
    generator = np.random.default_rng(1)
    positions = generator.normal(size=(6, 3))
    turn = np.linalg.qr(generator.normal(size=(3, 3)))[0]
    turn *= np.sign(np.linalg.det(turn))
    back = rotation_onto(positions @ turn + 3.0, positions)
    centred = positions - positions.mean(axis=0)
    np.testing.assert_allclose((positions @ turn - (positions @ turn).mean(axis=0)) @ back, centred, atol=1e-12)


def test_frequency_of_a_spring_by_hand() -> None:
    force_constant = 0.37  # Eh/bohr^2, close to H2
    bond_A = 0.74

    def gradient(positions: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        bond = positions[1] - positions[0]
        length = np.linalg.norm(bond)
        pull = force_constant * (length - bond_A) / 0.529177210903 * bond / length
        return np.array([-pull, pull])

    molecule = Geometry(("H", "H"), np.array([[0.0, 0.0, 0.0], [0.0, 0.0, bond_A]]))
    (frequency,) = vibrations_from_gradients(gradient, molecule).frequencies_per_cm
    reduced_mass = 1.008 / 2 * 1822.888486  # electron masses
    assert frequency == pytest.approx(np.sqrt(force_constant / reduced_mass) * 219474.6313632, rel=1e-5)


def test_vibrations_of_water_are_three_and_real() -> None:
    executor = SemiEmpiricalExecutor()
    start = Geometry(("O", "H", "H"), np.array([[0.0, 0.0, 0.1173], [0.0, 0.7572, -0.4692], [0.0, -0.7572, -0.4692]]))
    minimum = executor.optimize(start, charge=0, multiplicity=1).geometry
    frequencies = executor.frequencies(minimum, charge=0, multiplicity=1)
    assert frequencies == pytest.approx((1539, 3643, 3651), abs=12)  # xtb 6.5.1 --ohess
