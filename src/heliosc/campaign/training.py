"""Training from a table: the wiring of data sets, splits and models that the command line and users share."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from heliosc.campaign.models import load_surrogate
from heliosc.campaign.target_checks import check_targets, choose_targets, set_aside_unpredictable
from heliosc.chemistry.identity import parse_smiles
from heliosc.config import Config, GeneratorSettings, SurrogateSettings
from heliosc.datasets.csv_source import QuarantinedRow, read_property_csv, read_smiles
from heliosc.datasets.library.load import library_smiles, load_library
from heliosc.datasets.splits import Split, random_split, scaffold_split
from heliosc.errors import InputError
from heliosc.properties import DEFAULT_TARGETS, PropertyKey, PropertyTable

if TYPE_CHECKING:
    from heliosc.generation.jtvae import JTVAE, JTVAEConfig
    from heliosc.surrogates.delta import DeltaSurrogate
    from heliosc.surrogates.ensemble import SurrogateEnsemble
    from heliosc.surrogates.protocol import Predictor, Surrogate

LARGE_HEAVY_ATOMS = 45
"""From this size on (today's A-D-A and A-DA'D-A acceptors) held-out figures are reported apart."""

SplitName = Literal["random", "scaffold"]
_SPLITS = {"random": random_split, "scaffold": scaffold_split}
# Train, validation, test. A conformal quantile from n values misses its level by 22/sqrt(n) % at 95 %, and so does the
# coverage measured on n others: of some 3,000 molecules a tenth is too few for either.
FRACTIONS = (0.7, 0.15, 0.15)


@dataclass(frozen=True, slots=True)
class TrainingData:
    """What a model learns from.

    Attributes
    ----------
    smiles : molecules of the generator; for a surrogate those of the table
    table : known values
    quarantined : rows of the user's file that were set aside
    """

    smiles: tuple[str, ...]
    table: PropertyTable
    quarantined: tuple[QuarantinedRow, ...] = ()


@dataclass(frozen=True, slots=True)
class TrainedSurrogate:
    """A surrogate with its held-out figures, and those of the baselines on the same molecules.

    Attributes
    ----------
    reports : model -> subset of the molecules -> key -> metric; the model itself is ``mpnn``
    delta : the same network on what the cheap level gets wrong, where one is configured; ``delta`` in the reports
    """

    ensemble: SurrogateEnsemble
    reports: dict[str, dict[str, Any]]
    delta: DeltaSurrogate | None = None


def surrogate_data(file: Path | None, *, targets: Sequence[str] = (), cheap_level: str | None = None) -> TrainingData:
    """The user's table, or the labels of the embedded library.

    Parameters
    ----------
    targets : NAME@LEVEL columns to learn; () = all of the file, or the usual ones of the library
    cheap_level : columns of this level are kept too, whatever the targets

    Raises
    ------
    InputError : the file is unusable, has no such column, too few molecules, or a column that cannot be learnt
    """
    keys = tuple(map(PropertyKey.parse, targets))
    if file is None:
        library = load_library()
        table = library.property_table(keys or DEFAULT_TARGETS)
        check_targets(table, file="the embedded library", least_known=least_known())
        return TrainingData(table.smiles, table)
    imported = read_property_csv(file)
    if not imported.table.keys:
        raise InputError(f"{file} has no property column; expected columns named NAME@LEVEL, e.g. lambda_hole@gfn2")
    imported = set_aside_unpredictable(imported)
    cheap = tuple(key for key in imported.table.keys if str(key.level) == cheap_level and key not in keys)
    table = choose_targets(imported.table, keys + cheap if keys else (), file=file)
    if len(table.smiles) < least_known():
        raise InputError(
            f"{file} has {len(table.smiles)} usable molecule{'' if len(table.smiles) == 1 else 's'}; training, "
            f"calibration and test need at least {least_known()}{_reason_of(imported.quarantined)}"
        )
    check_targets(table, file=file, least_known=least_known())
    return TrainingData(table.smiles, table, imported.quarantined)


def least_known() -> int:
    """Fewest known values of a column whose validation part can still be calibrated."""
    from heliosc.surrogates.calibration import MIN_VALUES

    return math.ceil(MIN_VALUES / FRACTIONS[1])


def _reason_of(quarantined: Sequence[QuarantinedRow]) -> str:
    if not quarantined:
        return ""
    first = quarantined[0]
    return f"; {len(quarantined)} rows were set aside, e.g. row {first.row}: {first.reason}"


def generator_data(file: Path | None) -> TrainingData:
    """The user's molecules, or the embedded library; known values feed property heads and conditions.

    Raises
    ------
    InputError : the file is unusable
    """
    if file is None:
        return TrainingData(tuple(library_smiles()), load_library().property_table(DEFAULT_TARGETS))
    smiles, quarantined = read_smiles(file)
    return TrainingData(tuple(smiles), read_property_csv(file).table, tuple(quarantined))


def train_surrogate(
    table: PropertyTable,
    config: Config,
    *,
    progress: Callable[[Any], None] | None = None,
    split: SplitName = "random",
) -> TrainedSurrogate:
    """Train on one split and measure on its held-out part, which nothing was fitted to.

    With ``surrogate.delta_level`` the columns of that level are no targets; a second network learns what they get
    wrong.

    Raises
    ------
    InputError : too few molecules, or a target that cannot be learnt
    """
    from heliosc.surrogates.delta import DeltaSurrogate
    from heliosc.surrogates.ensemble import SurrogateEnsemble
    from heliosc.surrogates.evaluate import evaluate_surrogate
    from heliosc.surrogates.mpnn.config import MPNNConfig

    cheap = None
    if config.surrogate.delta_level is not None:
        cheap, table = separate_levels(table, config.surrogate.delta_level)
    parts = _SPLITS[split](table.smiles, fractions=FRACTIONS, seed=config.seed)
    _refuse_one_side(parts, seed=config.seed)
    rows = (parts.train, parts.validation, parts.test)
    settings = config.surrogate
    mpnn = MPNNConfig.from_dict(ensemble_settings(table.keys, settings))
    start = None if settings.start_from is None else load_surrogate(settings.start_from, device="cpu")
    ensemble = SurrogateEnsemble.train(
        table,
        split=rows,
        config=mpnn,
        seed=config.seed,
        progress=progress,
        checkpoint_dir=checkpoint_folder(settings.out, split),
        start=start,
    )
    delta = None
    if cheap is not None:
        delta = DeltaSurrogate.train(
            table,
            split=rows,
            cheap=cheap,
            config=mpnn,
            seed=config.seed,
            progress=progress,
            checkpoint_dir=checkpoint_folder(settings.out, split) / "delta",
        )
    held_out = table.rows(parts.test)
    subsets = {"large": large_mask(held_out.smiles)}
    reference = _error_spread(ensemble, table, parts)
    models: dict[str, Predictor] = {**_with_baselines(ensemble, table, rows, config)}
    if delta is not None:
        models["delta"] = delta
    reports = {
        name: evaluate_surrogate(model, held_out, reference_std=reference, subsets=subsets)
        for name, model in models.items()
    }
    return TrainedSurrogate(ensemble, reports, delta)


def _refuse_one_side(parts: Split, *, seed: int) -> None:
    """Explain an empty test part: splits go by a hash of seed and molecule, which one side of a split has used up."""
    if len(parts.train) and not len(parts.test):
        raise InputError(
            f"no molecule of the table falls into the test part of seed {seed}: it is the training side of a split "
            "with this seed. Train on the whole table, whose test side is then kept from training too, or set another "
            "seed"
        )


def ensemble_settings(keys: Sequence[PropertyKey], settings: SurrogateSettings) -> dict[str, Any]:
    """What the configuration says of an ensemble's members, for whatever kind of network.

    Raises
    ------
    InputError : ``network`` names what has a setting of its own, or weights a key that is not trained
    """
    given: dict[str, Any] = {
        "n_members": settings.n_members,
        "epochs": settings.epochs,
        "target_weights": weights_of(keys, settings.target_weights),
        **settings.compute.model_dump(),
    }
    twice = sorted(given.keys() & settings.network.keys())
    if twice:
        raise InputError(f"surrogate.network names {', '.join(twice)}, which has a setting of its own under surrogate")
    return {**given, **settings.network}


def separate_levels(table: PropertyTable, cheap_level: str) -> tuple[PropertyTable, PropertyTable]:
    """Columns of the cheap level and all others, of the molecules with every cheap and some other value.

    Raises
    ------
    InputError : no column of the cheap level, none of another, or too few molecules
    """
    is_cheap = np.array([str(key.level) == cheap_level for key in table.keys])
    if is_cheap.all() or not is_cheap.any():
        raise InputError(
            f"surrogate.delta_level is {cheap_level!r}, and the columns are {', '.join(map(str, table.keys))}; "
            "expected columns of that level, to start from, and others to learn"
        )
    known = np.isfinite(table.values)
    rows = np.flatnonzero(known[:, is_cheap].all(axis=1) & known[:, ~is_cheap].any(axis=1))
    if len(rows) < least_known():
        raise InputError(
            f"{len(rows)} of {len(table.smiles)} molecules have all values of {cheap_level} and one of another level; "
            f"training, calibration and test need at least {least_known()}"
        )

    def columns(chosen: NDArray[np.bool_]) -> PropertyTable:
        keys = tuple(key for key, is_one in zip(table.keys, chosen, strict=True) if is_one)
        return PropertyTable(table.smiles, keys, table.values[:, chosen]).rows(rows)

    return columns(is_cheap), columns(~is_cheap)


def _with_baselines(
    ensemble: SurrogateEnsemble, table: PropertyTable, rows: Sequence[NDArray[np.intp]], config: Config
) -> dict[str, Surrogate]:
    """The ensemble (``mpnn``) and the baselines of the configuration, trained on the same rows."""
    from heliosc.surrogates.boosting import BoostingSurrogate
    from heliosc.surrogates.forest import ForestSurrogate
    from heliosc.surrogates.minimol import MiniMolRidge
    from heliosc.surrogates.stacking import StackedSurrogate

    kinds: dict[str, type[Surrogate]] = {
        "forest": ForestSurrogate,
        "boosting": BoostingSurrogate,
        "minimol": MiniMolRidge,
    }
    asked = config.surrogate.baselines
    models: dict[str, Surrogate] = {"mpnn": ensemble}
    models |= {name: kinds[name].train(table, split=rows, seed=config.seed) for name in asked if name != "auto"}
    if "auto" in asked:
        models["auto"] = StackedSurrogate.combine(models, ensemble.held_out.validation, seed=config.seed)
    return models


def weights_of(keys: Sequence[PropertyKey], weights: Mapping[str, float]) -> tuple[float, ...]:
    """Weights in the order of the keys; () where none is given."""
    given = {PropertyKey.parse(text): weight for text, weight in weights.items()}
    unknown = [str(key) for key in given if key not in keys]
    if unknown:
        raise InputError(
            f"surrogate.target_weights names {', '.join(unknown)}, which is not trained; "
            f"the targets are {', '.join(map(str, keys))}"
        )
    return tuple(given.get(key, 1.0) for key in keys) if given else ()


def train_generator(data: TrainingData, config: Config, *, progress: Callable[[Any], None] | None = None) -> JTVAE:
    """Train the JT-VAE; its held-out reconstruction, validity, uniqueness and novelty are in ``metrics``.

    Raises
    ------
    InputError : nothing to learn from, or a weight of a property that is not trained
    """
    from heliosc.generation.jtvae import JTVAE, Compute

    settings, compute = config.generator, config.generator.compute
    return JTVAE.train(
        data.smiles,
        properties=data.table,
        config=_generator_config(settings),
        seed=config.seed,
        device=compute.device,
        compute=Compute(devices=compute.devices, compile_mode=compute.compile_mode if compute.compile else None),
        progress=progress,
        checkpoint_folder=checkpoint_folder(settings.out),
        n_workers=len(os.sched_getaffinity(0)),
    )


def _generator_config(settings: GeneratorSettings) -> JTVAEConfig:
    from heliosc.generation.jtvae import JTVAEConfig

    given: dict[str, Any] = {
        "epochs": settings.epochs,
        "amp": settings.compute.amp,
        "free_bits": settings.free_bits,
        "practice": settings.practice,
        "property_weights": tuple(settings.property_weights.items()),
    }
    twice = sorted(given.keys() & settings.network.keys())
    if twice:
        raise InputError(f"generator.network names {', '.join(twice)}, which has a setting of its own under generator")
    return JTVAEConfig.of(**given, **settings.network)


def checkpoint_folder(out: Path, split: str = "") -> Path:
    """Where a training keeps its state; a killed training goes on from there."""
    return out.with_name(f"{out.name}.checkpoints") / split


def large_mask(smiles: tuple[str, ...]) -> NDArray[np.bool_]:
    """(n,) which molecules have at least ``LARGE_HEAVY_ATOMS`` heavy atoms."""
    return np.array([parse_smiles(text).GetNumHeavyAtoms() >= LARGE_HEAVY_ATOMS for text in smiles], dtype=bool)


def _error_spread(ensemble: SurrogateEnsemble, table: PropertyTable, parts: Split) -> NDArray[np.float64]:
    """(n_keys,) root mean square error on the validation part: the constant sigma to beat."""
    validation = table.rows(parts.validation)
    return np.asarray(np.sqrt(np.nanmean((ensemble.predict(validation.smiles).mean - validation.values) ** 2, axis=0)))
