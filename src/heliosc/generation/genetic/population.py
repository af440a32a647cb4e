"""Members of a population: molecules, their weights and the property values known of them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from heliosc.errors import InputError
from heliosc.files import folder_written_atomically, write_atomically
from heliosc.generation.genetic.breeding import GeneticSettings
from heliosc.properties import PropertyKey

FloatArray = NDArray[np.float64]

FORMAT = 1
KIND = "genetic"
MODEL_FILE = "model.json"


@dataclass(frozen=True, slots=True)
class Population:
    """Members, heaviest first.

    Attributes
    ----------
    smiles : (n_members,) canonical constitutions
    weights : (n_members,) how often each becomes a parent; they are 1 on average when members join
    values : SMILES -> property -> value, in the unit of the key
    """

    smiles: tuple[str, ...]
    weights: FloatArray
    values: Mapping[str, Mapping[PropertyKey, float]] = field(default_factory=dict)

    def joined_by(
        self,
        smiles: Sequence[str],
        weights: FloatArray,
        values: Mapping[str, Mapping[PropertyKey, float]],
        *,
        limit: int,
    ) -> Population:
        """With more members; a molecule that is there already takes its new weight, and the lightest make room."""
        weight_of = dict(zip(self.smiles, self.weights.tolist(), strict=True))
        weight_of.update(zip(smiles, (weights / weights.mean()).tolist(), strict=True))
        kept = sorted(weight_of, key=lambda text: -weight_of[text])[:limit]
        known = {text: {**self.values.get(text, {}), **values.get(text, {})} for text in kept}
        return Population(
            tuple(kept),
            np.array([weight_of[text] for text in kept]),
            {text: of_one for text, of_one in known.items() if of_one},
        )

    def known_keys(self) -> tuple[PropertyKey, ...]:
        """Properties of which at least two different values are known."""
        found: dict[PropertyKey, set[float]] = {}
        for of_one in self.values.values():
            for key, value in of_one.items():
                found.setdefault(key, set()).add(value)
        return tuple(key for key, values in found.items() if len(values) > 1)

    def column(self, key: PropertyKey) -> FloatArray:
        """Known values of one property, (n_members,), NaN = unknown."""
        return np.array([self.values.get(text, {}).get(key, np.nan) for text in self.smiles], dtype=np.float64)


def save_population(folder: Path, population: Population, settings: GeneticSettings) -> None:
    """Write the model folder, complete or not at all.

    Raises
    ------
    ResourceError : the folder cannot be written
    """
    members = [
        {"smiles": text, "weight": weight, "values": {str(k): v for k, v in population.values.get(text, {}).items()}}
        for text, weight in zip(population.smiles, population.weights.tolist(), strict=True)
    ]
    document = {"format": FORMAT, "kind": KIND, "settings": asdict(settings), "members": members}
    with folder_written_atomically(folder) as scratch:
        write_atomically(scratch / MODEL_FILE, json.dumps(document, indent=1))


def load_population(folder: Path) -> tuple[Population, GeneticSettings]:
    """Read a model folder.

    Raises
    ------
    InputError : missing, damaged or of another kind
    """
    file = folder / MODEL_FILE
    try:
        document = json.loads(file.read_text())
        if document["format"] != FORMAT or document["kind"] != KIND:
            raise InputError(f"{file} holds {document['kind']!r}, format {document['format']!r}; expected {KIND!r}, 1")
        settings = document["settings"]
        members = document["members"]
        population = Population(
            tuple(str(member["smiles"]) for member in members),
            np.array([float(member["weight"]) for member in members]),
            {m["smiles"]: {PropertyKey.parse(k): float(v) for k, v in m["values"].items()} for m in members},
        )
        return population, GeneticSettings(**{**settings, "elements": tuple(settings["elements"])})
    except OSError as error:
        raise InputError(f"no generator in {folder}: {error.strerror}; save one with GeneticGenerator.save") from error
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"{file} is damaged ({error!r}); copy it again or make the generator anew") from error
