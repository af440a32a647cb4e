"""Training of the three-dimensional surrogate from a table: geometries found or computed, then one split."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from heliosc.campaign.geometry_sources import XtbGeometries, library_geometries
from heliosc.campaign.target_checks import check_targets
from heliosc.campaign.training import FRACTIONS, checkpoint_folder, ensemble_settings, least_known
from heliosc.config import Config, SurrogateSettings
from heliosc.datasets.splits import random_split
from heliosc.errors import InputError
from heliosc.properties import PropertyTable
from heliosc.qc.four_point import FourPointSettings
from heliosc.surrogates.schnet import GeometryCache, MissingGeometry, SchNetConfig, SchNetEnsemble, with_geometry
from heliosc.surrogates.schnet.geometries import STATES, GeometryProvider

MODELS = {"schnet": STATES[:1], "schnet-ions": STATES}
"""Names of the three-dimensional models on the command line, and the charge states whose geometries they read."""

_CHUNK = 8  # molecules between two reports of progress


@dataclass(frozen=True, slots=True)
class TrainedSchNet:
    """A three-dimensional surrogate, and the molecules that it could not learn from."""

    ensemble: SchNetEnsemble
    missing: tuple[MissingGeometry, ...]


def geometry_cache(place: Path, config: Config) -> GeometryCache:
    """GFN2-xTB geometries beside a model folder or an output: what is not there yet is optimised."""
    settings = FourPointSettings(engine=config.qc.engine, n_conformers=config.qc.n_conformers)
    return GeometryCache(place.with_name(f"{place.name}.geometries"), XtbGeometries(settings))


def fill_cache(
    cache: GeometryProvider, smiles: Sequence[str], *, states: Sequence[str], progress: Callable[[int], None]
) -> None:
    """Compute the geometries that are not known, a few at a time; a kill loses those alone."""
    for start in range(0, len(smiles), _CHUNK):
        cache.find(smiles[start : start + _CHUNK], states=states)
        progress(min(start + _CHUNK, len(smiles)))


def train_schnet(
    table: PropertyTable,
    config: Config,
    *,
    model: str,
    progress: Callable[[Any], None] | None = None,
    geometry_progress: Callable[[int], None] = lambda _: None,
) -> TrainedSchNet:
    """Train on a random split; molecules of a user's file are optimised first, those of the library are at hand.

    Parameters
    ----------
    model : see ``MODELS``

    Raises
    ------
    InputError : too few molecules with a geometry, a target that cannot be learnt, or settings of another kind of model
    MissingDependencyError : PyTorch Geometric is not installed
    """
    _refuse_unused(config.surrogate, model=model)
    settings, states = config.surrogate, MODELS[model]
    geometries: GeometryProvider
    if settings.data is None:
        geometries = library_geometries()
    else:
        geometries = geometry_cache(settings.out, config)
        fill_cache(geometries, table.smiles, states=states, progress=geometry_progress)
    known, missing = with_geometry(table, geometries, states=states)
    if len(known.smiles) < least_known():
        reason = f", e.g. {missing[0]}" if missing else ""
        raise InputError(
            f"{len(known.smiles)} of {len(table.smiles)} molecules have a geometry{reason}; training, calibration and "
            f"test need at least {least_known()}"
        )
    check_targets(known, file=settings.data or "the embedded library", least_known=least_known())
    parts = random_split(known.smiles, fractions=FRACTIONS, seed=config.seed)
    ensemble = SchNetEnsemble.train(
        known,
        split=(parts.train, parts.validation, parts.test),
        geometries=geometries,
        config=SchNetConfig.from_dict({**ensemble_settings(known.keys, settings), "states": states}),
        seed=config.seed,
        progress=progress,
        checkpoint_dir=checkpoint_folder(settings.out, model),
    )
    return TrainedSchNet(ensemble, missing)


def _refuse_unused(settings: SurrogateSettings, *, model: str) -> None:
    """Settings that would change nothing must not seem to have worked."""
    for name in ("start_from", "delta_level"):
        if getattr(settings, name) is not None:
            raise InputError(f"surrogate.{name} is for the message-passing network; leave it out with --model {model}")
