"""One table of everything that is measured of a generator."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem

from heliosc.chemistry.identity import canonical_smiles
from heliosc.errors import InputError
from heliosc.generation.evaluation.molecule_sets import (
    SetDescription,
    internal_diversity,
    property_distance,
    scaffold_similarity,
)
from heliosc.generation.evaluation.reconstruction import count_active_units, returned_greedy, share_exact_sampled
from heliosc.generation.evaluation.stereo import stereo_figures
from heliosc.generation.known_values import values_by_constitution
from heliosc.generation.protocol import Autoencoder, Generator
from heliosc.properties import PropertyKey, PropertyTable

FloatArray = NDArray[np.float64]

MAX_REFERENCE = 5_000
"""Training molecules, drawn at random, with which samples are compared."""
NAN = float("nan")


@dataclass(frozen=True, slots=True)
class SetDistance:
    """Wasserstein-1 distance of one property between samples and training molecules, and their spread, in its unit."""

    distance: float
    training_std: float


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Shares are between 0 and 1; NaN where there was nothing to measure, so also for what a model cannot do.

    Attributes
    ----------
    n_held_out : molecules never shown in training
    n_unknown_words : of these, molecules that the model does not cover: a cluster is outside the vocabulary, or they
        cannot be decomposed at all (they count as not reconstructed)
    in_vocabulary : share of the held-out molecules that the model covers
    reconstruction : held-out molecules whose constitution comes back exactly from the posterior mean, likeliest choices
    reconstruction_known_words : the same among molecules inside the vocabulary
    n_reconstructed_by_sampling : of these, molecules put through 10 encodings x 10 decodings
    reconstruction_by_sampling : share of those decodings that are exact
    n_with_stereo : held-out molecules with E/Z or tetrahedral marks; all other figures are of constitutions
    stereo_enumerated : share of these that are among the stereoisomers enumerated of their constitution
    stereo_reconstructed : share of these that are, and whose constitution comes back
    n_active_units, n_latent : latent units in use, and all
    n_samples : molecules asked of the model without conditions
    validity : share that RDKit sanitises and reads back
    uniqueness : distinct among the valid
    novelty : distinct valid ones that are in neither the training nor the held-out molecules
    saturated : share in which an aromatic atom found no double-bond partner and took a hydrogen
    internal_diversity : 1 - mean Tanimoto similarity among the valid; ``_training`` of training molecules
    scaffold_similarity : cosine of the scaffold frequencies of samples and training molecules
    sa_score : mean over the valid; ``_training`` over training molecules
    alert_rate : share with a structural alert that rejects; ``_training`` of training molecules
    warning_rate : share with alerts that only warn; ``_training`` of training molecules
    property_distances : descriptor or ``name@level`` -> distance of samples and training molecules; of properties by
        the model's own heads on samples against known values
    property_mae : ``name@level`` -> mean absolute error of the property head on held-out molecules, unit of the key
    """

    n_held_out: int
    n_unknown_words: int
    in_vocabulary: float
    reconstruction: float
    reconstruction_known_words: float
    n_reconstructed_by_sampling: int
    reconstruction_by_sampling: float
    n_with_stereo: int
    stereo_enumerated: float
    stereo_reconstructed: float
    n_active_units: int | None
    n_latent: int | None
    n_samples: int
    validity: float
    uniqueness: float
    novelty: float
    saturated: float
    internal_diversity: float
    internal_diversity_training: float
    scaffold_similarity: float
    sa_score: float
    sa_score_training: float
    alert_rate: float
    alert_rate_training: float
    warning_rate: float
    warning_rate_training: float
    property_distances: dict[str, SetDistance] = field(default_factory=dict)
    property_mae: dict[str, float] = field(default_factory=dict)

    def to_document(self) -> dict[str, Any]:
        """JSON-ready form; NaN becomes null."""
        return {name: _plain(value) for name, value in asdict(self).items()}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(of_one) for name, of_one in value.items()}
    return None if isinstance(value, float) and np.isnan(value) else value


def evaluate(
    model: Generator,
    held_out: Sequence[str],
    *,
    training: Sequence[str],
    properties: PropertyTable | None,
    n_samples: int,
    n_sampled_reconstructions: int = 0,
    seed: int,
) -> Evaluation:
    """Measure any generator; what needs a latent space is missing for those that have none.

    Parameters
    ----------
    held_out, training : molecules that the model was not shown, and was
    properties : known values of any of them
    n_samples : molecules asked for without conditions
    n_sampled_reconstructions : held-out molecules for the protocol of 10 encodings x 10 decodings
    """
    plain = {text: spelling for text in [*held_out, *training] if (spelling := _constitution(text))}
    known = [plain[text] for text, is_covered in zip(held_out, model.covers(held_out), strict=True) if is_covered]
    reference = _some([plain[text] for text in training if text in plain], MAX_REFERENCE, seed=seed)
    values = values_by_constitution(properties, plain | _spellings(properties, but=plain))
    valid, saturated = _sampled(model, n_samples, seed=seed)
    distinct = set(valid)
    figures: dict[str, Any] = {}
    if isinstance(model, Autoencoder):
        figures = _latent_figures(model, known, reference, n_sampled=n_sampled_reconstructions, seed=seed)
    returned = figures.get("returned")
    n_exact = NAN if returned is None else sum(returned[text] == text for text in known)
    stereo = stereo_figures([text for text in held_out if text in plain], returned or {})
    return Evaluation(
        n_held_out=len(held_out),
        n_unknown_words=len(held_out) - len(known),
        in_vocabulary=_share(len(known), len(held_out)),
        reconstruction=_share(n_exact, len(held_out)),
        reconstruction_known_words=_share(n_exact, len(known)),
        n_reconstructed_by_sampling=figures.get("n_sampled", 0),
        reconstruction_by_sampling=figures.get("sampled", NAN),
        n_with_stereo=stereo.n,
        stereo_enumerated=_share(stereo.n_enumerated, stereo.n),
        stereo_reconstructed=NAN if returned is None else _share(stereo.n_recovered, stereo.n),
        n_active_units=figures.get("n_active"),
        n_latent=figures.get("n_latent"),
        n_samples=n_samples,
        validity=_share(len(valid), n_samples),
        uniqueness=_share(len(distinct), len(valid)),
        novelty=_share(len(distinct - set(plain.values())), len(distinct)),
        saturated=saturated,
        **_set_figures(model, valid, reference, values),
        property_mae=_head_errors(model, known, values),
    )


def _latent_figures(
    model: Autoencoder, known: Sequence[str], reference: Sequence[str], *, n_sampled: int, seed: int
) -> dict[str, Any]:
    sampled = _some(known, n_sampled, seed=seed)
    covered = [text for text, is_covered in zip(reference, model.covers(reference), strict=True) if is_covered]
    means = model.encode(covered) if covered else np.zeros((0, 0))
    return {
        "returned": returned_greedy(model, known),
        "n_sampled": len(sampled),
        "sampled": share_exact_sampled(model, sampled, seed=seed),
        "n_active": count_active_units(means) if covered else None,
        "n_latent": means.shape[1] if covered else None,
    }


def _set_figures(
    model: Generator, valid: Sequence[str], reference: Sequence[str], values: Mapping[str, Mapping[PropertyKey, float]]
) -> dict[str, Any]:
    """What is told of the samples beside the training molecules."""
    made, given = SetDescription.of(valid), SetDescription.of(reference if valid else [])
    distances = {
        name: SetDistance(property_distance(made.values[name], column), _std(column))
        for name, column in given.values.items()
    }
    if isinstance(model, Autoencoder) and valid and model.keys:
        encodable = [text for text, is_covered in zip(valid, model.covers(valid), strict=True) if is_covered]
        predicted = model.predict_properties(encodable) if encodable else np.zeros((0, len(model.keys)))
        known = _columns(reference, values, model.keys)
        for column, key in enumerate(model.keys):
            distance = property_distance(predicted[:, column], known[:, column])
            distances[str(key)] = SetDistance(distance, _std(known[:, column]))
    return {
        "internal_diversity": internal_diversity(made.fingerprints),
        "internal_diversity_training": internal_diversity(given.fingerprints),
        "scaffold_similarity": scaffold_similarity(made.scaffolds, given.scaffolds),
        "sa_score": _mean(made.values["sa_score"]),
        "sa_score_training": _mean(given.values["sa_score"]),
        "alert_rate": _share(made.n_rejected, len(made)),
        "alert_rate_training": _share(given.n_rejected, len(given)),
        "warning_rate": _share(made.n_warned, len(made)),
        "warning_rate_training": _share(given.n_warned, len(given)),
        "property_distances": distances,
    }


def _sampled(model: Generator, n: int, *, seed: int) -> tuple[list[str], float]:
    """Constitutions of the valid samples, and the share that was saturated."""
    if not isinstance(model, Autoencoder):
        return _readable(model.generate(n, seed=seed)), NAN
    samples = model.sample(n, seed=seed)
    return _readable(s.smiles for s in samples), _share(sum(sample.is_saturated for sample in samples), n)


def _readable(smiles: Iterable[str | None]) -> list[str]:
    return [spelling for text in smiles if text and (spelling := _constitution(text))]


def _constitution(text: str) -> str:
    """Canonical SMILES without stereo marks; empty if it cannot be read."""
    try:
        plain = canonical_smiles(text, stereo=False)
        return str(Chem.CanonSmiles(plain))
    except InputError:
        return ""


def _spellings(table: PropertyTable | None, *, but: Mapping[str, str]) -> dict[str, str]:
    """Constitutions of the molecules of a table that are spelt otherwise there than those evaluated."""
    others = () if table is None else (text for text in table.smiles if text not in but)
    return {text: spelling for text in others if (spelling := _constitution(text))}


def _some(smiles: Sequence[str], n: int, *, seed: int) -> list[str]:
    """At most ``n`` of them, in their order."""
    if len(smiles) <= n:
        return list(smiles)
    chosen = np.random.default_rng(seed).choice(len(smiles), size=n, replace=False)
    return [smiles[index] for index in np.sort(chosen)]


def _columns(
    smiles: Sequence[str], values: Mapping[str, Mapping[PropertyKey, float]], keys: Sequence[PropertyKey]
) -> FloatArray:
    """(n_molecules, n_keys), NaN = unknown."""
    rows = [[values.get(text, {}).get(key, NAN) for key in keys] for text in smiles]
    return np.array(rows, dtype=np.float64).reshape(len(smiles), len(keys))


def _head_errors(
    model: Generator, smiles: Sequence[str], values: Mapping[str, Mapping[PropertyKey, float]]
) -> dict[str, float]:
    if not isinstance(model, Autoencoder) or not smiles or not model.keys:
        return {}
    errors = np.abs(model.predict_properties(smiles) - _columns(smiles, values, model.keys))
    columns = {str(key): errors[:, i][~np.isnan(errors[:, i])] for i, key in enumerate(model.keys)}
    return {name: float(column.mean()) for name, column in columns.items() if len(column)}


def _share(part: float, whole: int) -> float:
    return part / whole if whole else NAN


def _mean(values: FloatArray) -> float:
    return float(values.mean()) if len(values) else NAN


def _std(values: FloatArray) -> float:
    known = values[~np.isnan(values)]
    return float(known.std()) if len(known) else NAN
