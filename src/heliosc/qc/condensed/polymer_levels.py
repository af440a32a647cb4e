"""Levels and gap of a polymer on GFN2-xTB from its capped oligomers, extrapolated to an endless chain.

HOMO and LUMO follow the chain of coupled orbitals, the gap Kuhn's formula, or 1/n (flagged) where the unit is not
conjugated from end to end or Kuhn's formula leaves no gap; the straight line in 1/n stands beside each. The single unit
is computed but not fitted: its ends weigh too much. The values belong to the repeat unit and are
never pooled with those of molecules.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import isfinite
from typing import Any

from heliosc.chemistry.conformers import embed_conformers
from heliosc.chemistry.identity import parse_smiles
from heliosc.chemistry.oligomer_series import ChainLimit, chain_orbital_limit, inverse_length_limit, kuhn_limit
from heliosc.chemistry.polymers import Oligomer, RepeatUnit, double_bonds_on_path, oligomer, repeat_unit
from heliosc.errors import InputError, ParseError
from heliosc.qc.geometries import Geometry
from heliosc.qc.xtb.executor import SemiEmpiricalExecutor
from heliosc.qc.xtb.library import tblite_version

SHORTEST_FITTED = 2
DEFAULT_LONGEST = 4
LEVEL = "gfn2"
STRAIGHT_LINE = "1/n"
_KEYWORDS = {"smiles": str, "longest": int, "seed": int, "level": str}


@dataclass(frozen=True, slots=True)
class OligomerLevels:
    """Orbital energies of one optimised oligomer, eV."""

    chain: Oligomer
    homo: float
    lumo: float
    geometry: Geometry


@dataclass(frozen=True, slots=True)
class PolymerLevels:
    """What the series gives.

    Attributes
    ----------
    series : the oligomers, shortest first
    homo, lumo, gap : limits for the endless chain
    straight_lines : the same by 1/n, in that order
    """

    series: tuple[OligomerLevels, ...]
    homo: ChainLimit
    lumo: ChainLimit
    gap: ChainLimit
    straight_lines: tuple[ChainLimit, ChainLimit, ChainLimit]


def polymer_levels(unit: RepeatUnit, *, longest: int = DEFAULT_LONGEST, seed: int = 0) -> PolymerLevels:
    """Compute oligomers of 1 to ``longest`` units and extrapolate.

    Raises
    ------
    InputError : fewer than three units asked for, side-chain sites left open, or oligomers too large
    ConvergenceError : charges or geometry of an oligomer did not converge
    """
    _check_series(unit, longest=longest)
    series = tuple(_levels(oligomer(unit, n), seed=seed) for n in range(1, longest + 1))
    fitted = series[SHORTEST_FITTED - 1 :]
    lengths = [entry.chain.n_units for entry in fitted]
    homo, lumo = [entry.homo for entry in fitted], [entry.lumo for entry in fitted]
    gaps = [entry.lumo - entry.homo for entry in fitted]
    return PolymerLevels(
        series=series,
        homo=chain_orbital_limit(lengths, homo),
        lumo=chain_orbital_limit(lengths, lumo),
        gap=_gap_limit(unit, lengths, gaps),
        straight_lines=(
            inverse_length_limit(lengths, homo),
            inverse_length_limit(lengths, lumo),
            inverse_length_limit(lengths, gaps),
        ),
    )


def checked_unit(payload: Mapping[str, Any]) -> RepeatUnit:
    """The repeat unit of a payload whose oligomers can be made.

    Raises
    ------
    InputError : unknown keyword, no repeat unit, open side-chain sites, or oligomers too short or too large
    """
    if set(payload) - set(_KEYWORDS) or "smiles" not in payload:
        raise InputError(
            f"keywords {', '.join(sorted(payload)) or 'none'}; expected smiles and any of: {', '.join(_KEYWORDS)}"
        )
    for name, value in payload.items():
        if not isinstance(value, _KEYWORDS[name]) or isinstance(value, bool):
            raise InputError(f"{name} is {value!r:.60}; expected {_KEYWORDS[name].__name__}")
    if payload.get("level", LEVEL) != LEVEL:
        raise InputError(f"level is {payload['level']!r:.60}; polymers are computed at {LEVEL}")
    unit = repeat_unit(payload["smiles"])
    longest = payload.get("longest", DEFAULT_LONGEST)
    _check_series(unit, longest=longest)
    oligomer(unit, longest)
    return unit


def polymer(payload: dict[str, Any]) -> dict[str, Any]:
    """Callable for the execution layer: ``smiles`` of the repeat unit, ``longest`` (4), ``seed``, ``level``.

    Returns
    -------
    As ``heliosc.qc.tasks.four_point``, under the repeat unit's SMILES; ``details`` holds the oligomers with their caps,
    the method and error of each limit, and the limits by 1/n

    Raises
    ------
    InputError : unknown keyword, or no repeat unit
    HelioscError : see ``polymer_levels``
    """
    unit = checked_unit(payload)
    found = polymer_levels(unit, longest=payload.get("longest", DEFAULT_LONGEST), seed=payload.get("seed", 0))
    names = ("homo_energy", "lumo_energy", "homo_lumo_gap")
    limits = (found.homo, found.lumo, found.gap)
    return {
        "smiles": unit.smiles,
        "values": {f"{name}@{LEVEL}": limit.value for name, limit in zip(names, limits, strict=True)},
        "geometries": {
            f"{entry.chain.n_units} units": entry.geometry.to_xyz(entry.chain.smiles) for entry in found.series
        },
        "program": "tblite",
        "version": tblite_version(),
        "details": {
            "conditions": f"endless chain from oligomers of {SHORTEST_FITTED} to {found.series[-1].chain.n_units} "
            f"units, capped with {found.series[0].chain.cap}",
            "standard_errors": {
                f"{name}@{LEVEL}": limit.std for name, limit in zip(names, limits, strict=True) if isfinite(limit.std)
            },
            "flags": ["gap_by_straight_line"] if found.gap.method == STRAIGHT_LINE else [],
            "limits": {name: _document(limit) for name, limit in zip(names, limits, strict=True)},
            "straight_lines": {name: _document(line) for name, line in zip(names, found.straight_lines, strict=True)},
            "oligomers": [
                asdict(entry.chain) | {"homo_eV": entry.homo, "lumo_eV": entry.lumo} for entry in found.series
            ],
            "shortest_fitted": SHORTEST_FITTED,
        },
    }


def _document(limit: ChainLimit) -> dict[str, Any]:
    """For JSON, which knows no NaN: an error that two points cannot give is null."""
    return asdict(limit) | {"std": limit.std if isfinite(limit.std) else None}


def _check_series(unit: RepeatUnit, *, longest: int) -> None:
    if longest <= SHORTEST_FITTED:
        raise InputError(f"longest oligomer of {longest} units; expected at least {SHORTEST_FITTED + 1} for a line")
    if any(atom.GetAtomMapNum() for atom in unit.molecule.GetAtoms()):
        raise InputError(
            f"repeat unit {unit.smiles[:80]!r} has open sites; graft side chains, or methyl, on them first"
        )


def _levels(chain: Oligomer, *, seed: int) -> OligomerLevels:
    best = embed_conformers(parse_smiles(chain.smiles), n_conformers=3, seed=seed)[0]
    optimized = SemiEmpiricalExecutor().optimize(Geometry(best.symbols, best.positions), charge=0, multiplicity=1)
    homo, lumo = optimized.single_point.homo_eV, optimized.single_point.lumo_eV
    if homo is None or lumo is None:
        raise ParseError(f"no frontier orbitals for {chain.smiles[:80]!r}; expected both from GFN2-xTB")
    return OligomerLevels(chain, homo, lumo, optimized.geometry)


def _gap_limit(unit: RepeatUnit, lengths: Sequence[int], gaps: Sequence[float]) -> ChainLimit:
    """By Kuhn's formula where it holds: a chain conjugated from end to end, whose gaps do not fall to none."""
    try:
        per_unit = double_bonds_on_path(unit)
        return kuhn_limit([per_unit * n for n in lengths], gaps)
    except InputError:  # no such oscillators, or, as for GFN2-xTB's polyacetylene, the square of the gap below zero
        line = inverse_length_limit(lengths, gaps)
        if line.value <= 0:
            shown = ", ".join(f"{gap:.2f}" for gap in gaps)
            raise InputError(f"gaps of {shown} eV extrapolate to none; use longer oligomers") from None
        return line
