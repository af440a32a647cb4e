"""Presets of the level of theory, and any other mix ``A//B``.

Costs are CPU seconds on one core of a molecule of about 35 atoms; errors are against experiment or published values
in the gas phase, as measured with this package (docs/concepts/levels-of-theory.md names the sets).
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, replace

from heliosc.errors import InputError
from heliosc.qc.methods import Method, parse_method

_OPTIMIZATION_POINTS = 75  # three optimisations of a dozen gradients, each worth two single points
_SOLVENT_SUFFIX = re.compile(r"(?P<preset>[a-z0-9-]+)\+(?P<model>[a-z]+)\((?P<solvent>[a-z0-9_.,-]+)\)")


@dataclass(frozen=True, slots=True)
class Scheme:
    """Single points at one method on geometries optimised at another.

    Attributes
    ----------
    meaning, cost, error : in words, for people; empty for a mix that is no preset
    """

    name: str
    single_points: Method
    geometries: Method
    meaning: str = ""
    cost: str = ""
    error: str = ""

    @property
    def is_embedded(self) -> bool:
        """Whether the four-point scheme of GFN2-xTB (with IPEA1 ionisation energies) is all there is to do."""
        return self.geometries == GFN2 and self.single_points in (GFN2, IPEA1)

    @property
    def on_normal_grids(self) -> Scheme:
        """The same with the usual integration grids: keys name the grids apart, as they did before levels had them."""
        single_points, geometries = (replace(method, grid="normal") for method in (self.single_points, self.geometries))
        return replace(self, single_points=single_points, geometries=geometries)

    def level(self, program: str) -> str:
        """Level of theory of its values when this program computes the single points."""
        single_points, geometries = self.single_points.level(program), self.geometries.level(program)
        return single_points if single_points == geometries else f"{single_points}//{geometries}"


GFN2 = Method("gfn2")
IPEA1 = Method("ipea1")
_B3LYP = Method("b3lyp", "def2-svp", grid="coarse")
_B3LYP_D3 = Method("b3lyp", "def2-svp", dispersion="d3bj")

PRESETS: dict[str, Scheme] = {
    scheme.name: scheme
    for scheme in (
        Scheme(
            "gfn2",
            GFN2,
            GFN2,
            "GFN2-xTB throughout; IE and EA less the published 4.846 eV",
            "1 to 3 s",
            "EA 0.16 eV, IE 0.29 eV (mean absolute); reorganisation energies about 0.05 eV low for acenes",
        ),
        Scheme(
            "ipea-gfn2",
            IPEA1,
            GFN2,
            "ionisation energies by IPEA1-xTB on GFN2-xTB geometries, the rest as gfn2, in the same calculation",
            "1 to 3 s",
            "IE 0.22 eV (mean absolute)",
        ),
        Scheme(
            "dft-fast",
            _B3LYP,
            GFN2,
            "B3LYP/def2-SVP, coarse grid, no dispersion correction (it cancels), on GFN2-xTB geometries",
            "400 to 900 s",
            "adiabatic IE 0.26 eV (too low), EA 0.17 eV (23 molecules each); lambda_hole 0.03 eV low for acenes and "
            "bithiophene, 0.15 for thiophene",
        ),
        Scheme(
            "dft",
            _B3LYP_D3,
            _B3LYP_D3,
            "B3LYP-D3(BJ)/def2-SVP throughout, all three geometries optimised",
            "1 to 3 h (ethylene: 2 min with excitations, polarizability and frequencies)",
            "IE and EA not measured, expected as dft-fast; lambda_hole within 0.004 eV of published B3LYP (four "
            "acenes) in their 6-31G(d,p), which def2-SVP changes by -0.010 eV for thiophene",
        ),
    )
}


def level_scheme(text: str) -> Scheme:
    """A preset by its name, a preset in a solvent (``dft-fast+smd(toluene)``), or ``A//B`` (``A`` alone: ``A//A``).

    A solvent added to a preset acts on its single points; spell ``A//B`` out to have it in the optimisations too.

    Raises
    ------
    InputError : neither of them
    """
    name = text.strip().lower()
    if name in PRESETS:
        return PRESETS[name]
    in_solvent = _SOLVENT_SUFFIX.fullmatch(name)
    if in_solvent and in_solvent["preset"] in PRESETS and in_solvent["preset"] not in ("gfn2",):
        preset = PRESETS[in_solvent["preset"]]
        method = parse_method(f"{preset.single_points.level()}+{in_solvent['model']}({in_solvent['solvent']})")
        return replace(preset, name=name, single_points=method)
    first, _, second = name.partition("//")
    try:
        return Scheme(name, parse_method(first), parse_method(second or first))
    except InputError as error:
        raise InputError(
            f"unknown level {text[:120]!r}; presets are {', '.join(PRESETS)}, "
            "any other mix is A//B, e.g. wb97x-d3bj/def2-svp//gfn2"
        ) from error


def estimated_core_seconds(scheme: Scheme, n_atoms: int, *, response: Collection[str] = ()) -> float:
    """CPU seconds of one molecule on one core, for the remaining time that is shown; right within a factor of three.

    Fitted by hand to density-fitted B3LYP/def2-SVP single points (thiophene 6 s, anthracene 33 s, pentacene 110 s) and
    GFN2-xTB four-point sets (0.2 s, 0.5 s, 1.5 s); a triple-zeta basis costs about six times as much.
    """
    cost = 0.1 + 1.2 * (n_atoms / 35) ** 2
    for method, n_points in ((scheme.single_points, 7 + 2 * len(response)), (scheme.geometries, _OPTIMIZATION_POINTS)):
        if not method.is_xtb:
            cost += n_points * 6.0 * (n_atoms / 9) ** 2.1 * (6.0 if "tz" in method.basis else 1.0)
    return cost
