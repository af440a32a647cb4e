"""A small cluster of molecules in motion with GFN-FF: how firmly it holds together, and whether it stacks.

Cohesive energy: [n E(molecule) - E(cluster)] / n of optimised geometries, per molecule. In a cluster of a few molecules
most stand at the surface, so it is far below the solid's, and a density means nothing. Order: the nematic order
parameter of the planes' normals over the second half of the run (a handful of molecules shows about n^-1/2 by chance),
and the share of the molecules that lie flat on a neighbour.

Validity: organic molecules with parameters in GFN-FF, ranks only; it takes nanoseconds and periodic boxes to say more.

References
----------
Spicher, Grimme, Angew. Chem. Int. Ed. 2020, 59, 15665, 10.1002/anie.202004239 (GFN-FF).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from heliosc.errors import InputError
from heliosc.qc.condensed.dimers import pi_frame
from heliosc.qc.condensed.force_field import DynamicsSettings, GfnffExecutor
from heliosc.qc.geometries import Geometry
from heliosc.qc.units import HARTREE_EV

FloatArray = NDArray[np.float64]

_GAP_A = 2.5  # between the spheres around the molecules at the start
_LARGEST_TILT = np.cos(np.radians(25.0))
_HEIGHTS_A = (3.0, 4.2)
_LARGEST_OFFSET_A = 4.0


@dataclass(frozen=True, slots=True)
class ClusterResult:
    """What a run showed.

    Attributes
    ----------
    cohesive_energy : per molecule of the cluster optimised from the last frame, eV, positive when bound
    order_parameter : 1 all planes parallel, 0 none of it; mean over the second half of the run
    stacked_share : share of the molecules that lie flat on another; mean over the second half of the run
    n_molecules, n_frames : what it rests on
    last : the optimised cluster
    """

    cohesive_energy: float
    order_parameter: float
    stacked_share: float
    n_molecules: int
    n_frames: int
    last: Geometry


def simulate_cluster(
    monomer: Geometry,
    pi_atoms: Sequence[int],
    *,
    n_molecules: int = 6,
    settings: DynamicsSettings | None = None,
    seed: int = 0,
    timeout_s: float = 3_600.0,
) -> ClusterResult:
    """Build a cluster with random orientations, run it, and quench the last frame.

    Parameters
    ----------
    seed : of the orientations; the program draws the velocities itself
    timeout_s : for each of the program's three runs

    Raises
    ------
    InputError : fewer than two molecules, or no conjugated plane
    MissingDependencyError, ConvergenceError, CalculationTimeoutError, ParseError : see ``GfnffExecutor``
    """
    if n_molecules < 2 or len(pi_atoms) < 3:
        raise InputError(
            f"{n_molecules} molecules with {len(pi_atoms)} conjugated atoms; expected two or more with at least three"
        )
    program = GfnffExecutor()
    alone, energy = program.optimize(monomer, timeout_s=timeout_s)
    cluster = random_cluster(alone, n_molecules, rng=np.random.default_rng(seed))
    run = program.anneal(cluster, settings or DynamicsSettings(), timeout_s=timeout_s)
    half = run.frames[len(run.frames) // 2 :]
    shapes = [frame.positions.reshape(n_molecules, -1, 3)[:, list(pi_atoms)] for frame in half]
    return ClusterResult(
        cohesive_energy=(energy - run.energy / n_molecules) * HARTREE_EV,
        order_parameter=float(np.mean([order_parameter(shape) for shape in shapes])),
        stacked_share=float(np.mean([stacked_share(shape) for shape in shapes])),
        n_molecules=n_molecules,
        n_frames=len(run.frames),
        last=run.quenched,
    )


def random_cluster(monomer: Geometry, n_molecules: int, *, rng: np.random.Generator) -> Geometry:
    """Copies in random orientations on the sites of a cubic grid nearest to its centre, without overlap."""
    positions = monomer.positions - monomer.positions.mean(axis=0)
    spacing = 2.0 * float(np.linalg.norm(positions, axis=1).max()) + _GAP_A
    side = np.arange(np.ceil(n_molecules ** (1 / 3)))
    grid = np.stack(np.meshgrid(side, side, side), axis=-1).reshape(-1, 3)
    sites = grid[np.argsort(np.linalg.norm(grid - grid.mean(axis=0), axis=1), kind="stable")][:n_molecules]
    turns = Rotation.random(n_molecules, rng=rng)
    copies = [turn.apply(positions) + spacing * site for turn, site in zip(turns, sites, strict=True)]
    return Geometry(monomer.symbols * n_molecules, np.vstack(copies))


def order_parameter(molecules: FloatArray) -> float:
    """Nematic order parameter of the planes' normals; molecules (n_molecules, n_pi, 3), A.

    The largest eigenvalue of Q = mean of (3 n n^T - 1) / 2 (de Gennes, Prost, The Physics of Liquid Crystals, 1993).
    """
    normals = np.array([pi_frame(atoms)[1][2] for atoms in molecules])
    tensor = 1.5 * (normals[:, :, None] * normals[:, None, :]).mean(axis=0) - 0.5 * np.eye(3)
    return float(np.linalg.eigvalsh(tensor)[-1])


def stacked_share(molecules: FloatArray) -> float:
    """Share of the molecules with a neighbour parallel within 25 degrees, 3.0 to 4.2 A above, 4 A aside at most."""
    frames = [pi_frame(atoms) for atoms in molecules]
    centres = np.array([centre for centre, _ in frames])
    normals = np.array([axes[2] for _, axes in frames])
    between = centres[None, :] - centres[:, None]
    heights = np.abs(np.einsum("ijk,ik->ij", between, normals))
    offsets = np.sqrt(np.maximum((between**2).sum(axis=-1) - heights**2, 0.0))
    parallel = np.abs(normals @ normals.T) >= _LARGEST_TILT
    stacked = parallel & (heights >= _HEIGHTS_A[0]) & (heights <= _HEIGHTS_A[1]) & (offsets <= _LARGEST_OFFSET_A)
    return float(stacked.any(axis=1).mean())
