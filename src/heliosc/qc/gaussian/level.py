"""The level of theory that a Gaussian log says it used."""

from __future__ import annotations

import re

_LINE_WIDTH = 70  # the route is cut there, in the middle of words
_ROUTE = re.compile(r"^ -{5,}\n( #.*\n(?: .*\n)*?) -{5,}\n", re.MULTILINE)
_METHOD = re.compile(r"SCF Done: +E\((?:RO|R|U)?([^)\n]{1,40})\)")
_BASIS = re.compile(r"^ (?:Standard basis: (.+?) \(\d|General basis (read))", re.MULTILINE)
_CARTESIAN = re.compile(r"(?:3-21|4-31|6-21|6-31)(?!1)|d95|cep|shc|lanl")
_SIZE = re.compile(r"^ +(\d+) basis functions, +(\d+) primitive gaussians", re.MULTILINE)
_DISPERSIONS = {"gd2": "d2", "gd3": "d3zero", "gd3bj": "d3bj", "pfd": "pfd"}
_SOLVENT = re.compile(r"\n Solvent +: ([^,\n]+), *Eps")


def route(text: str) -> str:
    """The route section on one line; empty when the log does not show it."""
    match = _ROUTE.search(text)
    if match is None:
        return ""
    lines = [line[1:] for line in match.group(1).splitlines()]
    return "".join([*(line.ljust(_LINE_WIDTH) for line in lines[:-1]), lines[-1]]).strip()


def method(text: str) -> str | None:
    """Functional or ``hf``, lower case, without the prefix for its spin treatment."""
    match = _METHOD.search(text)
    return match.group(1).lower() if match else None


def basis(text: str) -> str | None:
    """Basis, lower case; one that was read from the input is ``gen`` with its numbers of functions.

    Not every log repeats such a basis. The numbers keep sets of one molecule together and unlike bases apart.
    """
    match = _BASIS.search(text)
    if match is None:
        return None
    if match.group(1):
        return _named_basis(match.group(1).lower().replace(" ", ""), text[match.end(1) : match.end(1) + 4])
    size = _SIZE.search(text, match.end())
    return f"gen.{size.group(1)}.{size.group(2)}" if size else None


def _named_basis(name: str, functions: str) -> str:
    """The name, with the kind of its d functions where it is not the basis's own: `` (5D`` or `` (6D``."""
    usual = "6d" if _CARTESIAN.match(name) else "5d"
    used = functions[2:].lower()
    return name if used in (usual, "") or name.startswith(("sto-", "vsto")) else f"{name}.{used}"


def dispersion(text: str) -> str:
    """Empirical dispersion asked for beside the functional; ``none`` without one."""
    match = re.search(r"empiricaldispersion=\(?(\w+)", route(text).lower())
    return _DISPERSIONS.get(match.group(1), match.group(1)) if match else "none"


def solvent(text: str) -> str:
    """Model and solvent, e.g. ``smd(water)``; ``none`` in the gas phase."""
    name = _SOLVENT.search(text)
    if "Polarizable Continuum Model" not in text:
        return "none"
    model = "smd" if "SMD-CDS" in text else "cpcm" if "Model                : C-PCM" in text else "pcm"
    return f"{model}({name.group(1).strip().lower()})" if name else f"{model}(unnamed)"
