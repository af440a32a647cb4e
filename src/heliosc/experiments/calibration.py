"""What measured values teach about the step from a calculation to the laboratory.

For each pair of a measured and a computed property the step ``measured - computed`` starts from the shipped map
(``heliosc.properties.scales``), with the weight of ``PRIOR_MOLECULES`` molecules, and moves with every molecule
measured::

    offset   = (n0 m0 + sum d_i) / (n0 + n)
    std^2    = (n0 s0^2 + n0 (m0 - offset)^2 + sum (d_i - offset)^2) / (n0 + n)

d_i is the mean of a molecule's replicates less its computed value, so a molecule measured ten times counts once. Levels
of theory are never pooled. Where no map is shipped n0 is 0, and ``MIN_WITHOUT_MAP`` molecules are needed.

References
----------
Gelman et al., Bayesian Data Analysis, 3rd ed. 2013, sec. 3.3 (normal model with conjugate prior; posterior means).
"""

from __future__ import annotations

import json
import math
import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from heliosc.errors import InputError, ParseError
from heliosc.experiments.outcomes import MeasuredValue
from heliosc.files import write_atomically
from heliosc.properties import PropertyKey, level_of_theory
from heliosc.properties.scales import SCALES, scale_shift, scaled_quantity

PRIOR_MOLECULES = 5
MIN_WITHOUT_MAP = 3
CALIBRATION_FILE = "calibration.json"
_COMPUTED_NAME = {"optical_gap": ("singlet_excitation_energy",)}
"""Measured property -> computed ones that it is compared with; any other is compared with itself."""


@dataclass(frozen=True, slots=True)
class LaboratoryStep:
    """From a computed property to a measured one.

    Attributes
    ----------
    offset : added to the computed value, in the unit of both
    std : error of one molecule's expected value
    prior_offset, prior_std : of the shipped map; None where there is none
    n : molecules measured
    """

    measured: PropertyKey
    computed: PropertyKey
    offset: float
    std: float
    n: int
    prior_offset: float | None = None
    prior_std: float | None = None

    def expected(self, computed: float) -> tuple[float, float]:
        """What the laboratory should find, with its standard error."""
        return computed + self.offset, self.std


def computed_names(measured: PropertyKey) -> tuple[str, ...]:
    """Computed properties that a measured one is compared with."""
    return _COMPUTED_NAME.get(measured.name, (measured.name,))


def fit_steps(
    measured: Iterable[MeasuredValue], computed: Mapping[str, Mapping[str, float]]
) -> tuple[LaboratoryStep, ...]:
    """One step for each pair of properties that has molecules, those without data left out.

    Parameters
    ----------
    computed : canonical SMILES -> ``name@level`` -> computed value

    Raises
    ------
    InputError : a key of ``computed`` is not of the vocabulary
    """
    return tuple(
        step
        for (key, base), differences in sorted(_differences(measured, computed).items())
        if (step := _step(key, base, differences)) is not None
    )


def write_steps(folder: Path, steps: Iterable[LaboratoryStep]) -> Path:
    """Write ``calibration.json``, for the next campaign and for people.

    Raises
    ------
    ResourceError : the folder cannot be written
    """
    rows = [{**asdict(step), "measured": str(step.measured), "computed": str(step.computed)} for step in steps]
    path = folder / CALIBRATION_FILE
    write_atomically(path, json.dumps(rows, indent=1, sort_keys=True) + "\n")
    return path


def read_steps(folder: Path) -> tuple[LaboratoryStep, ...]:
    """The steps of a folder; none where nothing has been imported.

    Raises
    ------
    ParseError : the file is damaged
    """
    path = folder / CALIBRATION_FILE
    if not path.exists():
        return ()
    try:
        rows: list[dict[str, Any]] = json.loads(path.read_text())
        keys = [{name: PropertyKey.parse(row[name]) for name in ("measured", "computed")} for row in rows]
        return tuple(LaboratoryStep(**{**row, **parsed}) for row, parsed in zip(rows, keys, strict=True))
    except (ValueError, KeyError, TypeError, InputError) as error:
        raise ParseError(f"{path} is damaged ({error!r:.100}); the next import writes it again") from error


def _differences(
    measured: Iterable[MeasuredValue], computed: Mapping[str, Mapping[str, float]]
) -> dict[tuple[PropertyKey, PropertyKey], list[float]]:
    """Pair of properties -> measured less computed, once for each molecule."""
    by_molecule: dict[tuple[PropertyKey, PropertyKey, str], list[tuple[float, int]]] = defaultdict(list)
    for value in measured:
        for text, number in computed.get(value.smiles, {}).items():
            base = PropertyKey.parse(text)
            if base.name in computed_names(value.key) and level_of_theory(base.level).tier in ("xtb", "dft"):
                by_molecule[(value.key, base, value.smiles)].append((value.value - number, value.n))
    pairs: dict[tuple[PropertyKey, PropertyKey], list[float]] = defaultdict(list)
    for (key, base, _), found in sorted(by_molecule.items()):
        n = sum(weight for _, weight in found)
        pairs[(key, base)].append(sum(difference * weight for difference, weight in found) / n)
    return pairs


def _step(key: PropertyKey, base: PropertyKey, differences: list[float]) -> LaboratoryStep | None:
    n = len(differences)
    prior = _prior(key, base)
    if prior is None:
        if n < MIN_WITHOUT_MAP:
            return None
        return LaboratoryStep(key, base, statistics.fmean(differences), statistics.stdev(differences), n)
    mean, std = prior
    total = PRIOR_MOLECULES + n
    offset = (PRIOR_MOLECULES * mean + sum(differences)) / total
    spread = PRIOR_MOLECULES * (std**2 + (mean - offset) ** 2) + sum((d - offset) ** 2 for d in differences)
    return LaboratoryStep(key, base, offset, math.sqrt(spread / total), n, mean, std)


def _prior(key: PropertyKey, base: PropertyKey) -> tuple[float, float] | None:
    quantity = scaled_quantity(key.name)
    origin, destination = level_of_theory(base.level).scale, level_of_theory(key.level).scale
    if quantity is None or not {origin, destination} <= set(SCALES):
        return None
    shift = scale_shift(quantity, origin=origin, destination=destination)
    return shift.value, shift.std
