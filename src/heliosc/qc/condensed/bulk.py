"""The amorphous bulk of a substance: copies of a molecule in a periodic box at constant pressure, with MMFF94.

Copies in random orientations at low density are pressed together in small steps, each relaxed and warmed, to 0.9 of the
density that increments give, then simulated at 298.15 K and 1 bar with a Langevin thermostat and a Monte Carlo
barostat; the density is averaged once it has equilibrated. Cohesive energy: mean potential energy of a molecule alone
less that in the box, which is the enthalpy of vaporisation less RT.

Validity: MMFF94 was made for single molecules; ``make bench-density`` measures how far its densities are off.
Tens to hundreds of picoseconds equilibrate a liquid of small molecules. A glass of large ones keeps the memory of how
it was made: read its density as that of a quickly cooled film, and compare runs with several seeds.

References
----------
Halgren, J. Comput. Chem. 1996, 17, 490 (MMFF94); see ``heliosc.qc.condensed.mmff94``.
Zhang, Liu, Yan, Tuckerman, Liu, J. Phys. Chem. A 2019, 123, 6056, 10.1021/acs.jpca.9b02771 (Langevin middle scheme).
Aqvist, Wennerstrom, Nervall, Bjelic, Brandsdal, Chem. Phys. Lett. 2004, 384, 288, 10.1016/j.cplett.2003.12.039
(Monte Carlo barostat).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem
from scipy.spatial.transform import Rotation

from heliosc.chemistry.molar_volume import estimated_density, molar_volume
from heliosc.errors import CalculationTimeoutError, ConvergenceError, HelioscError, InputError
from heliosc.qc.condensed.averaging import EquilibriumMean, equilibrium_mean
from heliosc.qc.condensed.mmff94 import ForceFieldTerms, mmff94_terms
from heliosc.qc.condensed.openmm_system import INSTALL_HINT, molecular_system, openmm
from heliosc.qc.geometries import Geometry

FloatArray = NDArray[np.float64]

LEVEL = "mmff94-npt"
TEMPERATURE_K, PRESSURE_BAR = 298.15, 1.0

_PLATFORMS = ("CUDA", "HIP", "OpenCL", "CPU", "Reference")  # the fastest first
PRESSED_SHARE = 0.9  # of the density that increments give, before the barostat takes over
_PRESSED_AT_ONCE = 0.96  # edge of the box after a step of pressing, as a share of the one before
_WARMING_STEPS = 25
_BAROSTAT_STEPS = 25
_FRICTION_PER_PS = 1.0
_GAP_A = 1.5  # between the spheres around the molecules at the start
_BOX_EDGE_A = 26.0
_FEWEST_MOLECULES = 32
_CM3_MOL_A3 = 1.0 / 0.602214076  # one cm3/mol, A^3 a molecule
_KJ_EV = 96.48533212
_RELAXATION_STEPS = 5
_CLOSE = 1e-6
_TOO_SMALL = ("twice the nonbonded cutoff", "half the periodic box size")  # in OpenMM's messages


@dataclass(frozen=True, slots=True)
class BulkSettings:
    """How long and how much is simulated.

    Attributes
    ----------
    time_ps : simulated, the way to equilibrium included
    n_molecules : in the box; None = as many as fill a cube of 26 A, at least 32
    step_fs : bonds to hydrogen are rigid and hydrogen weighs 3 u, so that 4 fs are safe
    sample_ps : time between samples
    cutoff_A : of the forces between atoms that are not bonded
    n_threads : cores, where there is no GPU

    Raises
    ------
    InputError : a number that is not positive, or a step above 5 fs
    """

    time_ps: float = 200.0
    n_molecules: int | None = None
    step_fs: float = 4.0
    sample_ps: float = 0.2
    cutoff_A: float = 9.0
    n_threads: int = 1

    def __post_init__(self) -> None:
        for name in ("time_ps", "step_fs", "sample_ps", "cutoff_A", "n_threads"):
            if not 0 < getattr(self, name) < 1e7:
                raise InputError(f"{name} is {getattr(self, name)}; expected a positive number")
        if self.step_fs > 5.0:
            raise InputError(f"step_fs is {self.step_fs}; expected at most 5 fs with hydrogen atoms of 3 u")
        if self.n_molecules is not None and self.n_molecules < 2:
            raise InputError(f"a box of {self.n_molecules} molecules; expected at least two")


@dataclass(frozen=True, slots=True)
class BulkResult:
    """What a run gave.

    Attributes
    ----------
    density : g/cm3
    cohesive_energy : eV a molecule, positive when bound; ``value`` and ``standard_error`` from box and single molecule
    series : density at every sample, g/cm3
    n_molecules, platform : how it was made
    box_A : edge of the last box
    last : the last frame
    """

    density: EquilibriumMean
    cohesive_energy: tuple[float, float]
    series: FloatArray
    n_molecules: int
    platform: str
    box_A: float
    last: Geometry


class OpenmmExecutor:
    """Molecular dynamics with OpenMM, on the fastest platform that works here."""

    name = "openmm"
    install_hint = INSTALL_HINT

    def found(self) -> bool:
        """Whether OpenMM is installed."""
        return self.version() is not None

    def version(self) -> str | None:
        """Version text, or ``None`` when it is not installed."""
        try:
            return str(openmm().version.short_version)
        except HelioscError:
            return None

    def platforms(self) -> tuple[str, ...]:
        """Platforms whose drivers are here, the fastest first.

        Raises
        ------
        MissingDependencyError : OpenMM is not installed
        """
        library = openmm()
        here = {library.Platform.getPlatform(i).getName() for i in range(library.Platform.getNumPlatforms())}
        return tuple(name for name in _PLATFORMS if name in here)

    def simulate(
        self,
        molecule: Chem.Mol,
        start: Geometry,
        settings: BulkSettings | None = None,
        *,
        seed: int = 0,
        timeout_s: float = 86_400.0,
        on_sample: Callable[[float], None] = lambda density: None,
    ) -> BulkResult:
        """Build a box of a substance, bring it to equilibrium and average.

        Parameters
        ----------
        molecule : with its hydrogens, in the order of ``start``
        start : a relaxed geometry
        seed : of placement, velocities, thermostat and barostat
        on_sample : told the density, g/cm3, at every sample of the box

        Raises
        ------
        MissingDependencyError : OpenMM is not installed
        InputError : no parameters for an atom, or a box too small for the cutoff
        ConvergenceError : the run became unstable, or is too short for an average
        CalculationTimeoutError : past the time limit
        """
        settings = settings or BulkSettings()
        deadline = time.monotonic() + timeout_s
        terms = mmff94_terms(molecule)
        n_molecules = settings.n_molecules or box_size(molecule)
        with _explained():
            box = BulkBox(terms, start, n_molecules, settings, platform=self.platforms()[0], seed=seed)
            box.press(PRESSED_SHARE * estimated_density(Chem.RemoveHs(molecule)))
            samples = np.array(box.run(settings.time_ps, deadline=deadline, on_sample=on_sample))
        density = equilibrium_mean(samples[:, 0])
        alone = _energy_alone(terms, start, settings, platform=box.platform, seed=seed, deadline=deadline)
        inside = equilibrium_mean(samples[density.n_discarded :, 1])
        return BulkResult(
            density=density,
            cohesive_energy=(
                (alone.value - inside.value) / _KJ_EV,
                float(np.hypot(alone.standard_error, inside.standard_error)) / _KJ_EV,
            ),
            series=samples[:, 0],
            n_molecules=n_molecules,
            platform=box.platform,
            box_A=box.edge(),
            last=box.geometry(start.symbols),
        )


def box_size(molecule: Chem.Mol) -> int:
    """Molecules that fill a cube of 26 A at the density that increments give, at least 32.

    Raises
    ------
    InputError : an atom without volume increment
    """
    volume = molar_volume(Chem.RemoveHs(molecule)) * _CM3_MOL_A3
    return max(_FEWEST_MOLECULES, ceil(_BOX_EDGE_A**3 / volume))


def random_box(positions: FloatArray, n_molecules: int, *, rng: np.random.Generator) -> tuple[FloatArray, float]:
    """Copies in random orientations on random sites of a cubic grid, without overlap: positions and edge, A."""
    centred = positions - positions.mean(axis=0)
    spacing = 2.0 * float(np.linalg.norm(centred, axis=1).max()) + _GAP_A
    side = ceil(round(n_molecules ** (1 / 3), 9))
    grid = np.stack(np.meshgrid(*[np.arange(side)] * 3), axis=-1).reshape(-1, 3)
    sites = grid[rng.permutation(len(grid))[:n_molecules]]
    turns = Rotation.random(n_molecules, rng=rng)
    copies = [turn.apply(centred) + spacing * site for turn, site in zip(turns, sites, strict=True)]
    return np.vstack(copies), spacing * side


class BulkBox:
    """Copies of a molecule under a thermostat and a barostat."""

    def __init__(
        self,
        terms: ForceFieldTerms,
        start: Geometry,
        n_molecules: int,
        settings: BulkSettings,
        *,
        platform: str,
        seed: int,
    ) -> None:
        self._library = library = openmm()
        self._n_molecules, self._settings = n_molecules, settings
        self._mass_u = float(terms.masses.sum()) * n_molecules
        positions, edge = random_box(start.positions, n_molecules, rng=np.random.default_rng(seed))
        system = molecular_system(terms, n_copies=n_molecules, cutoff_A=settings.cutoff_A)
        system.setDefaultPeriodicBoxVectors(*(np.eye(3) * edge / 10.0).tolist())
        barostat = library.MonteCarloBarostat(PRESSURE_BAR, TEMPERATURE_K, _BAROSTAT_STEPS)
        barostat.setRandomNumberSeed(seed + 1)
        system.addForce(barostat)
        self._context, self.platform = _context(library, system, settings, platform=platform, seed=seed)
        self._context.setPositions(positions / 10.0)

    def press(self, density: float) -> None:
        """Move the molecules together, each as it is, to a density, g/cm3."""
        self._relax()
        while (share := self._density() / density) < 1.0 - _CLOSE:
            self._scale(max(_PRESSED_AT_ONCE, share ** (1 / 3)))
            self._relax()

    def run(
        self, time_ps: float, *, deadline: float, on_sample: Callable[[float], None] = lambda density: None
    ) -> list[tuple[float, float]]:
        """Samples of density, g/cm3, and of potential energy a molecule, kJ/mol."""
        samples: list[tuple[float, float]] = []
        for sample in _sampled(
            self._context, self._settings, time_ps=time_ps, deadline=deadline, observe=self._observed
        ):
            samples.append(sample)
            on_sample(sample[0])
        return samples

    def edge(self) -> float:
        """Edge of the box, A."""
        volume: float = self._context.getState().getPeriodicBoxVolume()._value
        return 10.0 * volume ** (1 / 3)

    def geometry(self, symbols: tuple[str, ...]) -> Geometry:
        """The present frame, molecules whole."""
        positions = self._context.getState(positions=True).getPositions(asNumpy=True)._value
        return Geometry(symbols * self._n_molecules, 10.0 * np.asarray(positions))

    def _relax(self) -> None:
        """Take the worst contacts out, draw velocities and let them act for a moment."""
        self._library.LocalEnergyMinimizer.minimize(self._context, 10.0, _RELAXATION_STEPS)
        integrator = self._context.getIntegrator()
        self._context.setVelocitiesToTemperature(TEMPERATURE_K, integrator.getRandomNumberSeed())
        integrator.step(_WARMING_STEPS)

    def _scale(self, factor: float) -> None:
        """Scale the box and the centres of the molecules, not the molecules."""
        edge_nm = self.edge() / 10.0
        molecules = np.asarray(self._context.getState(positions=True).getPositions(asNumpy=True)._value)
        molecules = molecules.reshape(self._n_molecules, -1, 3)
        centres = molecules.mean(axis=1, keepdims=True)
        self._context.setPeriodicBoxVectors(*(np.eye(3) * edge_nm * factor).tolist())
        self._context.setPositions((molecules + (factor - 1.0) * centres).reshape(-1, 3))

    def _density(self) -> float:
        return self._mass_u / self.edge() ** 3 * _CM3_MOL_A3

    def _observed(self, state: Any) -> tuple[float, float]:
        volume_A3 = 1000.0 * state.getPeriodicBoxVolume()._value
        energy: float = state.getPotentialEnergy()._value / self._n_molecules
        return self._mass_u / volume_A3 * _CM3_MOL_A3, energy


def _energy_alone(
    terms: ForceFieldTerms, start: Geometry, settings: BulkSettings, *, platform: str, seed: int, deadline: float
) -> EquilibriumMean:
    """Mean potential energy of a molecule in vacuum, kJ/mol."""
    library = openmm()
    slow = "Reference" if platform == "CPU" else platform  # without the overhead of threads; a molecule is small
    with _explained():
        context, _ = _context(library, molecular_system(terms), settings, platform=slow, seed=seed)
        context.setPositions(start.positions / 10.0)
        context.applyConstraints(1e-6)
        context.setVelocitiesToTemperature(TEMPERATURE_K, seed + 1)
        energies = list(
            _sampled(
                context,
                settings,
                time_ps=settings.time_ps,
                deadline=deadline,
                observe=lambda state: state.getPotentialEnergy()._value,
            )
        )
    return equilibrium_mean(np.array(energies))


def _context(library: Any, system: Any, settings: BulkSettings, *, platform: str, seed: int) -> tuple[Any, str]:
    integrator = library.LangevinMiddleIntegrator(TEMPERATURE_K, _FRICTION_PER_PS, settings.step_fs / 1000.0)
    integrator.setRandomNumberSeed(seed + 1)  # 0 would be drawn from the clock
    options = {"Threads": str(settings.n_threads), "DeterministicForces": "true"} if platform == "CPU" else {}
    context = library.Context(system, integrator, library.Platform.getPlatformByName(platform), options)
    return context, platform


def _sampled(
    context: Any, settings: BulkSettings, *, time_ps: float, deadline: float, observe: Callable[[Any], Any]
) -> Iterator[Any]:
    n_steps = max(1, round(settings.sample_ps * 1000.0 / settings.step_fs))
    for _ in range(max(1, round(time_ps / settings.sample_ps))):
        if time.monotonic() > deadline:
            raise CalculationTimeoutError(
                f"the simulation ran past its time limit with {time_ps:g} ps to do; allow more time, or simulate "
                "fewer molecules or picoseconds"
            )
        context.getIntegrator().step(n_steps)
        yield observe(context.getState(energy=True))


@contextmanager
def _explained() -> Iterator[None]:
    """OpenMM's own errors as ours."""
    try:
        yield
    except openmm().OpenMMException as error:
        if any(sign in str(error) for sign in _TOO_SMALL):
            raise InputError(f"the box is too small for the cutoff; take more molecules ({error})") from error
        raise ConvergenceError(f"the simulation became unstable; take a shorter step ({error})") from error
