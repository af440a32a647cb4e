"""The calculations of a candidate as JSON that other programs can read.

The molecules follow the molecule block of QCSchema (bohr, flat coordinates), so QCElemental reads them. The results
are our own four-point set: QCSchema has no place for a value that needs seven energies, and the file says so.

References
----------
Smith et al., WIREs Comput. Mol. Sci. 2021, 11, e1491 (QCArchive and QCSchema).
Bohr radius 0.529177210903 A: CODATA 2018.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from heliosc.campaign.records import CandidateRecord
from heliosc.handoff.structures import ChargedStructure
from heliosc.properties import PropertyKey, level_of_theory
from heliosc.qc.qcschema import atomic_results
from heliosc.qc.results import calculation_result

BOHR_IN_ANGSTROM = 0.529177210903
STATEMENT = (
    "Molecules follow QCSchema's qcschema_molecule, version 2. The properties are heliosc's four-point results "
    "(seven energies, three optimised geometries) and are not a QCSchema AtomicResult; the energies of the single "
    "points are, each in a file of the folder qcschema/."
)


def calculations_json(
    structures: list[ChargedStructure], *, result: Mapping[str, Any], candidate_id: str, calculation_key: str
) -> str:
    """JSON text of all calculations of one candidate."""
    document = {
        "schema_name": "heliosc_four_point_result",
        "schema_version": 1,
        "statement": STATEMENT,
        "id": candidate_id,
        "calculation_key": calculation_key,
        "provenance": {"creator": result.get("program"), "version": result.get("version")},
        "wall_time_s": result.get("wall_time_s"),
        "molecules": {structure.state: _molecule(structure) for structure in structures},
        "properties": {str(key): _property(PropertyKey.parse(key), value) for key, value in result["values"].items()},
        "details": result.get("details", {}),
    }
    return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def qcschema_documents(candidate: CandidateRecord, result: Mapping[str, Any]) -> dict[str, str]:
    """``qcschema/<state>_at_<state>.json`` of every single-point energy that the program reported.

    Raises
    ------
    ParseError : a stored geometry cannot be read
    """
    stored = calculation_result({"smiles": candidate.smiles, **result})
    provenance = {"calculation_key": candidate.calculation_key or None, "wall_time": result.get("wall_time_s")}
    texts = {}
    for document in atomic_results(stored, provenance=provenance):
        extras = document["extras"]
        name = f"qcschema/{extras['charge_state']}_at_{extras['at_minimum_of']}.json"
        texts[name] = json.dumps(document, indent=1, sort_keys=True, allow_nan=False) + "\n"
    return texts


def _molecule(structure: ChargedStructure) -> dict[str, Any]:
    return {
        "schema_name": "qcschema_molecule",
        "schema_version": 2,
        "symbols": list(structure.geometry.symbols),
        "geometry": [round(float(x) / BOHR_IN_ANGSTROM, 9) for x in structure.geometry.positions.ravel()],
        "molecular_charge": structure.charge,
        "molecular_multiplicity": structure.multiplicity,
        "fix_com": True,
        "fix_orientation": True,
    }


def _property(key: PropertyKey, value: float) -> dict[str, Any]:
    level = level_of_theory(key.level)
    return {
        "value": value,
        "unit": key.unit,
        "level_of_theory": level.name,
        "meaning": level.meaning,
        "scale": level.scale,
    }
