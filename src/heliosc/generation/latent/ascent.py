"""Uphill along the property heads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from heliosc.errors import InputError
from heliosc.generation.jtvae.generator import JTVAE
from heliosc.generation.latent.path import Waypoint, distinct_waypoints
from heliosc.generation.latent.whitening import Whitening
from heliosc.properties import PropertyKey

FloatArray = NDArray[np.float64]


def ascend(
    model: JTVAE,
    smiles: Sequence[str],
    *,
    weights: Mapping[PropertyKey, float],
    n_steps: int = 20,
    step: float = 0.25,
) -> list[list[Waypoint]]:
    """Distinct molecules met on the way uphill from each molecule, the start's reconstruction first.

    The objective is the weighted sum of the standardised properties that the heads predict at the latent vector; it
    stands as ``value`` beside each molecule. What the heads promise far from the training molecules is not to be
    trusted: check the molecules with a surrogate.

    Parameters
    ----------
    weights : property -> weight; positive to raise it, negative to lower it
    n_steps, step : number of steps, and their length in units of the spread of the training molecules

    Raises
    ------
    InputError : a property that the model has no head for, no weight, or a molecule that cannot be encoded

    References
    ----------
    Jin, Barzilay, Jaakkola, ICML 2018, arXiv:1802.04364, section 3.3 (gradient ascent in latent space; here with steps
    of equal length in whitened coordinates).
    """
    directions = _weights(model, weights)
    whitening = Whitening.of(model.prior)
    x = whitening.whiten(model.encode(smiles)) if smiles else np.zeros((0, model.config.model.latent))
    points, values = [x], [_values(model, whitening.restore(x), directions)[0]]
    for _ in range(n_steps):
        gradient = _values(model, whitening.restore(points[-1]), directions)[1] @ whitening.factor
        length = np.linalg.norm(gradient, axis=1, keepdims=True)
        points.append(points[-1] + step * np.divide(gradient, length, out=np.zeros_like(gradient), where=length > 0))
        values.append(_values(model, whitening.restore(points[-1]), directions)[0])
    decoded = np.array(model.decode(whitening.restore(np.concatenate(points))), dtype=object)
    by_start = decoded.reshape(n_steps + 1, len(smiles)).T
    positions = (step * np.arange(n_steps + 1)).tolist()
    return [
        distinct_waypoints(row.tolist(), positions, column.tolist())
        for row, column in zip(by_start, np.stack(values, axis=1), strict=True)
    ]


def _weights(model: JTVAE, weights: Mapping[PropertyKey, float]) -> FloatArray:
    """(n_properties,)"""
    unknown = [key for key in weights if key not in model.keys]
    if unknown or not any(weights.values()):
        known = ", ".join(map(str, model.keys)) or "no property"
        what = f"property {unknown[0]}" if unknown else "no weight but zero"
        raise InputError(f"gradient ascent on {what}; expected weights of some of what the model predicts: {known}")
    return np.array([weights.get(key, 0.0) for key in model.keys])


def _values(model: JTVAE, z: FloatArray, directions: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Objective (n,) and its gradient with respect to z, (n, latent)."""
    device = next(model.network.parameters()).device
    rows = torch.from_numpy(z).float().to(device).requires_grad_()
    objective = model.network.predict(rows) @ torch.from_numpy(directions).float().to(device)
    (gradient,) = torch.autograd.grad(objective.sum(), rows)
    return objective.detach().double().cpu().numpy(), gradient.double().cpu().numpy()
