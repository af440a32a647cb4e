"""Where a model of a campaign came from: round by round back to the model it started with, and that one's data."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Literal

from heliosc.campaign.lineage.origin import Origin, known_facts
from heliosc.campaign.model_identity import identify_model
from heliosc.campaign.models import SHIPPED_GENERATOR, SHIPPED_SURROGATE, generator_folder, surrogate_folder
from heliosc.campaign.provenance import read_environment
from heliosc.campaign.run_folder import RunFolder
from heliosc.errors import InputError
from heliosc.secrets import without_passwords

Part = Literal["surrogate", "generator"]


def model_used_in(run: RunFolder, index: int, part: Part) -> Origin:
    """The model that a round worked with, and its ancestors."""
    if index == 0:
        return _model_at_the_start(run, part)
    folder = run.round(index - 1) / part
    earlier = model_used_in(run, index - 1, part)
    learnt = Origin(
        "data set",
        f"values computed in rounds 1 to {index} of {run.id}",
        known_facts(store=without_passwords(str(run.store_location()))),
    )
    return _described(folder, (earlier, learnt))


def _model_at_the_start(run: RunFolder, part: Part) -> Origin:
    config = run.read_config()
    if part == "surrogate":
        folder, data, shipped = surrogate_folder(config.surrogate.weights), config.surrogate.data, SHIPPED_SURROGATE
    else:
        folder, data, shipped = generator_folder(config.generator.weights), config.generator.data, SHIPPED_GENERATOR
    is_shipped = folder == shipped
    named = "embedded library" if is_shipped or data is None else str(data)
    model = _as_it_was(run, part, folder)
    facts = known_facts(data_hash=model.facts.get("data_hash"), molecules=model.facts.get("n_train"))
    return Origin(model.what, model.title, model.facts, (Origin("data set", named, facts),))


def _as_it_was(run: RunFolder, part: Part, folder: Path) -> Origin:
    """The model of the first round, which the run has written down: its folder may hold another one by now."""
    now, then = _described(folder, ()), read_environment(run.path).get("models", {}).get(part, {})
    if not then or then.get("model_id") == now.facts.get("model_id"):
        return now
    note = f"{folder} holds another model by now" if "model_id" in now.facts else f"{folder} is not readable any more"
    return Origin("model", f"{folder.name} {then['model_id']}", known_facts(**then, note=note))


def _described(folder: Path, comes_from: tuple[Origin, ...]) -> Origin:
    try:
        identity = identify_model(folder)
    except InputError as error:
        return Origin("model", f"{folder} (not readable any more)", {"reason": str(error)}, comes_from)
    facts = known_facts(**asdict(identity))
    return Origin("model", f"{folder.name} {identity.model_id}", facts, comes_from)
