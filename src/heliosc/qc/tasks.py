"""Callables for the execution layer: JSON in, JSON out, named ``heliosc.qc.tasks:four_point``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from heliosc.errors import InputError

SCHEMA_VERSION = 1
"""Raised whenever the same input would give other numbers; part of every key."""


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


def _settings(payload: Mapping[str, Any]) -> Any:
    from heliosc.qc.four_point import FourPointSettings

    known = {field.name for field in fields(FourPointSettings)}
    unknown = sorted(set(payload) - known - {"smiles"})
    if unknown:
        raise InputError(f"unknown keyword {', '.join(unknown)}; expected: smiles, {', '.join(sorted(known))}")
    if not isinstance(payload.get("smiles"), str):
        raise InputError(f"payload names no molecule: smiles is {payload.get('smiles')!r}; expected a SMILES text")
    return FourPointSettings(**{name: payload[name] for name in known & set(payload)})
