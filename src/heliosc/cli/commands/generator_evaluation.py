"""Figures of a generator: ``heliosc train generator --evaluate``, and the tables printed after a training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from heliosc.campaign.models import generator_folder
from heliosc.campaign.training import generator_data
from heliosc.cli.errors import messages
from heliosc.cli.output import print_json, print_table
from heliosc.config import Config

N_SAMPLED_RECONSTRUCTIONS = 50
"""Held-out molecules for the protocol of 10 encodings x 10 decodings: 5,000 decodings."""

_BESIDE_TRAINING = ("internal_diversity", "sa_score", "alert_rate", "warning_rate")


def evaluate_generator_from(config: Config, *, folder: Path | None, n_samples: int, as_json: bool) -> None:
    """Evaluate a saved generator on the data it was trained on, of which it was not shown the held-out share.

    Parameters
    ----------
    folder : none = ``generator.weights``, or the shipped one
    """
    from heliosc.generation.evaluation.held_out import split_held_out  # these load torch and RDKit
    from heliosc.generation.evaluation.report import evaluate
    from heliosc.generation.jtvae import JTVAE
    from heliosc.generation.loading import load_any

    chosen = generator_folder(folder or config.generator.weights)
    model = load_any(chosen, device=config.generator.compute.device)
    data = generator_data(config.generator.data)
    share = model.config.training.held_out if isinstance(model, JTVAE) else 0.0
    training, held_out = split_held_out(data.smiles, share)
    messages.print(
        f"{chosen}: {len(held_out)} held-out and {len(training)} training molecules, {n_samples} samples",
        markup=False,
        soft_wrap=True,
    )
    if isinstance(model, JTVAE) and model.n_refreshes:
        messages.print(
            f"Warning: it was refreshed {model.n_refreshes} times since its training, perhaps on held-out molecules: "
            "their figures may be too good",
            soft_wrap=True,
        )
    found = evaluate(
        model,
        held_out,
        training=training,
        properties=data.table,
        n_samples=n_samples,
        n_sampled_reconstructions=N_SAMPLED_RECONSTRUCTIONS,
        seed=config.seed,
    ).to_document()
    if as_json:
        print_json(found)
    else:
        print_generator_tables(found)


def print_generator_tables(metrics: dict[str, Any]) -> None:
    """Held-out and sampling figures, samples beside training molecules, then the property heads; a dash is missing."""
    beside = [name for name in _BESIDE_TRAINING if name in metrics]
    hidden = {*beside, *(f"{name}_training" for name in beside)}
    plain = {
        name: value
        for name, value in metrics.items()
        if name not in hidden and not isinstance(value, (dict, list, str))
    }
    rows = [{"figure": _words(name), "value": value} for name, value in plain.items()]
    print_table(rows, title="Generator, held-out molecules and samples", as_json=False)
    pairs = [{"figure": _words(n), "samples": metrics[n], "training": metrics[f"{n}_training"]} for n in beside]
    print_table(pairs, title="Samples beside training molecules", as_json=False)
    distances = [
        {"property": name, "Wasserstein distance": row["distance"], "std of training molecules": row["training_std"]}
        for name, row in metrics.get("property_distances", {}).items()
    ]
    print_table(distances, title="Properties of samples and of training molecules", as_json=False)
    heads = [{"property": name, "MAE of the head": mae} for name, mae in metrics["property_mae"].items()]
    print_table(heads, title="Property heads, held-out molecules", as_json=False)


def _words(name: str) -> str:
    return name.replace("_", " ")
