"""Members of an ensemble as chemprop model files, for ``chemprop predict`` and ``chemprop.models.load_model``.

Each file predicts in the units of the keys. A model with descriptors needs them from outside: ``descriptor_table``
gives what ``chemprop predict --descriptors-path`` expects. The calibration stays behind: chemprop has no place for it.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from heliosc.files import ensure_folder, write_atomically
from heliosc.surrogates.ensemble import SurrogateEnsemble
from heliosc.surrogates.mpnn.graphs import build_graphs, parse_rows
from heliosc.surrogates.mpnn.network import Network, to_chemprop
from heliosc.surrogates.scaling import FloatArray, Scaling


def export_chemprop(ensemble: SurrogateEnsemble, folder: Path) -> list[Path]:
    """Write ``member_0.pt``, ``member_1.pt``, ... and return them.

    Raises
    ------
    ResourceError : the folder cannot be written
    """
    from chemprop.models import save_model  # takes seconds to import, so only when asked for

    ensure_folder(folder)
    files = []
    for member, network in enumerate(ensemble.networks):
        stream = io.BytesIO()
        save_model(stream, _in_units(network, ensemble.scaling), [str(key) for key in ensemble.keys])
        files.append(folder / f"member_{member}.pt")
        write_atomically(files[-1], stream.getvalue())
    return files


def descriptor_table(ensemble: SurrogateEnsemble, smiles: Sequence[str]) -> FloatArray:
    """Descriptors (chemprop's ``x_d``) of molecules for the exported files, (n_molecules, n_descriptors).

    In their own units, but cut off where the ensemble cuts them off, so that chemprop sees the same numbers.

    Raises
    ------
    InputError : a molecule cannot be read; the message names its row
    """
    scaling = ensemble.scaling
    scaled = scaling.descriptors(build_graphs(parse_rows(smiles)).descriptors)
    return scaled.astype(np.float64) * scaling.descriptor_std + scaling.descriptor_mean


def _in_units(network: Network, scaling: Scaling) -> Any:
    """chemprop's own model that takes raw descriptors and answers in the units of the keys."""
    from chemprop.nn import NormAggregation, SumAggregation
    from chemprop.nn.transforms import ScaleTransform, UnscaleTransform

    twin = to_chemprop(network)
    config = network.config
    if config.aggregation != "mean":
        is_norm = config.aggregation == "norm"
        twin.agg = NormAggregation(norm=config.aggregation_norm) if is_norm else SumAggregation()
        twin.hparams["agg"] = twin.agg.hparams
    unscale = UnscaleTransform(scaling.target_mean, scaling.target_std)
    twin.predictor.output_transform = twin.hparams["predictor"]["output_transform"] = unscale
    if network.n_descriptors:
        scale = ScaleTransform(scaling.descriptor_mean, scaling.descriptor_std)
        twin.X_d_transform = twin.hparams["X_d_transform"] = scale
    return twin.cpu().eval()
