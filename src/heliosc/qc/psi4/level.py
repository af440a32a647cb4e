"""The level of theory that a Psi4 output says it used."""

from __future__ import annotations

import hashlib
import re

_FUNCTIONAL = re.compile(r"=> (?:Composite Functional: (\S+)|(\S+) Composite Functional) <=")
_DISPERSION_SUFFIX = re.compile(r"(.+?)-(d2|d3bj|d3mbj|d3zero|d3m|d3|d4|nl)", re.IGNORECASE)
_BASIS = re.compile(r"^ *(?:Name|Blend): *(\S+)", re.MULTILINE)
_BLEND = re.compile(r"^ *Blend: *(\S+(?: \+ \S+)+) *$", re.MULTILINE)
_ORBITAL_BASIS = re.compile(r"^ *Name: (\S+)\n *Role: ORBITAL$", re.MULTILINE)
_BUILT_IN = frozenset(("wb97x-d", "b97-d", "wb97x-d3", "wb97x-d3bj", "b97-3c", "wb97m-d3bj"))
_HEAD = 200_000  # characters in which every output has named its basis
_ALIASES = {"d3": "d3zero", "d3m": "d3mzero"}


def method(text: str) -> str | None:
    """Functional without its dispersion correction, or ``hf``; lower case."""
    return _functional_and_dispersion(text)[0]


def dispersion(text: str) -> str:
    """Dispersion correction beside the functional; ``none`` without one."""
    return _functional_and_dispersion(text)[1]


def basis(text: str) -> str | None:
    """Orbital basis, lower case."""
    head = text[:_HEAD]
    start = max(head.find("==> Primary Basis <=="), 0)
    match = _BLEND.search(head, start) or _BASIS.search(head, start)
    if match is None:
        return None
    parts = match.group(1).lower().split(" + ")
    if len(parts) == 1:
        return parts[0].strip()
    checksum = hashlib.sha256("".join(sorted(bases(text))).encode()).hexdigest()[:8]
    return f"{'+'.join(part.strip() for part in parts)}.{checksum}"


def bases(text: str) -> set[str]:
    """Names of all orbital bases; one put together from several has a checksum as its name."""
    return set(_ORBITAL_BASIS.findall(text))


def solvent(text: str) -> str:
    """Model and solvent, e.g. ``pcm(water)``; ``none`` in the gas phase."""
    if "PCMSolver" not in text and "PCM Solvation" not in text:
        return "none"
    name = re.search(r"^ *Solvent name *[:.=]+ *(\S+)", text, re.MULTILINE)
    return f"pcm({name.group(1).lower()})" if name else "pcm(unnamed)"


def functionals(text: str) -> list[tuple[str, str]]:
    """Every functional named, in the spelling of recent and of old versions."""
    return _FUNCTIONAL.findall(text)


def _functional_and_dispersion(text: str) -> tuple[str | None, str]:
    named = functionals(text)
    if not named:
        is_hartree_fock = re.search(r"^ *(?:RHF|UHF|ROHF|CUHF) Reference", text, re.MULTILINE)
        return ("hf" if is_hartree_fock else None), "none"
    name = max(named[-1]).lower()
    suffix = _DISPERSION_SUFFIX.fullmatch(name)
    if suffix is None or name in _BUILT_IN:
        return name, "none"
    return suffix.group(1), _ALIASES.get(suffix.group(2), suffix.group(2))
