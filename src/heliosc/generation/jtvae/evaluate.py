"""How good a trained JT-VAE is, on molecules that it has not seen and on molecules that it makes up."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from heliosc.chemistry.identity import parse_smiles, skeleton_key
from heliosc.errors import InputError

if TYPE_CHECKING:
    from heliosc.generation.jtvae.generator import JTVAE
    from heliosc.properties import PropertyTable


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Shares are between 0 and 1; NaN where there was nothing to measure.

    Attributes
    ----------
    n_held_out : molecules never shown in training
    n_unknown_words : of these, molecules with a cluster outside the vocabulary (they count as not reconstructed)
    reconstruction : held-out molecules whose constitution comes back exactly from the posterior mean, likeliest choices
    reconstruction_known_words : the same among molecules inside the vocabulary
    n_samples : molecules drawn from the aggregate-posterior prior
    validity : share that RDKit sanitises and reads back
    uniqueness : distinct among the valid
    novelty : distinct valid ones that are in neither the training nor the held-out molecules
    saturated : share in which an aromatic atom found no double-bond partner and took a hydrogen
    property_mae : ``name@level`` -> mean absolute error of the property head on held-out molecules, unit of the key
    """

    n_held_out: int
    n_unknown_words: int
    reconstruction: float
    reconstruction_known_words: float
    n_samples: int
    validity: float
    uniqueness: float
    novelty: float
    saturated: float
    property_mae: dict[str, float]

    def to_document(self) -> dict[str, Any]:
        """JSON-ready form; NaN becomes null."""
        plain = asdict(self)
        return {k: None if isinstance(v, float) and np.isnan(v) else v for k, v in plain.items()}


def split_held_out(smiles: Sequence[str], share: float) -> tuple[list[str], list[str]]:
    """Training and held-out molecules; stereoisomers always fall on the same side.

    The side depends on a hash of the InChIKey skeleton alone, so it is the same in every run and after the list has
    grown. Input that cannot be parsed or has no InChIKey stays in training, where it is counted as refused or kept.
    """
    training: list[str] = []
    held_out: list[str] = []
    for text in smiles:
        (held_out if share > 0 and _is_held_out(text, share) else training).append(text)
    return training, held_out


def _is_held_out(text: str, share: float) -> bool:
    try:
        key = skeleton_key(parse_smiles(text))
    except InputError:
        return False
    return int(hashlib.sha256(key.encode()).hexdigest()[:8], 16) / 16**8 < share


def evaluate(
    model: JTVAE,
    held_out: Sequence[str],
    *,
    training: Sequence[str],
    properties: PropertyTable | None,
    n_samples: int,
    seed: int,
) -> Evaluation:
    """Measure a model."""
    known = [text for text, covered in zip(held_out, model.covers(held_out), strict=True) if covered]
    back = model.reconstruct(known)
    truth = model.constitutions([*known, *training])
    n_exact = sum(a == b for a, b in zip(back, truth, strict=False))
    samples = model.sample(n_samples, seed=seed)
    valid = [sample.smiles for sample in samples if sample.smiles is not None]
    distinct = set(valid)
    return Evaluation(
        n_held_out=len(held_out),
        n_unknown_words=len(held_out) - len(known),
        reconstruction=_share(n_exact, len(held_out)),
        reconstruction_known_words=_share(n_exact, len(known)),
        n_samples=n_samples,
        validity=_share(len(valid), n_samples),
        uniqueness=_share(len(distinct), len(valid)),
        novelty=_share(len(distinct - set(truth)), len(distinct)),
        saturated=_share(sum(sample.is_saturated for sample in samples), n_samples),
        property_mae=_property_errors(model, known, properties),
    )


def _share(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")


def _property_errors(model: JTVAE, smiles: Sequence[str], properties: PropertyTable | None) -> dict[str, float]:
    if properties is None or not smiles or not model.scale.keys:
        return {}
    truth = model.scale.restore(model.scale.targets(model.constitutions(smiles), properties))
    errors = np.abs(model.predict_properties(smiles) - truth)
    return {
        str(key): float(np.nanmean(errors[:, i]))
        for i, key in enumerate(model.scale.keys)
        if not np.isnan(errors[:, i]).all()
    }
