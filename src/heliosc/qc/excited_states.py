"""S1, T1 and oscillator strength of one molecule at a geometry that is known already.

The optical gap of a candidate on its stored GFN2-xTB minimum: one ground state and its lowest excitations, without the
optimisations and ions of the whole workflow.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from heliosc.errors import InputError
from heliosc.properties import PropertyKey
from heliosc.qc.executors import Excitations, QCExecutor, ResponseExecutor
from heliosc.qc.geometries import Geometry
from heliosc.qc.levels import GFN2, level_scheme
from heliosc.qc.programs import AUTO, executor

SCHEMA_VERSION = 1
"""Raised whenever the same input would give other numbers; part of every key."""
_FIELDS = frozenset({"smiles", "geometry", "level", "program", "n_cores", "memory_gb", "timeout_s"})


def excitation_values(excitations: Excitations, geometry_level: str) -> tuple[dict[PropertyKey, float], list[str]]:
    """Values at ``tda-A//B``, and the flag ``no_triplet`` where the program gives no T1."""
    level = f"{excitations.level}//{geometry_level}"
    values = {
        PropertyKey("singlet_excitation_energy", level): excitations.singlet_eV,
        PropertyKey("oscillator_strength", level): excitations.oscillator_strength,
    }
    if excitations.triplet_eV is None:
        return values, ["no_triplet"]
    return values | {PropertyKey("triplet_excitation_energy", level): excitations.triplet_eV}, []


def responsive(program: QCExecutor) -> ResponseExecutor:
    """The program, which must give response properties.

    Raises
    ------
    InputError : it gives none
    """
    if not isinstance(program, ResponseExecutor):
        raise InputError(f"{program.name} gives no response properties; leave them out, or use pyscf")
    return program


def excited_states(payload: dict[str, Any]) -> dict[str, Any]:
    """S1, T1 and oscillator strength; a task of the execution layer.

    Parameters
    ----------
    payload : ``smiles``; ``geometry`` (XYZ text of the neutral's GFN2-xTB minimum); ``level`` (preset or ``A``; of
        ``A//B`` only A counts); ``program``, ``n_cores``, ``memory_gb``, ``timeout_s``

    Returns
    -------
    ``smiles``, ``values`` {"name@level": float}, ``geometries`` {"neutral": XYZ}, ``program``, ``version``, ``details``

    Raises
    ------
    InputError : an unknown or missing keyword, or a level without excited states
    ConvergenceError : ground state or excitations did not converge
    """
    from heliosc.chemistry.identity import parse_smiles
    from heliosc.qc.xtb.library import linear_algebra

    linear_algebra()  # before anything else loads a BLAS through tblite
    from rdkit import Chem

    molecule = parse_smiles(_checked(payload)["smiles"])
    program = _program(payload)
    geometry = Geometry.from_xyz(payload["geometry"])
    found = responsive(program).excitations(geometry, timeout_s=payload.get("timeout_s"))
    values, flags = excitation_values(found, GFN2.level())
    return {
        "smiles": Chem.MolToSmiles(molecule),
        "values": {str(key): value for key, value in values.items()},
        "geometries": {"neutral": payload["geometry"]},
        "program": program.name,
        "version": program.version(),
        "details": {
            "flags": flags,
            "attempts": list(found.attempts),
            "grid": level_scheme(payload["level"]).single_points.grid,
            "n_cores": payload.get("n_cores", 1),
        },
    }


def excited_states_identity(payload: Mapping[str, Any]) -> dict[str, Any]:
    """What makes two such tasks the same calculation; cores, memory and time limits do not.

    Raises
    ------
    InputError : see ``excited_states``
    """
    from rdkit import Chem

    from heliosc.chemistry.identity import inchikey, parse_smiles

    molecule = parse_smiles(_checked(payload)["smiles"])
    program, scheme = _program(payload), level_scheme(payload["level"])
    return {
        "task": "excited_states",
        "schema": SCHEMA_VERSION,
        "inchikey": inchikey(molecule),
        "smiles": Chem.MolToSmiles(molecule),
        "geometry": hashlib.sha256(payload["geometry"].encode()).hexdigest(),
        "method": scheme.on_normal_grids.single_points.level(program.name),
        "grid": scheme.single_points.grid,
        "program": [program.name, program.version()],
    }


def _program(payload: Mapping[str, Any]) -> QCExecutor:
    method = level_scheme(payload["level"]).single_points
    if method.is_xtb:
        raise InputError(f"level {payload['level']} has no excited states; name a DFT level, for instance dft-fast")
    resources = {name: payload[name] for name in ("n_cores", "memory_gb") if name in payload}
    return executor(method, payload.get("program", AUTO), **resources)


def _checked(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    unknown = sorted(set(payload) - _FIELDS)
    if unknown:
        raise InputError(f"unknown keyword {', '.join(unknown)}; expected: {', '.join(sorted(_FIELDS))}")
    for name in ("smiles", "geometry", "level"):
        if not isinstance(payload.get(name), str):
            raise InputError(f"payload has no {name}: {payload.get(name)!r}; expected a text")
    return payload
