"""Callables for the execution layer: JSON in, JSON out, ``heliosc.qc.tasks:four_point`` and ``:workflow``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from heliosc.errors import HelioscError, InputError

SCHEMA_VERSION = 2
"""Raised whenever the same input would give other numbers; part of every key."""
WORKFLOW_SCHEMA_VERSION = 3  # 3: open shells are checked for stability, saddle points are left
_RESOURCES = ("n_cores", "memory_gb", "timeout_s", "level", "program")  # not part of a calculation's identity, or named


def four_point(payload: dict[str, Any]) -> dict[str, Any]:
    """Four-point calculation of one molecule on GFN2-xTB.

    Parameters
    ----------
    payload : ``smiles`` (required); ``engine`` (``auto``, ``tblite``, ``xtb``), ``n_conformers``, ``seed``,
        ``max_steps`` as in ``heliosc.qc.four_point.FourPointSettings``

    Returns
    -------
    ``smiles`` (canonical), ``values`` {"name@level": float}, ``geometries`` {"neutral" | "cation" | "anion": XYZ},
    ``program``, ``version``, ``details``; no time or place: the same calculation gives the same answer, what it cost
    stands with the attempt in the store

    Raises
    ------
    InputError : unknown or missing keyword, or a molecule the scheme is not for
    ConvergenceError : charges or geometry did not converge, or the molecule fell apart
    """
    from heliosc.chemistry.identity import parse_smiles
    from heliosc.qc.xtb.library import linear_algebra, tblite_version

    library = linear_algebra()  # before anything else loads a BLAS through tblite
    from rdkit import Chem

    from heliosc.qc.four_point import run_details, run_four_point

    settings = _settings(payload)
    molecule = parse_smiles(payload["smiles"])
    run = run_four_point(molecule, settings)
    comments = {"neutral": run.energies.neutral_at_neutral, "cation": run.energies.cation_at_cation}
    comments["anion"] = run.energies.anion_at_anion
    return {
        "smiles": Chem.MolToSmiles(molecule),
        "values": {str(key): value for key, value in run.values.items()},
        "geometries": {
            name: geometry.to_xyz(f"GFN2-xTB {name} energy {comments[name]:.8f} Eh")
            for name, geometry in run.geometries.items()
        },
        "program": "tblite",
        "version": tblite_version(),
        "details": {**run_details(run), "engine": settings.engine, "linear_algebra": library},
    }


def workflow(payload: dict[str, Any]) -> dict[str, Any]:
    """Calculation of one molecule at any level, with any program.

    Parameters
    ----------
    payload : ``smiles`` (required); ``fallback`` (``none``, ``gfn2``); the rest as in
        ``heliosc.qc.workflow.WorkflowSettings``

    Returns
    -------
    As ``four_point``; ``details`` holds ``status`` (``done``, ``fallback``), flags, attempts and what ran on each side

    Raises
    ------
    InputError : unknown or missing keyword, or a molecule, level or word that cannot be used
    HelioscError : see ``heliosc.qc.workflow.run_workflow``
    """
    from heliosc.chemistry.identity import parse_smiles
    from heliosc.qc.fallback import check_fallback, marked_as_fallback, may_fall_back
    from heliosc.qc.xtb.library import linear_algebra

    linear_algebra()  # before anything else loads a BLAS through tblite
    from rdkit import Chem

    from heliosc.qc.workflow import run_workflow

    settings, fallback = _workflow_settings(payload), payload.get("fallback", "none")
    check_fallback(fallback)
    molecule = parse_smiles(payload["smiles"])
    try:
        run = run_workflow(molecule, settings)
    except HelioscError as error:
        if fallback == "none" or not may_fall_back(error):
            raise
        cheap = {"smiles": payload["smiles"], "n_conformers": settings.n_conformers, "seed": settings.seed}
        return marked_as_fallback(four_point(cheap), asked=settings.level, error=error)
    side = run.details["single_points"]
    return {
        "smiles": Chem.MolToSmiles(molecule),
        "values": {str(key): value for key, value in run.values.items()},
        "geometries": {
            name: geometry.to_xyz(f"{run.details['geometries']['method']} {name}")
            for name, geometry in run.geometries.items()
        },
        "program": side["program"],
        "version": side["version"],
        "details": run.details,
    }


def workflow_identity(payload: Mapping[str, Any]) -> dict[str, Any]:
    """What makes two workflow tasks the same calculation; cores, memory and time limits do not.

    Raises
    ------
    InputError : unknown or missing keyword, or no valid molecule or level
    """
    from rdkit import Chem

    from heliosc.chemistry.identity import inchikey, parse_smiles
    from heliosc.qc.fallback import check_fallback
    from heliosc.qc.xtb.library import tblite_version

    settings, fallback = _workflow_settings(payload), payload.get("fallback", "none")
    check_fallback(fallback)
    molecule = parse_smiles(payload["smiles"])
    scheme = settings.scheme()
    sides = settings.executors()
    keywords = {name: value for name, value in asdict(settings).items() if name not in _RESOURCES}
    return {
        "task": "workflow",
        "schema": WORKFLOW_SCHEMA_VERSION,
        "inchikey": inchikey(molecule),
        "smiles": Chem.MolToSmiles(molecule),
        "method": scheme.on_normal_grids.level(sides["A"].name),
        "grids": [scheme.single_points.grid, scheme.geometries.grid],
        "programs": {side: [executor.name, executor.version()] for side, executor in sides.items()},
        "tblite": tblite_version(),
        "fallback": fallback,
        "keywords": keywords | {"response": sorted(settings.response), "keywords": list(settings.keywords)},
    }


def task_identity(payload: Mapping[str, Any]) -> dict[str, Any]:
    """What makes two four-point tasks the same calculation; canonical, for content-addressed keys.

    The InChIKey alone would take tautomers for one molecule, so the canonical SMILES stands beside it.

    Raises
    ------
    InputError : unknown or missing keyword, or no valid molecule
    """
    from rdkit import Chem

    from heliosc.chemistry.identity import inchikey, parse_smiles
    from heliosc.qc.xtb.library import tblite_version

    keywords = asdict(_settings(payload))
    molecule = parse_smiles(payload["smiles"])
    return {
        "task": "four_point",
        "schema": SCHEMA_VERSION,
        "inchikey": inchikey(molecule),
        "smiles": Chem.MolToSmiles(molecule),
        "method": "gfn2 + ipea1//gfn2",
        "program": "tblite",
        "version": tblite_version(),
        "keywords": keywords,
    }


def _workflow_settings(payload: Mapping[str, Any]) -> Any:
    from heliosc.qc.workflow import WorkflowSettings

    given: dict[str, Any] = _known(payload, WorkflowSettings, further=("fallback",))
    tuples: dict[str, Any] = {name: tuple(value) for name, value in given.items() if isinstance(value, list)}
    return WorkflowSettings(**(given | tuples))


def _settings(payload: Mapping[str, Any]) -> Any:
    from heliosc.qc.four_point import FourPointSettings

    return FourPointSettings(**_known(payload, FourPointSettings))


def _known(payload: Mapping[str, Any], settings: type, *, further: tuple[str, ...] = ()) -> dict[str, Any]:
    """The fields of a settings class that a payload holds.

    Raises
    ------
    InputError : a field of neither, or no SMILES
    """
    known = {field.name for field in fields(settings)}
    unknown = sorted(set(payload) - known - {"smiles", *further})
    if unknown:
        raise InputError(f"unknown keyword {', '.join(unknown)}; expected: smiles, {', '.join(sorted(known))}")
    if not isinstance(payload.get("smiles"), str):
        raise InputError(f"payload names no molecule: smiles is {payload.get('smiles')!r}; expected a SMILES text")
    return {name: payload[name] for name in known & set(payload)}
