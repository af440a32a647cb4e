"""The surrogate: an ensemble of message-passing networks with calibrated uncertainty.

The mean over members is the prediction. Its variance is the law of total variance, mean of the members' variances
(aleatoric) plus variance of the members' means (epistemic), recalibrated per key on the validation part.

References
----------
Lakshminarayanan, Pritzel, Blundell, NeurIPS 2017 (arXiv 1612.01474): deep ensembles.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch

from heliosc.devices import choose_device
from heliosc.errors import InputError
from heliosc.properties import PredictionTable, PropertyKey, PropertyTable
from heliosc.surrogates.auxiliary import without_auxiliary
from heliosc.surrogates.calibration import KeyCalibration
from heliosc.surrogates.evaluate import evaluate_predictions
from heliosc.surrogates.identity import model_hash, table_hash, training_identity
from heliosc.surrogates.landmarks import Landmarks
from heliosc.surrogates.members import (
    copied,
    fine_tuning_schedule,
    initial_network,
    rounded,
    training_data,
    training_schedule,
    with_auxiliary,
)
from heliosc.surrogates.mpnn.config import MPNNConfig
from heliosc.surrogates.mpnn.graphs import MoleculeGraphs, build_graphs, parse_rows
from heliosc.surrogates.mpnn.inference import predict_members
from heliosc.surrogates.mpnn.network import Network
from heliosc.surrogates.mpnn.reading import read_graphs
from heliosc.surrogates.mpnn.training import (
    MemberTraining,
    Parts,
    Progress,
)
from heliosc.surrogates.outputs import Doubt, HeldOut, RawPrediction, calibrate_keys, calibrated_doubt, prediction_table
from heliosc.surrogates.protocol import RowArray, check_split
from heliosc.surrogates.scaling import Scaling
from heliosc.surrogates.training_record import check_columns, count_known, learning_curves
from heliosc.surrogates.warm_start import check_shape, check_unseen, take_over

_BATCH_SIZE = 4096


@dataclass(frozen=True, slots=True, eq=False)
class SurrogateEnsemble:
    """A trained ensemble; see ``train``, ``load`` and ``fine_tune`` for where one comes from.

    Attributes
    ----------
    keys : what it predicts
    config : how it was built and trained
    networks : members, in evaluation mode, weights rounded to what the file format holds
    scaling : standardisation of targets and descriptors
    calibrations : one a key
    landmarks : where the train part lies; None where it is not known (imported models)
    held_out : validation and test part
    split : row numbers of the training table, for the record
    metrics : held-out figures, name of the evaluation -> key -> metric -> value
    provenance : hash of the data, seed, rounds of fine-tuning
    device : where it predicts
    """

    keys: tuple[PropertyKey, ...]
    config: MPNNConfig
    networks: tuple[Network, ...]
    scaling: Scaling
    calibrations: tuple[KeyCalibration, ...]
    landmarks: Landmarks | None
    held_out: HeldOut
    split: Mapping[str, list[int]]
    metrics: Mapping[str, Any]
    provenance: Mapping[str, Any]
    device: torch.device

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
        config: MPNNConfig | None = None,
        seed: int = 0,
        progress: Progress | None = None,
        checkpoint_dir: Path | None = None,
        start: SurrogateEnsemble | None = None,
    ) -> Self:
        """Train every member on the train part, calibrate on the validation part, report on the test part.

        Parameters
        ----------
        split : row numbers (train, validation, test)
        progress : called after every epoch
        checkpoint_dir : where members are kept after every epoch; the same call goes on from there
        start : model whose weights the members begin with, in turn; None = random weights. What it learnt from must
            not hold values of this table's validation and test part

        Raises
        ------
        InputError : an unreadable molecule, a split that leaks, a key with too few values, a foreign checkpoint, or a
            start of another shape or of another split of the same table
        """
        config = config or MPNNConfig()
        parts = check_split(split, table)
        check_columns(table, parts, target_weights=config.target_weights)
        graphs = build_graphs(parse_rows(table.smiles))
        used = graphs.descriptors if config.use_descriptors else graphs.descriptors[:, :0]
        scaling = Scaling.fit(table.values[parts.train], used[parts.train])
        if start is not None:
            check_shape(config, start.config)
            check_unseen(table, parts, start_test=start.held_out.test, start_split=start.split)
            # its trunk knows descriptors in its own units
            scaling = scaling.with_descriptors_of(start.scaling)
        data, taught = with_auxiliary(training_data(graphs, table.values, scaling, config), table, parts, config)
        identity = training_identity(table, parts, config, seed) + ("" if start is None else f"-{start.model_id}")
        networks, curves = [], []
        for member in range(config.n_members):
            network = initial_network(config, data, seed=seed, member=member)
            if start is not None:
                source = start.networks[member % len(start.networks)]
                take_over(network, keys=table.keys, source=source, known=start.keys)
            training = MemberTraining(
                network=network,
                data=data,
                parts=Parts(parts.train, parts.validation),
                config=taught,
                schedule=training_schedule(config),
                member=member,
                seed=seed,
                identity=f"{identity}-{member}",
                checkpoint=None if checkpoint_dir is None else checkpoint_dir / f"member_{member}.pt",
            )
            networks.append(rounded(without_auxiliary(training.run(progress), table.keys)))
            curves.append(training.curve)
        trained = cls.calibrated(
            networks=tuple(networks),
            keys=table.keys,
            config=config,
            scaling=scaling,
            held_out=HeldOut(table.rows(parts.validation), table.rows(parts.test)),
            split={name: rows.tolist() for name, rows in parts._asdict().items()},
            learnt=table.rows(parts.train).smiles,
            seed=seed,
            provenance={
                "data_hash": table_hash(table),
                "seed": seed,
                **({} if start is None else {"started_from": start.model_id}),
                "n_train": len(parts.train),
                "n_known": count_known(table, parts),
                "fine_tuned": 0,
            },
        )
        return trained.with_metrics({"learning_curve": learning_curves(curves)})

    @classmethod
    def calibrated(cls, *, learnt: Sequence[str], seed: int, **known: Any) -> Self:
        """Complete an ensemble: calibrate on the validation part, then measure on the test part.

        Parameters
        ----------
        learnt : molecules of the train part, from which the landmarks are taken; empty = not known
        known : the attributes that need no predictions: not calibrations, landmarks, metrics and device
        """
        config, held_out = known["config"], known["held_out"]
        device = choose_device(config.device)
        for network in known["networks"]:
            network.to(device).eval()
        bare = cls(calibrations=(), landmarks=None, metrics={}, device=device, **known)
        raw = bare._predict_raw(held_out.validation.smiles, batch_size=_BATCH_SIZE)
        landmarks = bare._find_landmarks(learnt, seed=seed).calibrated(raw.fingerprints) if learnt else None
        distance = None if landmarks is None else landmarks.distances(raw.fingerprints)
        errors = held_out.validation.values - raw.mean
        ensemble = replace(bare, calibrations=calibrate_keys(raw, errors, distance), landmarks=landmarks)
        reference = np.nanstd(errors, axis=0)
        test = evaluate_predictions(held_out.test, ensemble.predict(held_out.test.smiles), reference_std=reference)
        return replace(ensemble, metrics={"test": test})

    def _find_landmarks(self, smiles: Sequence[str], *, seed: int) -> Landmarks:
        first = replace(self, networks=self.networks[:1])
        return Landmarks.fit(first._predict_raw(smiles, batch_size=_BATCH_SIZE).fingerprints, seed=seed)

    def predict(
        self, smiles: Sequence[str], *, batch_size: int = _BATCH_SIZE, precision: str = "f32"
    ) -> PredictionTable:
        """Predict molecules.

        Parameters
        ----------
        batch_size : molecules whose common environments are computed once
        precision : ``f32``, or ``bf16``: about twice as fast on processors that have it, some meV off

        Raises
        ------
        InputError : a molecule cannot be read; the message names its row, counted from 0
        """
        raw = self._predict_raw(smiles, batch_size=batch_size, precision=precision)
        doubt = self.doubt(raw)
        return prediction_table(smiles, self.keys, raw, doubt, calibrations=self.calibrations, model_id=self.model_id)

    def _predict_raw(self, smiles: Sequence[str], *, batch_size: int, precision: str = "f32") -> RawPrediction:
        shape = (len(self.networks), len(smiles), len(self.keys))
        width = self.config.hidden
        raw = RawPrediction(np.empty(shape), np.empty(shape), np.empty((len(smiles), width), dtype=np.float32))
        for start in range(0, len(smiles), batch_size):
            chunk = slice(start, start + batch_size)
            graphs = read_graphs(smiles[chunk], with_rings=self.uses_descriptors, first_row=start)
            part = self.predict_graphs(graphs, precision=precision)
            raw.means[:, chunk], raw.variances[:, chunk] = part.means, part.variances
            raw.fingerprints[chunk] = part.fingerprints
        return raw

    @property
    def uses_descriptors(self) -> bool:
        return len(self.scaling.descriptor_mean) > 0

    def predict_graphs(self, graphs: MoleculeGraphs, *, precision: str = "f32") -> RawPrediction:
        """Members' outputs for one batch of molecules; descriptors need graphs with ring counts."""
        numbers = graphs.descriptors if self.uses_descriptors else np.empty((graphs.n_molecules, 0))
        outputs = predict_members(
            self.networks,
            graphs,
            torch.from_numpy(self.scaling.descriptors(numbers)),
            device=self.device,
            precision=precision,
        )
        target_std = self.scaling.target_std
        means = outputs.means * target_std + self.scaling.target_mean
        return RawPrediction(means, outputs.variances * target_std**2, outputs.fingerprints)

    def doubt(self, raw: RawPrediction) -> Doubt:
        """Calibrated uncertainty of outputs."""
        return calibrated_doubt(raw, calibrations=self.calibrations, landmarks=self.landmarks)

    def fine_tune(
        self,
        table_new: PropertyTable,
        *,
        replay_table: PropertyTable,
        epochs: int = 6,
        lr: float = 3e-4,
        seed: int = 0,
        progress: Progress | None = None,
    ) -> Self:
        """A new ensemble that has also learnt ``table_new``; this one stays as it is.

        Every epoch sees all new molecules and a fresh draw of old ones, so that nothing is forgotten. Molecules of the
        validation and test part are left out of both tables: the new calibration is fitted on the same held-out
        validation part as before.

        Parameters
        ----------
        replay_table : what the ensemble was trained on, for instance the whole library
        epochs : 0 returns this ensemble
        lr : highest learning rate, falling to zero

        Raises
        ------
        InputError : a key the model has no head for, an unreadable molecule, or nothing new to learn from
        """
        if epochs == 0:
            return self
        new = _without(self._aligned(table_new), self.held_out.smiles)
        if not new.smiles:
            raise InputError("nothing to learn from: table_new is empty, or all of it is in the held-out part")
        replay = _without(self._aligned(replay_table), self.held_out.smiles | frozenset(new.smiles))
        validation = self.held_out.validation
        together = PropertyTable(
            new.smiles + replay.smiles + validation.smiles,
            self.keys,
            np.concatenate([new.values, replay.values, validation.values]),
        )
        data = training_data(build_graphs(parse_rows(together.smiles)), together.values, self.scaling, self.config)
        ends = np.cumsum([len(new.smiles), len(replay.smiles), len(validation.smiles)])
        parts = Parts(np.arange(ends[0]), np.arange(ends[1], ends[2]), np.arange(ends[0], ends[1]))
        schedule = fine_tuning_schedule(epochs, lr, n_new=len(new.smiles))
        networks = []
        for member, network in enumerate(self.networks):
            trained = MemberTraining(
                network=copied(network),
                data=data,
                parts=parts,
                config=self.config,
                schedule=schedule,
                member=member,
                seed=seed,
            ).run(progress)
            networks.append(rounded(trained))
        provenance = {
            **self.provenance,
            "parent": self.model_id,
            "fine_tuned": self.provenance["fine_tuned"] + 1,
            "new_data_hash": table_hash(new),
            "n_new": len(new.smiles),
        }
        return type(self).calibrated(
            networks=tuple(networks),
            keys=self.keys,
            config=self.config,
            scaling=self.scaling,
            held_out=self.held_out,
            split=self.split,
            provenance=provenance,
            learnt=new.smiles + replay.smiles,
            seed=seed,
        )

    def refit(
        self, table_new: PropertyTable, *, replay_table: PropertyTable, seed: int = 0, progress: Progress | None = None
    ) -> Self:
        """An ensemble of the same settings trained anew, from random weights, on both tables.

        Its validation and test part are those of this one, whatever the tables hold of them.

        Raises
        ------
        InputError : a key the model has no head for, or an unreadable molecule
        """
        new = _without(self._aligned(table_new), self.held_out.smiles)
        replay = _without(self._aligned(replay_table), self.held_out.smiles | frozenset(new.smiles))
        parts = (new, replay, self.held_out.validation, self.held_out.test)
        table = PropertyTable(
            tuple(text for part in parts for text in part.smiles),
            self.keys,
            np.concatenate([part.values for part in parts]),
        )
        ends = np.cumsum([len(new.smiles) + len(replay.smiles), *(len(part.smiles) for part in parts[2:])])
        split = [np.arange(first, end) for first, end in zip([0, *ends[:-1]], ends, strict=True)]
        return type(self).train(table, split=split, config=self.config, seed=seed, progress=progress)

    def _aligned(self, table: PropertyTable) -> PropertyTable:
        """The table with this model's columns, NaN where it has none."""
        unknown = [str(key) for key in table.keys if key not in self.keys]
        if unknown:
            raise InputError(
                f"the model has no head for {', '.join(unknown)}; it predicts {', '.join(map(str, self.keys))}. "
                "Drop the columns, or train a new ensemble on all data"
            )
        values = np.full((len(table.smiles), len(self.keys)), np.nan)
        for column, key in enumerate(table.keys):
            values[:, self.keys.index(key)] = table.values[:, column]
        return PropertyTable(table.smiles, self.keys, values)

    def with_metrics(self, metrics: Mapping[str, Any]) -> Self:
        """The same model with further evaluations on record."""
        return replace(self, metrics={**self.metrics, **metrics})

    def save(self, folder: Path) -> Path:
        """Write the model into a folder of its own, all or nothing; see ``storage``.

        Raises
        ------
        ResourceError : the place cannot be written
        """
        from heliosc.surrogates.storage import save_ensemble

        return save_ensemble(self, folder)

    @classmethod
    def load(cls, folder: Path, *, device: str = "auto") -> SurrogateEnsemble:
        """Read a saved model.

        Raises
        ------
        InputError : the folder holds no such model, a damaged one, or one of another format
        """
        from heliosc.surrogates.storage import load_ensemble

        return load_ensemble(folder, device=device)


def _without(table: PropertyTable, smiles: frozenset[str]) -> PropertyTable:
    return table.rows([row for row, text in enumerate(table.smiles) if text not in smiles])
