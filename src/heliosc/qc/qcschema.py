"""A calculation as QCSchema: one ``qcschema_output`` (AtomicResult) for each single-point energy.

References
----------
https://molssi-qc-schema.readthedocs.io, schema version 1 of outputs and 2 of molecules.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from heliosc import __version__
from heliosc.errors import ParseError
from heliosc.properties import CalculationResult
from heliosc.properties.levels import LevelPart, parse_level
from heliosc.qc.charge_states import CHARGES
from heliosc.qc.geometries import Geometry
from heliosc.qc.units import BOHR_A
from heliosc.qc.vertical import lowest_multiplicity

_DIGITS = 10  # of coordinates in bohr
_GRID = re.compile(r"-(?:coarse|fine)grid$")  # it stands among the keywords


def atomic_results(result: CalculationResult, *, provenance: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One document an energy of the four-point scheme; empty where the result holds none.

    Parameters
    ----------
    provenance : further fields, such as wall time, host and key

    Raises
    ------
    ParseError : a stored geometry cannot be read
    """
    energies = result.details.get("energies_hartree", {})
    documents = []
    for name, energy in sorted(energies.items()):
        state, _, where = name.partition("_at_")
        if state not in CHARGES or where not in result.geometries:
            continue
        geometry = Geometry.from_xyz(result.geometries[where])
        documents.append(_document(result, geometry, state=state, where=where, energy=energy, provenance=provenance))
    return documents


def _document(
    result: CalculationResult,
    geometry: Geometry,
    *,
    state: str,
    where: str,
    energy: float,
    provenance: Mapping[str, Any],
) -> dict[str, Any]:
    wrote = {"creator": "heliosc", "version": __version__, "routine": "heliosc.qc.qcschema"}
    return {
        "schema_name": "qcschema_output",
        "schema_version": 1,
        "molecule": molecule(geometry, charge=CHARGES[state]) | {"provenance": wrote},
        "driver": "energy",
        "model": _model(result),
        "keywords": _keywords(result),
        "properties": {"calcinfo_natom": geometry.n_atoms, "return_energy": energy},
        "return_result": energy,
        "success": True,
        "provenance": {
            "creator": result.program,
            "version": result.version,
            "routine": "energy",
            **{name: value for name, value in provenance.items() if value is not None},
        },
        "extras": {"smiles": result.smiles, "charge_state": state, "at_minimum_of": where},
    }


def molecule(geometry: Geometry, *, charge: int) -> dict[str, Any]:
    """A ``qcschema_molecule``, coordinates in bohr."""
    return {
        "schema_name": "qcschema_molecule",
        "schema_version": 2,
        "symbols": list(geometry.symbols),
        "geometry": [round(float(x) / BOHR_A, _DIGITS) for x in geometry.positions.ravel()],
        "molecular_charge": charge,
        "molecular_multiplicity": lowest_multiplicity(geometry.symbols, charge=charge),
        "fix_com": True,
        "fix_orientation": True,
    }


def grid_of(details: Mapping[str, Any]) -> str | None:
    """Integration grid of the single points; ``None`` where there is none, or it is not known."""
    side = details.get("single_points", {})
    if "method" in side and parse_level(side["method"])[0].is_xtb:
        return None
    grid = side.get("grid", details.get("grid"))
    return None if grid is None else str(grid)


def _keywords(result: CalculationResult) -> dict[str, Any]:
    """What the model does not name: the solvent, the grid, the user's own words."""
    part = _single_points(result)
    words = list(result.details.get("keywords", ()))
    known = {
        "solvation_model": part.model,
        "solvent": part.solvent,
        "grid": grid_of(result.details),
        "program_keywords": words,
    }
    return {name: value for name, value in known.items() if value}


def _model(result: CalculationResult) -> dict[str, Any]:
    """Method and basis of the single points; xTB methods have no basis to name."""
    part = _single_points(result)
    return {"method": _GRID.sub("", part.method), "basis": part.basis or None}


def _single_points(result: CalculationResult) -> LevelPart:
    level = str(result.details.get("level", "gfn2"))
    part, _ = parse_level(level)
    if not part.method:
        raise ParseError(f"level {level!r} of {result.smiles} names no method")
    return part
