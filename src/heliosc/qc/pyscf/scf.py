"""Self-consistent fields that converge, or say what was tried.

PySCF returns an energy whether or not the field converged; ``converged`` decides. The ladder goes from the default to
level shift, damping, the second-order solver, and the orbitals of a smaller basis under the second-order solver. The
first field of an open shell must also be stable.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heliosc.errors import ConvergenceError
from heliosc.qc.external.settings import Job, ProgramSettings
from heliosc.qc.geometries import Geometry
from heliosc.qc.pyscf.errors import classified_errors
from heliosc.qc.pyscf.input import build_mean_field, build_molecule
from heliosc.qc.pyscf.library import load_pyscf
from heliosc.qc.pyscf.stability import unstable_density
from heliosc.qc.rigid_motion import without_rigid_motion
from heliosc.qc.units import BOHR_A

FloatArray = NDArray[np.float64]

LEVEL_SHIFT_EH = 0.2
DAMPING = 0.5
GUESS_BASIS = "sto-3g"
_MAX_TURNS = 3
_LOWER_EH = 1e-6


def _as_built(mean_field: Any, settings: ProgramSettings) -> Any:
    return mean_field


def _level_shifted(mean_field: Any, settings: ProgramSettings) -> Any:
    mean_field.level_shift = LEVEL_SHIFT_EH
    return mean_field


def _damped(mean_field: Any, settings: ProgramSettings) -> Any:
    mean_field.damp = DAMPING
    mean_field.diis_start_cycle = 8
    mean_field.max_cycle = 2 * settings.max_scf_cycles
    return mean_field


def _second_order(mean_field: Any, settings: ProgramSettings) -> Any:
    return mean_field.newton()


LADDER: tuple[tuple[str, Callable[[Any, ProgramSettings], Any]], ...] = (
    ("default", _as_built),
    (f"level shift {LEVEL_SHIFT_EH} Eh", _level_shifted),
    (f"damping {DAMPING}", _damped),
    ("second-order solver", _second_order),
    (f"orbitals of {GUESS_BASIS}, second-order solver", _second_order),
)


@dataclass(slots=True)
class ScfSession:
    """One molecule in one charge and spin state; its density starts the next geometry's field.

    Attributes
    ----------
    attempts : what did not converge or was no minimum, in order
    n_evaluations : converged fields so far
    """

    job: Job
    settings: ProgramSettings
    attempts: list[str] = field(default_factory=list)
    n_evaluations: int = 0
    _density: FloatArray | None = None
    _is_stable: bool = False

    def converge(self, positions: FloatArray) -> Any:
        """Converged mean-field object at positions (n_atoms, 3) in A.

        Raises
        ------
        ConvergenceError : not converged on any rung of the ladder
        InputError : a name that PySCF does not know
        """
        job = replace(self.job, geometry=Geometry(self.job.geometry.symbols, positions))
        with classified_errors(self._what), load_pyscf().lib.with_omp_threads(self.settings.n_cores):
            for rung, (name, change) in enumerate(LADDER):
                mean_field = build_mean_field(build_molecule(job, settings=self.settings), settings=self.settings)
                mean_field = change(mean_field, self.settings)
                guess = self._small_basis_guess(job, mean_field) if rung == len(LADDER) - 1 else self._density
                mean_field.kernel(dm0=guess)
                if mean_field.converged and np.isfinite(mean_field.e_tot):
                    return self._accepted(self._stable(mean_field))
                self._density = None  # a field that wanders is no start
                self.attempts.append(f"charge {self.job.charge}: SCF not converged with {name}")
        raise ConvergenceError(
            f"{self._what}: SCF not converged after {len(LADDER)} attempts ({', '.join(name for name, _ in LADDER)}); "
            "try another geometry, or a functional with more exact exchange"
        )

    def energy_and_gradient(self, positions: FloatArray) -> tuple[float, FloatArray]:
        """As the optimiser wants it: positions in bohr -> energy (Eh) and gradient (n_atoms, 3) in Eh/bohr."""
        mean_field = self.converge(positions * BOHR_A)
        with classified_errors(self._what), load_pyscf().lib.with_omp_threads(self.settings.n_cores):
            gradient = np.asarray(mean_field.nuc_grad_method().kernel())
        return float(mean_field.e_tot), without_rigid_motion(gradient, positions)

    @property
    def _what(self) -> str:
        return f"{self.settings.level('pyscf')}, charge {self.job.charge}"

    def check_stability_again(self) -> None:
        """Check the next field too, though an earlier one was stable: on its way a state may have crossed another."""
        self._is_stable = False

    def _stable(self, mean_field: Any) -> Any:
        """The field, or a lower one found along its unstable directions; closed shells are not checked."""
        mean_field = mean_field.undo_newton() if hasattr(mean_field, "undo_newton") else mean_field
        for _ in range(0 if self._is_stable or not mean_field.mol.spin else _MAX_TURNS):
            unstable = unstable_density(mean_field)
            if unstable is None:
                break
            lower = build_mean_field(mean_field.mol, settings=self.settings)
            lower.kernel(dm0=unstable[1])
            gain = float(mean_field.e_tot - lower.e_tot)
            is_lower = bool(lower.converged and gain > _LOWER_EH)
            found = f"the field {gain:.5f} Eh below is taken" if is_lower else "no lower field found"
            self.attempts.append(
                f"charge {self.job.charge}: unstable field (lowest curvature {unstable[0]:.4f} Eh), {found}"
            )
            if not is_lower:
                break
            mean_field = lower
        self._is_stable = True
        return mean_field

    def _accepted(self, mean_field: Any) -> Any:
        self._density = mean_field.make_rdm1()
        self.n_evaluations += 1
        return mean_field

    def _small_basis_guess(self, job: Job, mean_field: Any) -> FloatArray:
        from pyscf import scf

        small = build_molecule(job, settings=replace(self.settings, basis=GUESS_BASIS))
        start = build_mean_field(small, settings=self.settings).newton()
        start.kernel()
        return np.asarray(scf.addons.project_dm_nr2nr(small, start.make_rdm1(), mean_field.mol))
