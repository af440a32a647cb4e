"""The four-point workflow on GFN2-xTB: three minima, seven energies, IPEA1 ionisation energies, polarizability.

The ions start from the neutral's minimum, with its Hessian. If a state turns out lower at another state's geometry,
it is optimised again from there, so no relaxation energy is negative.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem

from heliosc.errors import ConvergenceError
from heliosc.properties import XTB_IONIZATION_SHIFT_EV, PropertyKey
from heliosc.qc.energies import FourPointEnergies
from heliosc.qc.engines import geometry_optimizer
from heliosc.qc.geometries import Geometry
from heliosc.qc.geometry import (
    StartGeometry,
    check_connectivity,
    check_molecule,
    prepare_geometry,
    torsion_changes,
)
from heliosc.qc.optimizer import Minimum
from heliosc.qc.units import BOHR_A, HARTREE_EV
from heliosc.qc.xtb.engine import ElectronicState, TbliteSession
from heliosc.qc.xtb.response import dipole_debye, frontier_orbitals, polarizability

FloatArray = NDArray[np.float64]

CHARGES = {"neutral": 0, "cation": 1, "anion": -1}
TORSION_FLAG_DEGREES = 20.0
SYMMETRY_BREAKING_A = 0.01
_ROUNDS = 4


@dataclass(frozen=True, slots=True)
class FourPointSettings:
    """What a user can choose; everything else is the scheme.

    Attributes
    ----------
    engine : who optimises, see ``heliosc.qc.engines.ENGINES``
    n_conformers : embedded at most
    seed : of the embedding
    max_steps : gradient evaluations of one optimisation at most
    """

    engine: str = "auto"
    n_conformers: int = 4
    seed: int = 2026
    max_steps: int = 400


@dataclass(slots=True)
class FourPointRun:
    """Everything a finished four-point calculation knows.

    Attributes
    ----------
    energies, ipea_energies : GFN2-xTB and IPEA1-xTB energies, the latter at GFN2 geometries: E0(R0), E+(R0), E+(R+)
    values : property -> value
    geometries : ``neutral``, ``cation``, ``anion``
    """

    energies: FourPointEnergies
    ipea_energies: tuple[float, float, float]
    values: dict[PropertyKey, float]
    geometries: dict[str, Geometry]
    n_evaluations: dict[str, int]
    attempts: list[str]
    flags: list[str]
    start: StartGeometry


@dataclass(slots=True)
class _States:
    """The three charge states of one molecule while they are being optimised."""

    start: StartGeometry
    sessions: dict[str, TbliteSession]
    settings: FourPointSettings
    minima: dict[str, Minimum] = field(default_factory=dict)
    energies: dict[tuple[str, str], float] = field(default_factory=dict)

    def geometry(self, name: str) -> Geometry:
        return Geometry(self.start.geometry.symbols, self.minima[name].positions * BOHR_A)

    def optimize(self, name: str, *, begin: Geometry, hessian: FloatArray | None) -> None:
        """Minimise one charge state; every energy at its old geometry is forgotten."""
        optimizer = geometry_optimizer(self.settings.engine)
        self.minima[name] = optimizer(
            self.sessions[name],
            _off_symmetry(begin, seed=self.settings.seed),
            bonds=self.start.bonds,
            hessian=hessian,
            max_steps=self.settings.max_steps,
        )
        self.energies = {key: value for key, value in self.energies.items() if key[1] != name}
        self.energies[name, name] = self.minima[name].energy

    def energy(self, charge_state: str, at: str) -> float:
        """E of one charge state at another's minimum, Eh, computed once."""
        if (charge_state, at) not in self.energies:
            self.energies[charge_state, at] = self.sessions[charge_state].evaluate(self.geometry(at).positions).energy
        return self.energies[charge_state, at]


def run_four_point(
    molecule: Chem.Mol, settings: FourPointSettings, *, progress: Callable[[str], None] | None = None
) -> FourPointRun:
    """The whole scheme for one neutral closed-shell molecule.

    Parameters
    ----------
    progress : called with the name of each finished stage

    Raises
    ------
    InputError : charged, open-shell or fragmented molecule, unknown engine, element outside GFN2-xTB
    ConvergenceError : charges or geometry did not converge, or the molecule fell apart ("wrong minimum")
    """
    report = progress or (lambda _: None)
    check_molecule(molecule)
    geometry_optimizer(settings.engine)
    symbols = tuple(atom.GetSymbol() for atom in Chem.AddHs(Chem.RemoveHs(molecule)).GetAtoms())
    sessions = {name: TbliteSession(symbols, charge=charge) for name, charge in CHARGES.items()}
    start = prepare_geometry(
        molecule, n_conformers=settings.n_conformers, seed=settings.seed, session=sessions["neutral"]
    )
    report("geometry")
    states = _States(start, sessions, settings)
    energies = _relaxed_energies(states, report)
    geometries = {name: states.geometry(name) for name in CHARGES}
    for name, geometry in geometries.items():
        check_connectivity(geometry, start.bonds, charge_state=name)
    neutral = sessions["neutral"].evaluate(geometries["neutral"].positions)
    values, ipea = _values(energies, geometries, neutral)
    report("properties")
    return FourPointRun(
        energies,
        ipea,
        values,
        geometries,
        {name: session.n_evaluations for name, session in sessions.items()},
        [attempt for session in sessions.values() for attempt in session.attempts],
        _flags(values, geometries, start),
        start,
    )


def _relaxed_energies(states: _States, report: Callable[[str], None]) -> FourPointEnergies:
    """Optimise the three states until no relaxation energy is negative."""
    states.optimize("neutral", begin=states.start.geometry, hessian=None)
    report("neutral")
    for _ in range(_ROUNDS):
        for name in ("cation", "anion"):
            if name not in states.minima:
                states.energy(name, "neutral")  # the wavefunction there starts the optimisation
                states.optimize(name, begin=states.geometry("neutral"), hessian=states.minima["neutral"].hessian)
                report(name)
        energies = _collect(states)
        if not energies.negative_terms:
            return energies
        _repair(states, energies)
    raise ConvergenceError(
        f"relaxation energies stay negative after {_ROUNDS} rounds ({energies.lambda_terms} eV); "
        f"the surface has several close minima, try another conformer (seed)"
    )


def _off_symmetry(geometry: Geometry, *, seed: int) -> Geometry:
    """The geometry with its atoms moved a little.

    A symmetric start keeps its symmetry, so an optimisation can end on a saddle point: GFN2-xTB's thiophene cation
    does, 37 meV above its minimum.
    """
    shifts = np.random.default_rng(seed).normal(scale=SYMMETRY_BREAKING_A, size=geometry.positions.shape)
    return Geometry(geometry.symbols, geometry.positions + shifts)


def _collect(states: _States) -> FourPointEnergies:
    return FourPointEnergies(
        neutral_at_neutral=states.energy("neutral", "neutral"),
        cation_at_neutral=states.energy("cation", "neutral"),
        anion_at_neutral=states.energy("anion", "neutral"),
        cation_at_cation=states.energy("cation", "cation"),
        neutral_at_cation=states.energy("neutral", "cation"),
        anion_at_anion=states.energy("anion", "anion"),
        neutral_at_anion=states.energy("neutral", "anion"),
    )


def _repair(states: _States, energies: FourPointEnergies) -> None:
    """Optimise again, from the lower geometry, each state that lies lower at another state's minimum."""
    terms = energies.lambda_terms
    donor = min(("cation", "anion"), key=lambda name: terms[f"neutral_from_{name}"])
    if f"neutral_from_{donor}" in energies.negative_terms:
        states.sessions["neutral"].attempts.append(
            f"neutral lies lower at the {donor}'s geometry: optimised from there"
        )
        states.optimize("neutral", begin=states.geometry(donor), hessian=states.minima[donor].hessian)
        for name in ("cation", "anion"):  # the same conformer for all charge states
            del states.minima[name]
        return
    for name in ("cation", "anion"):
        if name in energies.negative_terms:
            states.sessions[name].attempts.append(f"{name} lower at the neutral's geometry: optimised from there")
            states.optimize(name, begin=states.geometry("neutral"), hessian=None)


def _values(
    energies: FourPointEnergies, geometries: dict[str, Geometry], neutral: ElectronicState
) -> tuple[dict[PropertyKey, float], tuple[float, float, float]]:
    shift = XTB_IONIZATION_SHIFT_EV
    homo, lumo = frontier_orbitals(neutral)
    vertical_ie = energies.vertical_ionization_energy - shift
    vertical_ea = energies.vertical_electron_affinity - shift
    gfn2 = {
        "vertical_ionization_energy": vertical_ie,
        "adiabatic_ionization_energy": energies.adiabatic_ionization_energy - shift,
        "vertical_electron_affinity": vertical_ea,
        "adiabatic_electron_affinity": energies.adiabatic_electron_affinity - shift,
        "fundamental_gap": vertical_ie - vertical_ea,
        "lambda_hole": energies.lambda_hole,
        "lambda_electron": energies.lambda_electron,
        "homo_energy": homo,
        "lumo_energy": lumo,
        "homo_lumo_gap": lumo - homo,
        "dipole_moment": dipole_debye(neutral),
        "polarizability": polarizability(geometries["neutral"], neutral),
    }
    ipea = ipea_energies(geometries["neutral"], geometries["cation"])
    values = {PropertyKey(name, "gfn2"): value for name, value in gfn2.items()}
    for name, cation in (("vertical_ionization_energy", ipea[1]), ("adiabatic_ionization_energy", ipea[2])):
        values[PropertyKey(name, "ipea1//gfn2")] = (cation - ipea[0]) * HARTREE_EV - shift
    return values, ipea


def ipea_energies(neutral: Geometry, cation: Geometry) -> tuple[float, float, float]:
    """IPEA1-xTB energies E0(R0), E+(R0), E+(R+), Eh."""
    neutral_session = TbliteSession(neutral.symbols, method="ipea1")
    cation_session = TbliteSession(neutral.symbols, method="ipea1", charge=1)
    return (
        neutral_session.evaluate(neutral.positions).energy,
        cation_session.evaluate(neutral.positions).energy,
        cation_session.evaluate(cation.positions).energy,
    )


def _flags(values: dict[PropertyKey, float], geometries: dict[str, Geometry], start: StartGeometry) -> list[str]:
    flags = []
    if values[PropertyKey("vertical_electron_affinity", "gfn2")] < 0.0:
        flags.append("unbound_anion")
    coordinates = start.coordinates()
    for name in ("cation", "anion"):
        change = torsion_changes(coordinates, geometries["neutral"], geometries[name])
        if change > TORSION_FLAG_DEGREES:
            flags.append(f"torsion_change_{name}")
    return flags


def run_details(run: FourPointRun) -> dict[str, Any]:
    """What is stored beside the values: energies in Eh, evaluation counts, remedies, flags, origin of the geometry."""
    return {
        "energies_hartree": {name: getattr(run.energies, name) for name in run.energies.__dataclass_fields__},
        "ipea1_energies_hartree": dict(
            zip(("neutral_at_neutral", "cation_at_neutral", "cation_at_cation"), run.ipea_energies, strict=True)
        ),
        "lambda_terms_eV": run.energies.lambda_terms,
        "n_evaluations": run.n_evaluations,
        "attempts": run.attempts,
        "flags": run.flags,
        "force_field": run.start.force_field,
        "n_conformers": run.start.n_conformers,
        "n_conformers_compared": run.start.n_compared,
    }
