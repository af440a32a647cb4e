"""The condensed-phase calculations by the names that users write, and what makes two of them the same calculation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from heliosc.errors import InputError

SCHEMA_VERSION = 1
"""Raised whenever the same input would give other numbers; part of every key."""
_RESOURCES = ("n_cores", "timeout_s")  # not part of a calculation's identity


@dataclass(frozen=True, slots=True)
class CondensedWorkflow:
    """A calculation of one substance beyond the single molecule.

    Attributes
    ----------
    task : callable of the execution layer, ``module:function``
    levels : of theory, the default one first
    meaning : in words, for people
    timeout_s : usual limit for one substance
    check : refuses a payload that cannot be computed, without computing it; returns canonical SMILES and InChIKey
    """

    task: str
    levels: tuple[str, ...]
    meaning: str
    timeout_s: float
    check: Callable[[Mapping[str, Any]], tuple[str, str | None]]


def _check_conjugated(payload: Mapping[str, Any]) -> tuple[str, str | None]:
    from heliosc.qc.condensed.tasks import conjugated_molecule

    molecule, _ = conjugated_molecule(payload["smiles"])
    return _identifiers(molecule)


def _check_polymer(payload: Mapping[str, Any]) -> tuple[str, str | None]:
    from heliosc.qc.condensed.polymer_levels import checked_unit

    return checked_unit(payload).smiles, None


def _check_density(payload: Mapping[str, Any]) -> tuple[str, str | None]:
    from heliosc.qc.condensed.tasks import simulated_molecule

    return _identifiers(simulated_molecule(payload["smiles"]))


def _identifiers(molecule: Any) -> tuple[str, str]:
    from rdkit import Chem

    from heliosc.chemistry.identity import inchikey

    return Chem.MolToSmiles(molecule), inchikey(molecule)


WORKFLOWS: dict[str, CondensedWorkflow] = {
    "stacking": CondensedWorkflow(
        "heliosc.qc.condensed.tasks:stacking",
        ("gfn2", "gfn2//gfnff"),
        "planarity, the best of three relaxed dimers, its interaction energy and transfer integrals",
        3_600.0,
        _check_conjugated,
    ),
    "cluster": CondensedWorkflow(
        "heliosc.qc.condensed.tasks:cluster",
        ("gfnff",),
        "cohesive energy and stacking order of a few molecules in motion, GFN-FF with the xtb program",
        14_400.0,
        _check_conjugated,
    ),
    "polymer": CondensedWorkflow(
        "heliosc.qc.condensed.polymer_levels:polymer",
        ("gfn2",),
        "levels and gap of a polymer from capped oligomers of its repeat unit, two [*] in each SMILES",
        7_200.0,
        _check_polymer,
    ),
    "density": CondensedWorkflow(
        "heliosc.qc.condensed.tasks:density",
        ("mmff94-npt",),
        "density and cohesive energy of the bulk at 298 K and 1 bar, MMFF94 with OpenMM",
        172_800.0,
        _check_density,
    ),
}


def condensed_workflow(name: str) -> CondensedWorkflow:
    """Look a workflow up.

    Raises
    ------
    InputError : no such workflow
    """
    if name not in WORKFLOWS:
        raise InputError(f"unknown workflow {name!r}; expected one of: {', '.join(WORKFLOWS)}")
    return WORKFLOWS[name]


def programs_of(level: str) -> dict[str, Any]:
    """Executors whose programs compute at a level of these workflows, by name.

    Raises
    ------
    InputError : not a level of any of them
    """
    from heliosc.qc.condensed.bulk import OpenmmExecutor
    from heliosc.qc.condensed.force_field import GfnffExecutor
    from heliosc.qc.xtb.executor import SemiEmpiricalExecutor

    kinds: dict[str, tuple[Callable[[], Any], ...]] = {
        "gfn2": (SemiEmpiricalExecutor,),
        "gfn2//gfnff": (SemiEmpiricalExecutor, GfnffExecutor),
        "gfnff": (SemiEmpiricalExecutor, GfnffExecutor),  # the molecule that the cluster is built from is GFN2-xTB's
        "mmff94-npt": (OpenmmExecutor,),
    }
    if level not in kinds:
        raise InputError(f"no condensed-phase workflow computes at level {level!r}; there are: {', '.join(kinds)}")
    executors = [kind() for kind in kinds[level]]
    return {executor.name: executor for executor in executors}


def calculation_identity(name: str, payload: Mapping[str, Any]) -> dict[str, Any]:
    """What makes two calculations of a workflow the same; cores and time limits do not.

    Raises
    ------
    InputError : the molecule or a keyword cannot be used
    """
    workflow = condensed_workflow(name)
    smiles, key = workflow.check(payload)
    level = payload["level"]
    return {
        "task": name,
        "schema": SCHEMA_VERSION,
        "inchikey": key,
        "smiles": smiles,
        "method": level,
        "programs": {program: executor.version() for program, executor in programs_of(level).items()},
        "keywords": {key: value for key, value in payload.items() if key not in ("smiles", "level", *_RESOURCES)},
    }
