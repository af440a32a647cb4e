"""What ``heliosc generate`` does, by where the molecules come from: the prior, a core, neighbours, the way between."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from heliosc.campaign.models import load_generator
from heliosc.cli.errors import messages
from heliosc.errors import InputError, UsageError
from heliosc.properties import PropertyKey

MAX_STEREOISOMERS = 32
_EXAMPLES = "lambda_hole@gfn2=0.1, lambda_hole@gfn2=0.05..0.12 or lambda_hole@gfn2=..0.12"


@dataclass(frozen=True)
class Wishes:
    """Property values asked for."""

    values: dict[PropertyKey, float] = field(default_factory=dict)
    windows: dict[PropertyKey, tuple[float, float]] = field(default_factory=dict)

    @classmethod
    def of(cls, texts: list[str]) -> Wishes:
        """Read ``NAME@LEVEL=VALUE`` and ``NAME@LEVEL=LOW..HIGH``, where either limit may be left out.

        Raises
        ------
        UsageError : text of another form, a property named twice, or an empty window
        """
        wishes = cls()
        for text in texts:
            key, low, high = _parse_condition(text)
            if key in wishes.values or key in wishes.windows:
                raise UsageError(f"{key} is asked for twice; give it once")
            if low == high:
                wishes.values[key] = low
            elif low < high:
                wishes.windows[key] = (low, high)
            else:
                raise UsageError(f"condition {text!r}: nothing lies between {low:g} and {high:g}")
        return wishes


@dataclass(frozen=True)
class GenerationRequest:
    """Everything asked of ``heliosc generate``."""

    n: int
    wishes: Wishes
    seed: int
    temperature: float | None
    attachment_temperature: float | None
    top_k: int
    beam: int
    per_latent: int
    core: str | None
    near: list[str]
    radius: float | None
    between: tuple[str, str] | None
    weights: Path | None
    device: str

    @property
    def is_plain(self) -> bool:
        return self.core is None and not self.near and self.between is None


def check_request(request: GenerationRequest) -> None:
    """Refuse options that contradict each other, before a model is loaded.

    Raises
    ------
    UsageError : which options, and what they go with
    """
    ways = [("--core", request.core is not None), ("--near", bool(request.near)), ("--between", request.between)]
    chosen = [name for name, is_given in ways if is_given]
    if len(chosen) > 1:
        raise UsageError(f"{' and '.join(chosen)} exclude each other; give one of them")
    way = chosen[0] if chosen else "sampling of the prior"
    refused = {
        "--radius": request.radius is not None and way != "--near",
        "--top-k": bool(request.top_k) and way in ("--near", "--between"),
        "--attachment-temperature": request.attachment_temperature is not None and way in ("--near", "--between"),
        "--beam": request.beam > 1 and way in ("--core", "--between"),
        "--per-latent": request.per_latent > 1 and not request.is_plain,
        "--temperature": request.temperature is not None and way == "--between",
        "--condition": bool(request.wishes.values or request.wishes.windows) and way == "--between",
        "a window in --condition": bool(request.wishes.windows) and way == "--near",
    }
    for option, is_refused in refused.items():
        if is_refused:
            raise UsageError(f"{option} has no meaning with {way}; leave it out")


def generated(request: GenerationRequest) -> list[dict[str, Any]]:
    """Rows of molecules; ``position`` on the way stands beside those of an interpolation."""
    check_request(request)
    model = load_generator(request.weights, device=request.device)
    ways: list[tuple[bool, Callable[..., list[dict[str, Any]]]]] = [
        (request.core is not None, _on_core),
        (bool(request.near), _near),
        (request.between is not None, _between),
    ]
    way = next((function for is_given, function in ways if is_given), _from_prior)
    rows = way(model, request)
    wishes = request.wishes
    for sentence in model.scale.far_off({**{key: (v, v) for key, v in wishes.values.items()}, **wishes.windows}):
        messages.print(f"Warning: {sentence}", markup=False, soft_wrap=True)
    return rows


def with_stereoisomers(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each molecule followed by its stereoisomers, reported apart: ``constitution`` names the molecule they are of."""
    from heliosc.generation.stereo import stereoisomers

    found: list[dict[str, Any]] = []
    for row in rows:
        isomers = stereoisomers(row["smiles"], limit=MAX_STEREOISOMERS)
        found += [
            {**row, "smiles": text, "constitution": row["smiles"], "n_isomers": isomers.n_possible}
            for text in isomers.smiles
        ]
    return found


def _from_prior(model: Any, request: GenerationRequest) -> list[dict[str, Any]]:
    smiles = model.generate(
        request.n,
        seed=request.seed,
        conditions=request.wishes.values,
        windows=request.wishes.windows,
        n_per_latent=request.per_latent,
        beam_width=request.beam,
        **_freedom(request),
    )
    return [{"smiles": text} for text in smiles]


def _on_core(model: Any, request: GenerationRequest) -> list[dict[str, Any]]:
    from heliosc.generation.jtvae.cores import grow_core

    grown = grow_core(
        model,
        request.core or "",
        request.n,
        seed=request.seed,
        conditions=request.wishes.values,
        windows=request.wishes.windows,
        **_freedom(request),
    )
    return [{"smiles": text} for text in grown.smiles]


def _near(model: Any, request: GenerationRequest) -> list[dict[str, Any]]:
    more = {} if request.radius is None else {"radius": request.radius}
    smiles = model.neighbours(
        request.near,
        request.n,
        seed=request.seed,
        conditions=request.wishes.values,
        temperature=request.temperature or 0.0,
        beam_width=request.beam,
        **more,
    )
    return [{"smiles": text} for text in smiles]


def _between(model: Any, request: GenerationRequest) -> list[dict[str, Any]]:
    from heliosc.generation.latent import interpolate

    first, second = request.between or ("", "")
    way = interpolate(model, first, second, n_steps=request.n)
    return [{"smiles": point.smiles, "position": point.position} for point in way]


def _freedom(request: GenerationRequest) -> dict[str, Any]:
    """Of choices from the prior: free unless told otherwise, or searched by a beam."""
    usual = 1.0 if request.beam == 1 else 0.0
    return {
        "temperature": usual if request.temperature is None else request.temperature,
        "attachment_temperature": request.attachment_temperature,
        "top_k": request.top_k,
    }


def _parse_condition(text: str) -> tuple[PropertyKey, float, float]:
    """Key, lower and upper limit; they are equal where one value is asked for."""
    name, _, value = text.rpartition("=")
    low, dots, high = value.partition("..")
    try:
        limits = (_number(low, -math.inf), _number(high, math.inf)) if dots else (float(value), float(value))
        if any(map(math.isnan, limits)) or all(map(math.isinf, limits)):
            raise ValueError(value)
        return PropertyKey.parse(name), *limits
    except ValueError as error:
        raise InputError(f"condition {text!r}: expected NAME@LEVEL=NUMBER or LOW..HIGH, e.g. {_EXAMPLES}") from error


def _number(text: str, otherwise: float) -> float:
    return float(text) if text else otherwise
