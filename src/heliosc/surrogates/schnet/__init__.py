"""SchNet on three-dimensional geometries, behind the same protocol as the graph networks."""

from heliosc.surrogates.schnet.cache import GeometryCache
from heliosc.surrogates.schnet.config import SchNetConfig
from heliosc.surrogates.schnet.ensemble import SchNetEnsemble
from heliosc.surrogates.schnet.force_field import ForceFieldGeometries
from heliosc.surrogates.schnet.geometries import (
    GeometryProvider,
    KnownGeometries,
    MissingGeometry,
    MolecularGeometry,
    with_geometry,
)

__all__ = [
    "ForceFieldGeometries",
    "GeometryCache",
    "GeometryProvider",
    "KnownGeometries",
    "MissingGeometry",
    "MolecularGeometry",
    "SchNetConfig",
    "SchNetEnsemble",
    "with_geometry",
]
