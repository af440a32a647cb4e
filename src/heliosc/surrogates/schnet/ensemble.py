"""The three-dimensional surrogate: an ensemble of SchNets on geometries of one level, with calibrated uncertainty.

It offers what ``SurrogateEnsemble`` offers, and needs one thing more: a provider of geometries. The level of those that
it learnt from belongs to the model; geometries of another level are refused, because the difference between the levels
would be read as chemistry.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from heliosc.devices import choose_device
from heliosc.errors import InputError
from heliosc.properties import PredictionTable, PropertyKey, PropertyTable
from heliosc.surrogates.calibration import KeyCalibration
from heliosc.surrogates.evaluate import evaluate_predictions
from heliosc.surrogates.identity import model_hash, table_hash, training_identity
from heliosc.surrogates.landmarks import Landmarks
from heliosc.surrogates.members import training_schedule
from heliosc.surrogates.mpnn.reading import read_graphs
from heliosc.surrogates.mpnn.training import MemberTraining, Parts, Progress
from heliosc.surrogates.outputs import HeldOut, RawPrediction, calibrate_keys, calibrated_doubt, prediction_table
from heliosc.surrogates.protocol import RowArray, check_split
from heliosc.surrogates.scaling import FloatArray, Scaling
from heliosc.surrogates.schnet.config import SchNetConfig
from heliosc.surrogates.schnet.data import FlatGeometries, GeometryData
from heliosc.surrogates.schnet.geometries import (
    GeometryProvider,
    MissingGeometry,
    MolecularGeometry,
    all_geometries,
    find_geometries,
)
from heliosc.surrogates.schnet.inference import predict_members
from heliosc.surrogates.schnet.network import SchNetNetwork
from heliosc.surrogates.training_record import check_columns, count_known, learning_curves


@dataclass(frozen=True, slots=True, eq=False)
class SchNetEnsemble:
    """A trained ensemble; see ``train`` and ``load`` for where one comes from.

    Attributes
    ----------
    keys : what it predicts
    config : how it was built and trained
    geometry_level : level of theory of the geometries that it learnt from, and reads
    networks : members, in evaluation mode
    scaling : standardisation of targets and descriptors
    calibrations : one a key
    landmarks : where the train part lies
    held_out : validation and test part
    split : row numbers of the training table, for the record
    metrics : held-out figures, name of the evaluation -> key -> metric -> value
    provenance : hash of the data and geometries, seed
    device : where it predicts
    geometries : where it gets the geometries of new molecules; None after loading without one
    """

    keys: tuple[PropertyKey, ...]
    config: SchNetConfig
    geometry_level: str
    networks: tuple[SchNetNetwork, ...]
    scaling: Scaling
    calibrations: tuple[KeyCalibration, ...]
    landmarks: Landmarks
    held_out: HeldOut
    split: Mapping[str, list[int]]
    metrics: Mapping[str, Any]
    provenance: Mapping[str, Any]
    device: torch.device
    geometries: GeometryProvider | None = None

    @property
    def model_id(self) -> str:
        """Short hash of all that predictions and their doubt depend on."""
        states = [network.state_dict() for network in self.networks]
        return model_hash(states, self.scaling, self.calibrations, self.landmarks)

    @classmethod
    def train(
        cls,
        table: PropertyTable,
        *,
        split: Sequence[RowArray],
        geometries: GeometryProvider,
        config: SchNetConfig | None = None,
        seed: int = 0,
        progress: Progress | None = None,
        checkpoint_dir: Path | None = None,
    ) -> Self:
        """Train every member on the train part, calibrate on the validation part, report on the test part.

        Parameters
        ----------
        split : row numbers (train, validation, test)
        geometries : of every molecule of the table; leave out those without by ``geometries.with_geometry``
        progress : called after every epoch
        checkpoint_dir : where members are kept after every epoch; the same call goes on from there

        Raises
        ------
        InputError : a molecule without geometry, a split that leaks, a key with too few values, a foreign checkpoint
        MissingDependencyError : PyTorch Geometric is not installed
        """
        config = config or SchNetConfig()
        parts = check_split(split, table)
        check_columns(table, parts, target_weights=config.target_weights)
        flat = FlatGeometries.of(all_geometries(geometries, table.smiles, states=config.states), states=config.states)
        numbers = _descriptors(table.smiles, config)
        scaling = Scaling.fit(table.values[parts.train], numbers[parts.train])
        targets = torch.from_numpy(scaling.targets(table.values))
        data = GeometryData(flat, torch.from_numpy(scaling.descriptors(numbers)), targets)
        identity = f"{training_identity(table, parts, config, seed)}-{flat.fingerprint}"
        networks, curves = [], []
        for member in range(config.n_members):
            training = MemberTraining(
                network=_initial_network(config, len(table.keys), numbers.shape[1], seed=seed, member=member),
                data=data,
                parts=Parts(parts.train, parts.validation),
                config=config,
                schedule=training_schedule(config),
                member=member,
                seed=seed,
                identity=f"{identity}-{member}",
                checkpoint=None if checkpoint_dir is None else checkpoint_dir / f"member_{member}.pt",
            )
            networks.append(training.run(progress))
            curves.append(training.curve)
        return cls._calibrated(
            learnt=flat.rows(parts.train),
            learnt_descriptors=data.descriptors[parts.train],
            seed=seed,
            keys=table.keys,
            config=config,
            geometry_level=geometries.level,
            networks=tuple(networks),
            scaling=scaling,
            held_out=HeldOut(table.rows(parts.validation), table.rows(parts.test)),
            split={name: rows.tolist() for name, rows in parts._asdict().items()},
            metrics={"learning_curve": learning_curves(curves)},
            provenance={
                "data_hash": table_hash(table),
                "geometry_hash": flat.fingerprint,
                "seed": seed,
                "n_train": len(parts.train),
                "n_known": count_known(table, parts),
            },
            device=choose_device(config.device),
            geometries=geometries,
        )

    @classmethod
    def _calibrated(
        cls,
        *,
        learnt: FlatGeometries,
        learnt_descriptors: Tensor,
        seed: int,
        networks: tuple[SchNetNetwork, ...],
        device: torch.device,
        held_out: HeldOut,
        **known: Any,
    ) -> Self:
        """Complete an ensemble: calibrate on the validation part, then measure on the test part."""
        for network in networks:
            network.to(device).eval()
        train = predict_members(networks[:1], learnt, learnt_descriptors, device=device)
        landmarks = Landmarks.fit(train.fingerprints, seed=seed)
        bare = cls(networks=networks, device=device, held_out=held_out, calibrations=(), landmarks=landmarks, **known)
        validation, test = held_out.validation, held_out.test
        raw = bare._predict_raw(validation.smiles, bare._geometries_of(validation.smiles))
        landmarks = landmarks.calibrated(raw.fingerprints)
        distance = landmarks.distances(raw.fingerprints)
        errors = validation.values - raw.mean
        ensemble = replace(bare, calibrations=calibrate_keys(raw, errors, distance), landmarks=landmarks)
        reference = np.nanstd(errors, axis=0)
        figures = evaluate_predictions(test, ensemble.predict(test.smiles), reference_std=reference)
        return ensemble.with_metrics({"test": figures})

    def predict(self, smiles: Sequence[str]) -> PredictionTable:
        """Predict molecules; the provider gives or computes their geometries.

        Raises
        ------
        InputError : a molecule has no geometry, or the model no provider; the message names rows and reasons
        """
        return self.predict_geometries(smiles, self._geometries_of(smiles))

    def predict_available(self, smiles: Sequence[str]) -> tuple[PredictionTable, tuple[MissingGeometry, ...]]:
        """Predict the molecules that have a geometry, in their order; name the others with the reason.

        Raises
        ------
        InputError : the model has no provider
        """
        found = find_geometries(self._provider(), smiles, states=self.config.states)
        pairs = [
            (text, entry) for text, entry in zip(smiles, found, strict=True) if isinstance(entry, MolecularGeometry)
        ]
        missing = tuple(entry for entry in found if isinstance(entry, MissingGeometry))
        return self.predict_geometries([text for text, _ in pairs], [entry for _, entry in pairs]), missing

    def predict_geometries(self, smiles: Sequence[str], geometries: Sequence[MolecularGeometry]) -> PredictionTable:
        """Predict molecules at geometries of the model's own level, which the caller answers for.

        Raises
        ------
        InputError : a molecule cannot be read
        """
        raw = self._predict_raw(smiles, geometries)
        doubt = calibrated_doubt(raw, calibrations=self.calibrations, landmarks=self.landmarks)
        return prediction_table(smiles, self.keys, raw, doubt, calibrations=self.calibrations, model_id=self.model_id)

    def with_geometries(self, provider: GeometryProvider) -> Self:
        """The same model with another place to get geometries from.

        Raises
        ------
        InputError : they are of another level than those that the model learnt from
        """
        if provider.level != self.geometry_level:
            raise InputError(
                f"model {self.model_id} learnt from {self.geometry_level} geometries and cannot read {provider.level} "
                f"ones; give a provider of {self.geometry_level} geometries, or train a model on {provider.level} ones"
            )
        return replace(self, geometries=provider)

    def with_metrics(self, metrics: Mapping[str, Any]) -> Self:
        """The same model with further evaluations on record."""
        return replace(self, metrics={**self.metrics, **metrics})

    def save(self, folder: Path) -> Path:
        """Write the model into a folder of its own, all or nothing; see ``storage``. Geometries are not written.

        Raises
        ------
        ResourceError : the place cannot be written
        """
        from heliosc.surrogates.schnet.storage import save_schnet

        return save_schnet(self, folder)

    @classmethod
    def load(cls, folder: Path, *, device: str = "auto", geometries: GeometryProvider | None = None) -> SchNetEnsemble:
        """Read a saved model.

        Raises
        ------
        InputError : the folder holds no such model, a damaged one, or the geometries are of another level
        """
        from heliosc.surrogates.schnet.storage import load_schnet

        ensemble = load_schnet(folder, device=device)
        return ensemble if geometries is None else ensemble.with_geometries(geometries)

    def _provider(self) -> GeometryProvider:
        if self.geometries is None:
            raise InputError(
                f"model {self.model_id} has no geometries to predict from; it reads {self.geometry_level} geometries "
                f"of the {', '.join(self.config.states)}: give a provider to `with_geometries` or `load`"
            )
        return self.geometries

    def _geometries_of(self, smiles: Sequence[str]) -> list[MolecularGeometry]:
        return all_geometries(self._provider(), smiles, states=self.config.states)

    def _predict_raw(self, smiles: Sequence[str], geometries: Sequence[MolecularGeometry]) -> RawPrediction:
        """Members' outputs in the units of the keys."""
        flat = FlatGeometries.of(geometries, states=self.config.states)
        descriptors = _descriptors(smiles, self.config) if smiles else np.empty((0, len(self.scaling.descriptor_mean)))
        numbers = torch.from_numpy(self.scaling.descriptors(descriptors))
        raw = predict_members(self.networks, flat, numbers, device=self.device)
        std, mean = self.scaling.target_std, self.scaling.target_mean
        return RawPrediction(raw.means * std + mean, raw.variances * std**2, raw.fingerprints)


def _descriptors(smiles: Sequence[str], config: SchNetConfig) -> FloatArray:
    """The MPNN's numbers of whole molecules, (n_molecules, n_descriptors); none where they are not used."""
    if not config.use_descriptors:
        return np.empty((len(smiles), 0))
    return read_graphs(smiles, with_rings=True).descriptors


def _initial_network(config: SchNetConfig, n_keys: int, n_descriptors: int, *, seed: int, member: int) -> SchNetNetwork:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(np.random.default_rng([seed, member]).integers(2**62)))
        return SchNetNetwork(config, n_keys=n_keys, n_descriptors=n_descriptors)
