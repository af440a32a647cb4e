"""The whole calculation of a molecule at any level: conformers, three charge states, seven energies, response.

Geometries at a DFT level start from those of GFN2-xTB, the ions from the neutral's minimum moved as GFN2-xTB moves
it, which saves most of the optimisation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from rdkit import Chem

from heliosc.errors import InputError
from heliosc.properties import PropertyKey
from heliosc.properties.levels import ionization_shift
from heliosc.qc.charge_states import CHARGES, ChargeState, ChargeStates, relax, rotation_onto
from heliosc.qc.energies import FourPointEnergies
from heliosc.qc.excited_states import excitation_values, responsive
from heliosc.qc.executor_state import Deadline, ExecutorState
from heliosc.qc.executors import QCExecutor, VibrationExecutor
from heliosc.qc.four_point import run_flags
from heliosc.qc.geometries import Geometry
from heliosc.qc.geometry import StartGeometry, check_connectivity, check_molecule, prepare_geometry
from heliosc.qc.levels import GFN2, Scheme, level_scheme
from heliosc.qc.methods import Method
from heliosc.qc.programs import AUTO, executor, program_for
from heliosc.qc.vertical import is_spin_contaminated, lowest_multiplicity
from heliosc.qc.vibrations import Vibrations
from heliosc.qc.xtb.engine import TbliteSession
from heliosc.qc.xtb.executor import SemiEmpiricalExecutor
from heliosc.qc.xtb.state import XtbState

RESPONSES = ("excitations", "polarizability", "harmonic")
IMAGINARY_PER_CM = -30.0  # softer imaginary modes are noise of grids and of finite differences
_MODE_STEPS_A = (0.3, -0.3)


@dataclass(frozen=True, slots=True)
class WorkflowSettings:
    """What a user can choose.

    Attributes
    ----------
    level : preset or ``A//B``, see ``heliosc.qc.levels``
    program : of the DFT side, or of everything for xTB levels; ``auto`` = the embedded one
    response : of ``RESPONSES``: S1 and T1, polarizability, harmonic check of the neutral's minimum
    keywords : further words for the program's input, held against an allow-list
    n_conformers : embedded at most
    n_optimized : best conformers of the force field and GFN2-xTB that are optimised before one is chosen
    seed : of the embedding
    max_steps : gradient evaluations of one optimisation at most
    n_cores, memory_gb : of one calculation
    timeout_s : limit of the whole; ``None`` = none
    """

    level: str = "gfn2"
    program: str = AUTO
    response: tuple[str, ...] = ("excitations", "polarizability")
    keywords: tuple[str, ...] = ()
    n_conformers: int = 4
    n_optimized: int = 1
    seed: int = 2026
    max_steps: int = 400
    n_cores: int = 1
    memory_gb: float = 2.0
    timeout_s: float | None = None

    def __post_init__(self) -> None:
        unknown = sorted(set(self.response) - set(RESPONSES))
        if unknown:
            raise InputError(f"unknown response {', '.join(unknown)}; expected some of: {', '.join(RESPONSES)}")
        self.scheme()

    def scheme(self) -> Scheme:
        """The level, read."""
        return level_scheme(self.level)

    def executors(self) -> dict[str, QCExecutor]:
        """Executors of the single points (``A``) and of the geometries (``B``), see ``side_executors``."""
        return side_executors(
            self.scheme(), self.program, n_cores=self.n_cores, memory_gb=self.memory_gb, keywords=self.keywords
        )


def side_executors(
    scheme: Scheme, program: str, *, n_cores: int = 1, memory_gb: float = 2.0, keywords: tuple[str, ...] = ()
) -> dict[str, QCExecutor]:
    """Executors of the single points (``A``) and of the geometries (``B``); a DFT program leaves xTB to tblite.

    Raises
    ------
    InputError : see ``heliosc.qc.programs.executor``
    """
    is_mixed = scheme.single_points.is_xtb != scheme.geometries.is_xtb
    sides = {}
    for side, method in (("A", scheme.single_points), ("B", scheme.geometries)):
        is_left = method.is_xtb and is_mixed
        sides[side] = executor(
            method,
            AUTO if is_left else program,
            n_cores=n_cores,
            memory_gb=memory_gb,
            keywords=() if is_left else keywords,
        )
    return sides


@dataclass(slots=True)
class WorkflowRun:
    """Everything a finished calculation knows; see ``four_point.FourPointRun`` for what the names mean."""

    values: dict[PropertyKey, float]
    geometries: dict[str, Geometry]
    energies: FourPointEnergies
    attempts: list[str]
    flags: list[str]
    details: dict[str, Any]


def run_workflow(
    molecule: Chem.Mol, settings: WorkflowSettings, *, progress: Callable[[str], None] | None = None
) -> WorkflowRun:
    """The whole scheme for one neutral closed-shell molecule.

    Parameters
    ----------
    progress : called with the name of each finished stage

    Raises
    ------
    InputError : charged, open-shell or fragmented molecule, or a level that the program does not have
    MissingDependencyError : the program is not here
    ConvergenceError : the ladder of remedies is exhausted, or the molecule fell apart ("wrong minimum")
    HelioscError : see ``heliosc.errors``
    """
    report = progress or (lambda _: None)
    check_molecule(molecule)
    scheme, deadline = settings.scheme(), Deadline.after(settings.timeout_s)
    programs = settings.executors()
    start = _start(molecule, settings)
    report("geometry")
    geometry_states = _geometry_states(start, settings, programs["B"], deadline=deadline)
    geometry_energies, vibrations = relaxed(geometry_states, settings, programs["B"], deadline=deadline, report=report)
    geometries = {name: geometry_states.geometry(name) for name in CHARGES}
    for name, geometry in geometries.items():
        check_connectivity(geometry, start.bonds, charge_state=name)
    points = _single_points(geometry_states, scheme, programs["A"], geometries=geometries, deadline=deadline)
    energies = _energies(points, geometries)
    report("single points")
    values, flags, notes = _response(programs, settings, geometries=geometries, deadline=deadline)
    level = scheme.level(programs["A"].name)
    values |= _values(level, energies, points["neutral"], geometries["neutral"])
    vibration_flags, vibration_notes = _vibration_notes(vibrations)
    flags += vibration_flags + _flags(
        values[PropertyKey("vertical_electron_affinity", level)], energies, points, geometries, start
    )
    report("properties")
    attempts = geometry_states.attempts + [
        attempt for name, state in points.items() if state is not geometry_states.states[name]
        for attempt in state.attempts
    ]  # fmt: skip
    details = _details(scheme, programs, geometry_energies, energies, start) | notes | vibration_notes
    details |= {"n_evaluations": geometry_states.n_evaluations, "attempts": attempts, "flags": flags}
    details |= {"n_cores": settings.n_cores, "memory_gb": settings.memory_gb, "keywords": list(settings.keywords)}
    return WorkflowRun(values, geometries, energies, attempts, flags, details)


def _start(molecule: Chem.Mol, settings: WorkflowSettings) -> StartGeometry:
    symbols = tuple(atom.GetSymbol() for atom in Chem.AddHs(Chem.RemoveHs(molecule)).GetAtoms())
    return prepare_geometry(
        molecule,
        n_conformers=settings.n_conformers,
        seed=settings.seed,
        session=TbliteSession(symbols),
        n_optimized=settings.n_optimized,
    )


def _geometry_states(
    start: StartGeometry, settings: WorkflowSettings, program: QCExecutor, *, deadline: Deadline
) -> ChargeStates:
    if isinstance(program, SemiEmpiricalExecutor):
        return _embedded_states(start, settings, program)
    begin, relaxations = start.geometry, {}
    if not settings.scheme().geometries.is_xtb:
        cheap = _embedded_states(start, settings, SemiEmpiricalExecutor(method=GFN2))
        relax(cheap, lambda _: None)
        begin = cheap.geometry("neutral")
        relaxations = {name: _relaxation(begin, cheap.geometry(name)) for name in ("cation", "anion")}
    states = {name: ExecutorState(program, name, charge, deadline) for name, charge in CHARGES.items()}
    return ChargeStates(begin, start.bonds, states, settings.max_steps, settings.seed, relaxations)


def _embedded_states(start: StartGeometry, settings: WorkflowSettings, program: SemiEmpiricalExecutor) -> ChargeStates:
    symbols = start.geometry.symbols
    states = {name: XtbState(program.session(symbols, charge=charge)) for name, charge in CHARGES.items()}
    return ChargeStates(start.geometry, start.bonds, states, settings.max_steps, settings.seed)


def relaxed(
    states: ChargeStates,
    settings: WorkflowSettings,
    program: QCExecutor,
    *,
    deadline: Deadline,
    report: Callable[[str], None],
) -> tuple[FourPointEnergies, Vibrations | None]:
    """Optimised charge states, and the vibrations of the neutral where the harmonic check was asked for.

    A neutral with an imaginary mode is displaced along it, one way and then the other, and everything is optimised
    again; where the program's modes are not read, or both ways end on a saddle point, the vibrations say so.

    Raises
    ------
    ConvergenceError : see ``relax``
    """
    for way in (*_MODE_STEPS_A, None):
        energies = relax(states, report)
        if "harmonic" not in settings.response:
            return energies, None
        neutral = states.geometry("neutral")
        vibrations = _vibrations(program, neutral, deadline=deadline)
        lowest = vibrations.frequencies_per_cm[0]
        if lowest >= IMAGINARY_PER_CM or vibrations.lowest_mode is None or way is None:
            break
        states.states["neutral"].attempts.append(
            f"neutral: saddle point ({-lowest:.0f}i cm^-1), moved by {way:+.1f} A along the mode and optimised again"
        )
        states.restart(Geometry(neutral.symbols, neutral.positions + way * vibrations.lowest_mode))
    return energies, vibrations


def _vibrations(program: QCExecutor, neutral: Geometry, *, deadline: Deadline) -> Vibrations:
    state = {"charge": 0, "multiplicity": 1}
    if isinstance(program, VibrationExecutor):
        return program.vibrations(neutral, **state, timeout_s=deadline.remaining_s())
    return Vibrations(responsive(program).frequencies(neutral, **state, timeout_s=deadline.remaining_s()))


def _vibration_notes(vibrations: Vibrations | None) -> tuple[list[str], dict[str, Any]]:
    if vibrations is None:
        return [], {}
    lowest = vibrations.frequencies_per_cm[0]
    flags = ["imaginary_mode_neutral"] if lowest < IMAGINARY_PER_CM else []
    return flags, {"lowest_frequency_per_cm": round(lowest, 1)}


def _relaxation(neutral: Geometry, ion: Geometry) -> np.ndarray[Any, np.dtype[np.float64]]:
    """How the ion differs from the neutral, (n_atoms, 3), A, in the neutral's frame."""
    rotation = rotation_onto(ion.positions, neutral.positions)
    centred = (ion.positions - ion.positions.mean(axis=0)) @ rotation
    return np.asarray(centred - (neutral.positions - neutral.positions.mean(axis=0)))


def _single_points(
    states: ChargeStates, scheme: Scheme, program: QCExecutor, *, geometries: dict[str, Geometry], deadline: Deadline
) -> dict[str, ExecutorState]:
    """A's charge states with every point of the scheme computed; B's own where A is B."""
    same = scheme.single_points == scheme.geometries
    points: dict[str, ExecutorState] = {}
    for name, charge in CHARGES.items():
        state: ChargeState = states.states[name]
        points[name] = (
            state if same and isinstance(state, ExecutorState) else ExecutorState(program, name, charge, deadline)
        )
    return points


def _energies(points: dict[str, ExecutorState], at: dict[str, Geometry]) -> FourPointEnergies:
    return FourPointEnergies(
        neutral_at_neutral=points["neutral"].energy(at["neutral"]),
        cation_at_neutral=points["cation"].energy(at["neutral"]),
        anion_at_neutral=points["anion"].energy(at["neutral"]),
        cation_at_cation=points["cation"].energy(at["cation"]),
        neutral_at_cation=points["neutral"].energy(at["cation"]),
        anion_at_anion=points["anion"].energy(at["anion"]),
        neutral_at_anion=points["neutral"].energy(at["anion"]),
    )


def _values(
    level: str, energies: FourPointEnergies, neutral: ExecutorState, geometry: Geometry
) -> dict[PropertyKey, float]:
    values = energies.values(shift=ionization_shift(level))
    point = neutral.point(geometry)
    if point.homo_eV is not None:
        values["homo_energy"] = point.homo_eV
    if point.lumo_eV is not None:
        values["lumo_energy"] = point.lumo_eV
    if point.homo_eV is not None and point.lumo_eV is not None:
        values["homo_lumo_gap"] = point.lumo_eV - point.homo_eV
    if point.dipole_debye is not None:
        values["dipole_moment"] = point.dipole_debye
    return {PropertyKey(name, level): value for name, value in values.items()}


def _response(
    programs: dict[str, QCExecutor],
    settings: WorkflowSettings,
    *,
    geometries: dict[str, Geometry],
    deadline: Deadline,
) -> tuple[dict[PropertyKey, float], list[str], dict[str, Any]]:
    """Values, flags and notes of what was asked for beyond energies."""
    scheme, neutral = settings.scheme(), geometries["neutral"]
    level = scheme.level(programs["A"].name)
    values: dict[PropertyKey, float] = {}
    flags: list[str] = []
    notes: dict[str, Any] = {}
    asked = set(settings.response) - _not_given(scheme, settings)
    if len(asked) < len(settings.response):
        notes["response_not_given"] = sorted(set(settings.response) - asked)
    if "excitations" in asked:
        excitations = responsive(programs["A"]).excitations(neutral, timeout_s=deadline.remaining_s())
        excited, excited_flags = excitation_values(excitations, scheme.geometries.level(programs["B"].name))
        values |= excited
        flags += excited_flags
        notes["excitation_attempts"] = list(excitations.attempts)
    if "polarizability" in asked:
        key = PropertyKey("polarizability", level)
        values[key] = responsive(programs["A"]).polarizability(neutral, timeout_s=deadline.remaining_s())
    return values, flags, notes


def _not_given(scheme: Scheme, settings: WorkflowSettings) -> set[str]:
    """What the engine of the single points has not: states of xTB methods, and the xtb program's polarizability."""
    if not scheme.single_points.is_xtb:
        return set()
    is_program = program_for(scheme.single_points, settings.program) == "xtb"
    return {"excitations", "polarizability"} if is_program else {"excitations"}


def _flags(
    vertical_electron_affinity: float,
    energies: FourPointEnergies,
    points: dict[str, ExecutorState],
    geometries: dict[str, Geometry],
    start: StartGeometry,
) -> list[str]:
    flags = run_flags(vertical_electron_affinity, geometries, start)
    flags += [f"negative_relaxation_{name}" for name in energies.negative_terms]
    for name, state in points.items():
        multiplicity = lowest_multiplicity(start.geometry.symbols, charge=CHARGES[name])
        at = (geometries["neutral"], geometries[name])
        if any(is_spin_contaminated(state.point(geometry), multiplicity=multiplicity) for geometry in at):
            flags.append(f"spin_contamination_{name}")
    return flags


def _details(
    scheme: Scheme,
    programs: dict[str, QCExecutor],
    geometry_energies: FourPointEnergies,
    energies: FourPointEnergies,
    start: StartGeometry,
) -> dict[str, Any]:
    return {
        "status": "done",
        "level": scheme.level(programs["A"].name),
        "single_points": _side(scheme.on_normal_grids.single_points, scheme.single_points.grid, programs["A"]),
        "geometries": _side(scheme.on_normal_grids.geometries, scheme.geometries.grid, programs["B"]),
        "energies_hartree": energies.as_dict(),
        "geometry_energies_hartree": geometry_energies.as_dict(),
        "lambda_terms_eV": energies.lambda_terms,
        "force_field": start.force_field,
        "n_conformers": start.n_conformers,
        "n_conformers_compared": start.n_compared,
    }


def _side(method: Method, grid: str, program: QCExecutor) -> dict[str, Any]:
    return {"method": method.level(), "grid": grid, "program": program.name, "version": program.version()}
