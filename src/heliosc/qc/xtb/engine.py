"""The embedded engine: GFN2-xTB and IPEA1-xTB energies, gradients and orbitals through tblite, in this process.

The method is spin-restricted with fractional occupation at 300 K, so <S^2> has no meaning here. tblite runs a wrong
parity of electrons silently; it is checked before anything is computed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heliosc.errors import ConvergenceError, InputError
from heliosc.qc.geometries import electron_count
from heliosc.qc.rigid_motion import without_rigid_motion
from heliosc.qc.units import BOHR_A
from heliosc.qc.xtb.errors import classified_error
from heliosc.qc.xtb.library import one_thread, tblite_interface

FloatArray = NDArray[np.float64]

METHODS = {"gfn2": "GFN2-xTB", "gfn1": "GFN1-xTB", "ipea1": "IPEA1-xTB"}
SOLVATION = {"alpb": "alpb-solvation", "gbsa": "gbsa-solvation"}
MAX_ATOMIC_NUMBER = 86
_ROOM_TEMPERATURE = 9.5004e-4  # Eh, 300 K
_HOT = 3.1668e-3  # Eh, 1000 K

SCC_LADDER: tuple[tuple[str, dict[str, Any]], ...] = (
    ("default", {}),
    ("damping 0.2, 500 iterations", {"mixer-damping": 0.2, "max-iter": 500}),
    ("restart from 1000 K", {"mixer-damping": 0.1, "max-iter": 500}),
)
"""What is tried in turn until the charges converge; the energy is always that of 300 K."""


@dataclass(frozen=True, slots=True)
class ElectronicState:
    """One converged calculation.

    Attributes
    ----------
    energy : Eh
    gradient : (n_atoms, 3), Eh/bohr
    result : tblite's container, a start for the next geometry
    """

    energy: float
    gradient: FloatArray
    result: Any


@dataclass(slots=True)
class TbliteSession:
    """One molecule in one charge state with one method; its wavefunction starts the next geometry's.

    Attributes
    ----------
    symbols : (n_atoms,)
    method : ``gfn2``, ``gfn1`` or ``ipea1``
    charge : total charge
    solvation, solvent : ``alpb`` or ``gbsa`` and its solvent, both empty in the gas phase
    attempts : SCC remedies that were needed, in order
    n_evaluations : calculations so far
    """

    symbols: tuple[str, ...]
    method: str = "gfn2"
    charge: int = 0
    accuracy: float = 1.0
    electric_field: FloatArray | None = None
    solvation: str = ""
    solvent: str = ""
    attempts: list[str] = field(default_factory=list)
    n_evaluations: int = 0
    _numbers: NDArray[np.intc] = field(init=False)
    _calculator: Any = None
    _result: Any = None

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise InputError(f"unknown xTB method {self.method!r}; expected one of: {', '.join(METHODS)}")
        if self.solvation and self.solvation not in SOLVATION:
            raise InputError(f"xTB has no solvent model {self.solvation!r}; expected one of: {', '.join(SOLVATION)}")
        self._numbers = _atomic_numbers(self.symbols)

    def evaluate(self, positions: FloatArray) -> ElectronicState:
        """Energy and gradient at positions (n_atoms, 3) in A.

        Raises
        ------
        ConvergenceError : the charges do not converge on any rung of ``SCC_LADDER``
        InputError : overlapping atoms or an element outside the method
        """
        message = ""
        for rung, (name, settings) in enumerate(SCC_LADDER):
            outcome = self._attempt(positions / BOHR_A, settings=settings, is_fresh=rung > 0)
            if isinstance(outcome, ElectronicState):
                if rung:
                    self._calculator = None  # the next geometry starts with default settings
                return outcome
            message = outcome
            error = classified_error(message, program="tblite")
            if not isinstance(error, ConvergenceError):
                raise error
            self.attempts.append(f"charge {self.charge}: not converged with {name}")
        raise ConvergenceError(
            f"{METHODS[self.method]}, charge {self.charge}: the charges did not converge after {len(SCC_LADDER)} "
            f"attempts; try another conformer. Last message: {message}"
        )

    def restart_from(self, state: ElectronicState) -> None:
        """Begin from the wavefunction of the same molecule, method and charge."""
        self._result = tblite_interface().Result(state.result)

    def _attempt(self, positions: FloatArray, *, settings: dict[str, Any], is_fresh: bool) -> ElectronicState | str:
        from tblite.exceptions import TBLiteRuntimeError

        self.n_evaluations += 1
        try:
            if is_fresh or self._calculator is None:
                self._calculator = self._new_calculator(positions, settings)
            else:
                self._calculator.update(positions=positions)
            if is_fresh:
                self._result = None
            with one_thread():
                if settings.get("mixer-damping", 1.0) <= 0.1:
                    self._calculator.set("temperature", _HOT)
                    self._result = self._calculator.singlepoint(self._result)
                    self._calculator.set("temperature", _ROOM_TEMPERATURE)
                self._result = self._calculator.singlepoint(self._result)
        except TBLiteRuntimeError as error:
            return str(error)
        energy = float(self._result.get("energy"))
        gradient = self._result.get("gradient")
        if not (np.isfinite(energy) and np.isfinite(gradient).all()):
            return "SCF not converged: energy or gradient is not finite"
        return ElectronicState(energy, gradient, self._result)

    def _new_calculator(self, positions: FloatArray, settings: dict[str, Any]) -> Any:
        n_unpaired = electron_count(self.symbols, charge=self.charge) % 2
        calculator = tblite_interface().Calculator(
            METHODS[self.method], self._numbers, positions, charge=self.charge, uhf=n_unpaired, logger=_silent
        )
        for name, value in {"verbosity": 0, "accuracy": self.accuracy, **settings}.items():
            calculator.set(name, value)
        if self.electric_field is not None:
            _add_field(calculator, self.electric_field)
        if self.solvation:
            _add_solvent(calculator, self.solvation, solvent=self.solvent)
        return calculator


def energy_function(session: TbliteSession) -> Callable[[FloatArray], tuple[float, FloatArray]]:
    """The session as the optimiser wants it: positions in bohr -> energy (Eh) and gradient (Eh/bohr)."""

    def evaluate(positions: FloatArray) -> tuple[float, FloatArray]:
        state = session.evaluate(positions * BOHR_A)
        # the surface that a solvent model integrates over does not turn with the molecule
        gradient = without_rigid_motion(state.gradient, positions) if session.solvation else state.gradient
        return state.energy, gradient

    return evaluate


def check_parity(symbols: tuple[str, ...], *, charge: int, multiplicity: int) -> None:
    """Refuse a charge and multiplicity that the electron count forbids.

    Raises
    ------
    InputError : wrong parity, or fewer electrons than unpaired ones
    """
    n_electrons = electron_count(symbols, charge=charge)
    if multiplicity < 1 or (n_electrons + multiplicity) % 2 == 0 or multiplicity - 1 > n_electrons:
        raise InputError(
            f"{n_electrons} electrons (charge {charge}) cannot have multiplicity {multiplicity}; "
            f"expected an {'odd' if n_electrons % 2 == 0 else 'even'} multiplicity"
        )


def _atomic_numbers(symbols: tuple[str, ...]) -> NDArray[np.intc]:
    from ase.data import atomic_numbers

    unknown = sorted({symbol for symbol in symbols if not 1 <= atomic_numbers.get(symbol, 0) <= MAX_ATOMIC_NUMBER})
    if unknown:
        raise InputError(f"xTB has no parameters for {', '.join(unknown)}; expected elements H to Rn")
    return np.array([atomic_numbers[symbol] for symbol in symbols], dtype=np.intc)


def _add_field(calculator: Any, electric_field: FloatArray) -> None:
    from tblite._libtblite import ffi  # the wrapper hands its argument to C unconverted

    calculator.add("electric-field", ffi.new("double[3]", [float(component) for component in electric_field]))


def _add_solvent(calculator: Any, solvation: str, *, solvent: str) -> None:
    from tblite.exceptions import TBLiteRuntimeError

    try:
        calculator.add(SOLVATION[solvation], solvent)
    except TBLiteRuntimeError as error:
        raise InputError(f"{solvation} has no solvent {solvent!r}: {error}; e.g. toluene, ch2cl2, water") from error


def _silent(message: str) -> None:
    """tblite prints through this; its errors arrive as exceptions all the same."""
