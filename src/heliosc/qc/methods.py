"""How an energy is computed, in no program's spelling, and how far two spellings mean the same."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, get_args

from heliosc.errors import InputError
from heliosc.properties.levels import XTB_METHODS, parse_level

Grid = Literal["coarse", "normal", "fine"]
GRIDS: tuple[Grid, ...] = get_args(Grid)
_POST_SCF = re.compile(r"(?:df|ri|scs|sos|dlpno)*(?:mp[2-5]|cc|ci|qci|fci)")
_PARTS = re.compile(r"(?P<functional>.+?)(?:-(?P<dispersion>d3bj|d4))?(?:-(?P<grid>coarse|normal|fine)grid)?")


@dataclass(frozen=True, slots=True)
class Method:
    """One side of ``A//B``.

    Attributes
    ----------
    name : xTB method, ``hf``, or functional without its dispersion correction, lower case
    basis : empty for xTB methods
    dispersion : ``d3bj``, ``d4`` or empty; what a functional's own definition holds (``wb97x-d``) stays in its name
    grid : of the exchange-correlation integration; ``normal`` goes without saying
    solvation, solvent : model and solvent, both empty in the gas phase
    """

    name: str
    basis: str = ""
    dispersion: str = ""
    grid: Grid = "normal"
    solvation: str = ""
    solvent: str = ""

    @property
    def is_xtb(self) -> bool:
        return not self.basis

    @property
    def functional(self) -> str:
        """Name with its dispersion correction."""
        return f"{self.name}-{self.dispersion}" if self.dispersion else self.name

    def level(self, program: str = "") -> str:
        """Level of theory; the program is named except for xTB methods, which are the same everywhere."""
        solvent = f"+{self.solvation}({self.solvent})" if self.solvation else ""
        if self.is_xtb:
            return self.name + solvent
        grid = "" if self.grid == "normal" else f"-{self.grid}grid"
        return f"{self.functional}{grid}/{self.basis}{solvent}" + (f"[{program}]" if program else "")


def parse_method(text: str) -> Method:
    """Read ``gfn2``, ``gfn2+alpb(toluene)`` or ``b3lyp-d4-finegrid/def2-svp+smd(toluene)``; case does not matter.

    Raises
    ------
    InputError : not of that form
    """
    part, geometry = parse_level(text.lower())
    if geometry is not None or part.program:
        raise InputError(f"method {text[:120]!r} names a geometry or a program; expected e.g. b3lyp-d4/def2-svp")
    if not part.basis and part.method not in XTB_METHODS:
        raise InputError(f"method {text[:120]!r} has no basis; expected e.g. b3lyp/def2-svp, or gfn2")
    match = _PARTS.fullmatch(part.method)
    if match is None or match["functional"].endswith("grid"):
        raise InputError(
            f"method {text[:120]!r} names no functional, dispersion and grid ({', '.join(GRIDS)}) in this order; "
            "expected e.g. b3lyp-d4-finegrid/def2-svp"
        )
    grid: Grid = match["grid"] or "normal"  # type: ignore[assignment]
    dispersion, basis = match["dispersion"] or "", canonical_basis(part.basis)
    return Method(match["functional"], basis, dispersion, grid, part.model, part.solvent)


def canonical_basis(name: str) -> str:
    """Lower case, and the def2 sets with their hyphen, which Gaussian leaves out."""
    return re.sub(r"^def2-?(?=[a-z])", "def2-", name.lower())


def same_basis(first: str, second: str) -> bool:
    """Whether two spellings name one basis set: ``6-31G*`` and ``6-31G(d)``, ``def2SVP`` and ``def2-SVP``."""
    return _plain_basis(first) == _plain_basis(second)


def is_post_scf(name: str) -> bool:
    """Whether a method is a wave function method on top of Hartree-Fock."""
    return _POST_SCF.match(_plain_functional(name)) is not None


def same_functional(asked: str, said: str) -> bool:
    """Whether what a program says it ran is what was asked, without spin prefix, dispersion and punctuation.

    Of a post-SCF method programs name the Hartree-Fock reference.
    """
    wanted, got = _plain_functional(asked), _plain_functional(said)
    if got == "hf" and is_post_scf(wanted):
        return True
    return got in (wanted, f"r{wanted}", f"u{wanted}", f"ro{wanted}")


def _plain_basis(name: str) -> str:
    plain = re.sub(r"[\s_-]", "", name.lower())
    plain = plain.replace("(d,p)", "**").replace("(d)", "*")
    return plain


def _plain_functional(name: str) -> str:
    functional = re.sub(r"-(?:d3\w*|d4|gd3\w*)$", "", name.lower().split("/")[0])
    return re.sub(r"[\s_-]", "", functional)
