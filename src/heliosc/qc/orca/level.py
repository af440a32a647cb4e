"""The level of theory that an ORCA output says it used."""

from __future__ import annotations

import hashlib
import re

_FUNCTIONAL_WORDS = """
    lda lsd hfs vwn vwn5 vwn3 pwlda bp86 bp blyp olyp glyp xlyp pw91 mpwpw mpwlyp pbe rpbe revpbe pwp tpss revtpss scan
    rscan r2scan m06l m06-l b97m-v b97m-d3bj b97m-d4 b97-d b97-d3 b97-d4 b97-3c r2scan-3c pbeh-3c b3lyp-3c wb97x-3c
    hf-3c b1lyp b1p g1lyp g3lyp b3p b3lyp b3lyp/g o3lyp x3lyp b3pw pw1pw mpw1pw mpw1lyp pbe0 revpbe0 revpbe38 bhandhlyp
    m06 m062x m06-2x tpssh tpss0 r2scanh r2scan0 r2scan50 pw6b95 scanfunc wb97 wb97x wb97x-d3 wb97x-d3bj wb97x-d4
    wb97x-d4rev wb97x-v wb97m-v wb97m-d3bj wb97m-d4 wb97m-d4rev cam-b3lyp lc-blyp lc-pbe wr2scan
    b2plyp mpw2plyp b2gp-plyp b2k-plyp b2t-plyp pwpb95 dsd-blyp dsd-pbep86 wb2plyp wb2gp-plyp wb97x-2
"""
FUNCTIONALS = frozenset(_FUNCTIONAL_WORDS.split())
"""Words of a simple input line that name a functional; ``b3lyp/g`` is Gaussian's B3LYP."""

_DOUBLE_HYBRID_WORDS = """
    b2plyp mpw2plyp b2gp-plyp b2k-plyp b2t-plyp pwpb95 dsd-blyp dsd-pbep86 wb2plyp wb2gp-plyp wb97x-2
"""
DOUBLE_HYBRIDS = frozenset(_DOUBLE_HYBRID_WORDS.split())
"""Functionals whose energy holds an MP2 part."""

_DISPERSIONS = {"d2": "d2", "d3zero": "d3zero", "d3": "d3bj", "d3bj": "d3bj", "d4": "d4", "nl": "nl", "scnl": "scnl"}
_HAMILTONIANS = frozenset(("hf", "dft", "zora", "iora", "dkh", "dkh1", "dkh2", "x2c", "dlu-x2c", "dlu-dkh"))
_LONGEST_INPUT = 200_000  # characters
_ECHO = re.compile(r"^\| *\d+>(.*)$", re.MULTILINE)
_WAVEFUNCTION = re.compile(
    r"(?:(?:ri|dlpno|lpno|f12|scs|oo|ri-scs|dlpno-scs)-)*"
    r"(?:mp2|mp3|mp4|ccsd|qcisd|cepa|ncepa|cpf|casscf|nevpt2|mrci|steom|eom|adc|cisd)\S*"
)
_BASIS = re.compile(r"Your calculation utilizes the basis:\s*(\S+)")
_NEW_FUNCTIONS = re.compile(r"\b(?:newgto|addgto|newecp)\b.*?\bend\b|\bdecontract\w*\b", re.DOTALL)
_SETTING = r"^ *{name} .*\.\.\.\. *(\S+)"


def method(text: str) -> str | None:
    """Functional or wave function method, lower case; ``None`` when the output does not say."""
    words = input_words(text)
    correlated = next((word for word in words if _WAVEFUNCTION.fullmatch(word)), None)
    functional = next((word for word in words if word in FUNCTIONALS), None) or _functional_of_block(text)
    if correlated or functional:
        return correlated or functional
    if "Hartree-Fock(GTOs)" in text or "hf" in words:
        return "hf"
    return _functional_by_parts(text)


def names_method(word: str) -> bool:
    """Whether a lower-case word of a simple input line sets functional, wave function, dispersion or Hamiltonian."""
    return (
        word in FUNCTIONALS
        or word in _DISPERSIONS
        or word in _HAMILTONIANS
        or word.startswith("gcp(")
        or _WAVEFUNCTION.fullmatch(word) is not None
    )


def basis(text: str) -> str | None:
    """Orbital basis, lower case; with a checksum of what the input changed of it."""
    match = _BASIS.search(text)
    if match is None:
        return None
    changes = _basis_changes(text)
    name = match.group(1).lower().rstrip(",;")
    return f"{name}.{hashlib.sha256(changes.encode()).hexdigest()[:8]}" if changes else name


def dispersion(text: str) -> str:
    """Dispersion correction beside the functional; ``none`` without one."""
    return next((_DISPERSIONS[word] for word in input_words(text) if word in _DISPERSIONS), "none")


def solvent(text: str) -> str:
    """Model and solvent, e.g. ``smd(toluene)``; ``none`` in the gas phase."""
    if "CPCM SOLVATION MODEL" not in text and "CPCM parameters" not in text:
        return "none"
    name = re.search(r"^Solvent: *\.\.\. *(\S+)", text, re.MULTILINE)
    epsilon = re.search(r"^ *Epsilon *\.\.\. *(\S+)", text, re.MULTILINE)
    asked = re.search(r"(?:^| )(?:cpcmc?|smd)\(([^)\s]+)\)", " ".join(input_words(text)))
    model = "smd" if "SMD solvation module" in text or "SMD-CDS" in text else "cpcm"
    if model == "cpcm" and re.search(r"^ *Epsilon function type +\.\.\. +COSMO", text, re.MULTILINE):
        model = "cosmo"
    named = name or asked
    if named:
        return f"{model}({named.group(1).lower()})"
    return f"{model}(eps-{epsilon.group(1)})" if epsilon else f"{model}(unnamed)"


def input_words(text: str) -> list[str]:
    """Words of the simple input lines (``! ...``) that the output repeats, lower case."""
    lines = (line.strip() for line in echo(text))
    return [word for line in lines if line.startswith("!") for word in line[1:].split("#")[0].lower().split()]


def _basis_changes(text: str) -> str:
    """Basis functions given in the input, for elements or single atoms: ``NewGTO ... end``."""
    lines = "\n".join(line.split("#")[0].strip().lower() for line in echo(text))
    return " ".join(" ".join(_NEW_FUNCTIONS.findall(lines)).split())


def echo(text: str) -> list[str]:
    """Lines of the input file that the output repeats."""
    start = max(text.find("INPUT FILE"), 0)
    end = text.find("****END OF INPUT****", start)
    return _ECHO.findall(text[start : end if end >= 0 else start + _LONGEST_INPUT])


def _functional_of_block(text: str) -> str | None:
    """From ``%method functional ... end``."""
    match = re.search(r"\bfunctional\s+(\S+)", "\n".join(echo(text)).lower())
    return match.group(1) if match else None


def _functional_by_parts(text: str) -> str | None:
    """Exchange, correlation and share of exact exchange, for a functional that the input does not name."""
    parts = [re.search(_SETTING.format(name=name), text, re.MULTILINE) for name in ("Exchange Functional",
             "Correlation Functional", "Fraction HF Exchange")]  # fmt: skip
    exchange, correlation, exact = (part.group(1).lower() if part else None for part in parts)
    if exchange is None or correlation is None:
        return None
    return f"{exchange}-{correlation}" + (f"-hf{float(exact):.2f}" if exact and _is_number(exact) else "")


def _is_number(text: str) -> bool:
    return re.fullmatch(r"\d{1,3}\.\d{1,12}", text) is not None
