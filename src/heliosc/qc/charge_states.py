"""Neutral, cation and anion of one molecule, optimised until no relaxation energy is negative, with any engine.

The ions start from the neutral's minimum, with its Hessian where the engine takes one. If a state turns out lower at
another state's geometry, it is optimised again from there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from heliosc.errors import ConvergenceError
from heliosc.qc.energies import FourPointEnergies
from heliosc.qc.geometries import Geometry
from heliosc.qc.optimizer import Minimum
from heliosc.qc.units import BOHR_A

FloatArray = NDArray[np.float64]

CHARGES = {"neutral": 0, "cation": 1, "anion": -1}
SYMMETRY_BREAKING_A = 0.01
_ROUNDS = 4


class ChargeState(Protocol):
    """One molecule in one charge state with one method.

    Attributes
    ----------
    attempts : remedies that were needed, in order
    n_evaluations : calculations so far
    """

    @property
    def attempts(self) -> list[str]: ...

    @property
    def n_evaluations(self) -> int: ...

    def energy(self, geometry: Geometry) -> float:
        """Energy, Eh."""
        ...

    def minimum(
        self, begin: Geometry, *, bonds: NDArray[np.intp], hessian: FloatArray | None, max_steps: int
    ) -> Minimum:
        """Nearest minimum."""
        ...


@dataclass(slots=True)
class ChargeStates:
    """The three charge states while they are being optimised.

    Attributes
    ----------
    begin : where the neutral starts
    bonds : (n_bonds, 2)
    states : ``neutral``, ``cation``, ``anion``
    max_steps : gradient evaluations of one optimisation at most
    seed : of the small displacements that break symmetry
    relaxations : cation and anion -> (n_atoms, 3), A: how the ion is expected to differ from the neutral
    """

    begin: Geometry
    bonds: NDArray[np.intp]
    states: Mapping[str, ChargeState]
    max_steps: int
    seed: int
    relaxations: Mapping[str, FloatArray] = field(default_factory=dict)
    minima: dict[str, Minimum] = field(default_factory=dict)
    energies: dict[tuple[str, str], float] = field(default_factory=dict)

    @property
    def attempts(self) -> list[str]:
        return [attempt for state in self.states.values() for attempt in state.attempts]

    @property
    def n_evaluations(self) -> dict[str, int]:
        return {name: state.n_evaluations for name, state in self.states.items()}

    def geometry(self, name: str) -> Geometry:
        """Minimum of one charge state."""
        return Geometry(self.begin.symbols, self.minima[name].positions * BOHR_A)

    def optimize(self, name: str, *, begin: Geometry, hessian: FloatArray | None) -> None:
        """Minimise one charge state; every energy at its old geometry is forgotten."""
        self.minima[name] = self.states[name].minimum(
            _off_symmetry(begin, seed=self.seed), bonds=self.bonds, hessian=hessian, max_steps=self.max_steps
        )
        self.energies = {key: value for key, value in self.energies.items() if key[1] != name}
        self.energies[name, name] = self.minima[name].energy

    def restart(self, begin: Geometry) -> None:
        """Forget every minimum and start the neutral elsewhere, the ions from wherever it ends."""
        self.begin, self.relaxations = begin, {}
        self.minima.clear()
        self.energies.clear()

    def energy(self, charge_state: str, at: str) -> float:
        """E of one charge state at another's minimum, Eh, computed once."""
        if (charge_state, at) not in self.energies:
            self.energies[charge_state, at] = self.states[charge_state].energy(self.geometry(at))
        return self.energies[charge_state, at]

    def four_point(self) -> FourPointEnergies:
        """The seven energies."""
        return FourPointEnergies(
            neutral_at_neutral=self.energy("neutral", "neutral"),
            cation_at_neutral=self.energy("cation", "neutral"),
            anion_at_neutral=self.energy("anion", "neutral"),
            cation_at_cation=self.energy("cation", "cation"),
            neutral_at_cation=self.energy("neutral", "cation"),
            anion_at_anion=self.energy("anion", "anion"),
            neutral_at_anion=self.energy("neutral", "anion"),
        )

    def expected(self, name: str) -> Geometry:
        """Where an ion starts: the neutral's minimum, relaxed as expected."""
        neutral = self.geometry("neutral")
        if name not in self.relaxations:
            return neutral
        rotation = rotation_onto(self.begin.positions, neutral.positions)
        return Geometry(neutral.symbols, neutral.positions + self.relaxations[name] @ rotation)


def relax(states: ChargeStates, report: Callable[[str], None]) -> FourPointEnergies:
    """Optimise the three states until no relaxation energy is negative.

    Raises
    ------
    ConvergenceError : an optimisation failed, or relaxation energies stay negative
    """
    states.optimize("neutral", begin=states.begin, hessian=None)
    report("neutral")
    for _ in range(_ROUNDS):
        for name in ("cation", "anion"):
            if name not in states.minima:
                states.energy(name, "neutral")  # the wavefunction there starts the optimisation
                states.optimize(name, begin=states.expected(name), hessian=states.minima["neutral"].hessian)
                report(name)
        energies = states.four_point()
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


def _repair(states: ChargeStates, energies: FourPointEnergies) -> None:
    """Optimise again, from the lower geometry, each state that lies lower at another state's minimum."""
    terms = energies.lambda_terms
    donor = min(("cation", "anion"), key=lambda name: terms[f"neutral_from_{name}"])
    if f"neutral_from_{donor}" in energies.negative_terms:
        states.states["neutral"].attempts.append(f"neutral lies lower at the {donor}'s geometry: optimised from there")
        states.optimize("neutral", begin=states.geometry(donor), hessian=states.minima[donor].hessian)
        for name in ("cation", "anion"):  # the same conformer for all charge states
            del states.minima[name]
        return
    for name in ("cation", "anion"):
        if name in energies.negative_terms:
            states.states[name].attempts.append(f"{name} lower at the neutral's geometry: optimised from there")
            states.optimize(name, begin=states.geometry("neutral"), hessian=None)


def rotation_onto(mobile: FloatArray, target: FloatArray) -> FloatArray:
    """Rotation R (3, 3) for which ``(mobile - mean) @ R`` lies closest to ``target - mean``, no reflection.

    References
    ----------
    Kabsch, Acta Cryst. A 1976, 32, 922. doi:10.1107/S0567739476001873
    """
    covariance = (mobile - mobile.mean(axis=0)).T @ (target - target.mean(axis=0))
    left, _, right = np.linalg.svd(covariance)
    sign = np.sign(np.linalg.det(left @ right))
    return np.asarray(left @ np.diag([1.0, 1.0, sign]) @ right)
