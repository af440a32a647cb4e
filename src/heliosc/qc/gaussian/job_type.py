"""What kind of job a Gaussian log is of, beyond its energy: searches, scans, paths, fragments, changed functionals."""

from __future__ import annotations

import hashlib
import re

from heliosc.errors import ParseError
from heliosc.qc.gaussian.level import route

_OPTIMIZES = re.compile(r"\bp?opt\b")
_OPTIONS = re.compile(r"\bp?opt\s*(?:=\s*\(|\()([^()]*)\)|\bp?opt\s*=\s*([\w-]+)")
_SADDLE_POINT = re.compile(r"ts|qst[23]|saddle(?:=\d+)?")
_FROZEN = re.compile(
    r"^ ! +\S+ +\S+ +\S+ +[Ff]rozen\b|^ [A-Z][a-z]?(?:\([^)\n]*\))? +-1(?: +-?\d+\.\d*){3}", re.MULTILINE
)
_SCANNED = re.compile(r"^ ! +\S+ +\S+ +\S+ +Scan\b", re.MULTILINE)
_OTHER_JOBS = {
    r"\bscan\b": "a rigid scan",
    r"\birc(?:max)?\b": "a reaction path (IRC)",
    r"\b(?:bomd|admp)\b": "molecular dynamics",
    r"\b(?:casscf|cas|rasscf)\s*\(": "a multi-configuration method",
    r"\bcounterpoise\b": "fragments with ghost atoms (counterpoise)",
    r"\bfield=": "an external electric field",
    r"(?:^|\s)charge(?=[\s=(]|$)": "point charges",
    r"\bexternalit\w*": "a state-specific solvent",
    r"\bexternal\b": "energies of another program (External), whose own output can be parsed",
    r"\b(?:conical|avoided)\b": "a crossing of two states",
    r"\b(?:numer\w*|enonly|anharm\w*)\b": "energies of displaced geometries (numerical or anharmonic frequencies)",
}
_FUNCTIONAL_IOPS = frozenset(("74", "75", "76", "77", "78", "107", "108", "119", "130", "131"))
_IOP = re.compile(r"\b3/(\d{1,4})=(-?\d{1,12})")


def refuse_other_jobs(text: str) -> None:
    """Refuse logs whose ``SCF Done`` is not the energy of one ground state at one geometry.

    Raises
    ------
    ParseError : post-SCF methods, layers, another program's energies, scans, paths, fragments, unknown solvent models
    """
    what = _other_job(text, route(text).lower())
    if what:
        raise ParseError(f"the Gaussian log holds {what}; expected one ground state by Hartree-Fock or a functional")


def special_geometry(text: str) -> str | None:
    """What the last geometry is when it is not the end of a free minimisation."""
    asked = route(text).lower()
    found = (options for match in _OPTIONS.findall(asked) for options in match)
    words = [word.strip() for options in found for word in re.split(r"[,\s]+", options)]
    if any(_SADDLE_POINT.fullmatch(word) for word in words):
        return "a transition-state search"
    return "a constrained optimisation" if _OPTIMIZES.search(asked) and _FROZEN.search(text) else None


def variant(text: str) -> str:
    """What sets the method apart from its name: scalar relativity, restricted open shell, changed parameters."""
    asked = route(text).lower()
    parts = ["dkh"] if re.search(r"\b(?:dkh\w*|douglaskrollhess)\b", asked) else []
    parts += ["ro"] if re.search(r"SCF Done: +E\(RO", text) else []
    settings = {number: value for number, value in _IOP.findall(asked) if number in _FUNCTIONAL_IOPS}
    if set(settings) == {"107", "108"} and len(set(settings.values())) == 1:
        parts.append(f"w{int(settings['107']) / 1e9:.4f}")  # MMMMM00000 stands for omega = 0.MMMM bohr^-1
    elif settings:
        parts.append("iop" + hashlib.sha256(str(sorted(settings.items())).encode()).hexdigest()[:8])
    return "-".join(parts)


def _other_job(text: str, asked: str) -> str | None:
    if " EUMP2 =" in text or re.search(r"\n E2\(\w{1,20}\) ?=", text):
        return "an MP2 or double-hybrid energy, or one beyond them"
    if "ONIOM: extrapolated energy" in text:
        return "ONIOM energies of several layers"
    if _OPTIMIZES.search(asked) and re.search(r"\b(?:td|tda|cis)\b", asked):
        return "an optimised excited state"
    if re.search(r"\bfreq\b", asked) and re.search(r"\b(?:td|tda|cis)\b", asked):
        return "frequencies of an excited state"
    if re.search(r"\bscrf\b", asked) and "Polarizable Continuum Model" not in text and "SCF Done" in text:
        return "an energy in a solvent model other than PCM, CPCM and SMD"
    if _SCANNED.search(text):
        return "a relaxed surface scan"
    return next((what for pattern, what in _OTHER_JOBS.items() if re.search(pattern, asked)), None)
