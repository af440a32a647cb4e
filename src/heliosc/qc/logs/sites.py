"""Jobs put together: which belong to one molecule, and which of them stand at one geometry of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from heliosc.qc.geometries import Geometry
from heliosc.qc.logs.jobs import LogJob
from heliosc.qc.vertical import lowest_multiplicity

SAME_GEOMETRY_A = 1e-3
"""Two geometries are one when no interatomic distance differs by more; programs print five decimals and more."""

FloatArray = NDArray[np.float64]


@dataclass(slots=True)
class Site:
    """One geometry of a molecule and the jobs there.

    Attributes
    ----------
    distances : (n_atoms, n_atoms), A, of its first job
    """

    geometry: Geometry
    distances: FloatArray
    jobs: list[LogJob] = field(default_factory=list)

    def at(self, level: str, *, charge: int) -> list[LogJob]:
        """Jobs of a charge in its lowest spin state, minima first."""
        multiplicity = lowest_multiplicity(self.geometry.symbols, charge=charge)
        state = (level, charge, multiplicity)
        found = [job for job in self.jobs if (job.level, job.charge, job.multiplicity) == state]
        return sorted(found, key=lambda job: not job.is_minimum)

    def minima(self, *, charge: int) -> list[LogJob]:
        """Optimisations of a charge that ended here."""
        multiplicity = lowest_multiplicity(self.geometry.symbols, charge=charge)
        return [
            job for job in self.jobs if job.is_minimum and job.charge == charge and job.multiplicity == multiplicity
        ]


def molecules(jobs: Iterable[LogJob]) -> list[list[Site]]:
    """Sites of each molecule. One molecule has the same atoms in the same order and the same bonds."""
    found: dict[tuple[tuple[str, ...], bytes], list[Site]] = {}
    for job in jobs:
        if job.geometry is None:
            continue
        distances = distance_matrix(job.geometry)
        sites = found.setdefault((job.geometry.symbols, _bonds(job.geometry)), [])
        site = next((site for site in sites if deviation(site.distances, distances) < SAME_GEOMETRY_A), None)
        if site is None:
            site = Site(job.geometry, distances)
            sites.append(site)
        site.jobs.append(job)
    return list(found.values())


def paired_minimum(site: Site, sites: list[Site], *, charge: int, level: str) -> Site | None:
    """The ion's minimum that belongs to a neutral one: the nearest, if it is nearest the other way round too.

    With several conformers in a folder this keeps their ions apart.
    """
    ions = [other for other in sites if any(job.level == level for job in other.minima(charge=charge))]
    neutrals = [other for other in sites if any(job.level == level for job in other.minima(charge=0))]
    ion = min(ions, key=lambda other: deviation(site.distances, other.distances), default=None)
    if ion is None:
        return None
    nearest = min(neutrals, key=lambda other: deviation(ion.distances, other.distances), default=None)
    return ion if nearest is site else None


def distance_matrix(geometry: Geometry) -> FloatArray:
    """Interatomic distances, (n_atoms, n_atoms), A: they do not change when a program turns the molecule."""
    difference = geometry.positions[:, None] - geometry.positions[None, :]
    return np.asarray(np.linalg.norm(difference, axis=-1))


def deviation(first: FloatArray, second: FloatArray) -> float:
    """Largest difference between two distance matrices, A."""
    return float(np.abs(first - second).max())


def _bonds(geometry: Geometry) -> bytes:
    from heliosc.qc.geometry import perceived_bonds

    return perceived_bonds(geometry).astype(np.int32).tobytes() if geometry.n_atoms > 1 else b""
