"""Callables for the execution layer: JSON in, JSON out, ``heliosc.qc.condensed.tasks:stacking`` and ``:cluster``.

Both start from a geometry of the neutral, given or optimised with GFN2-xTB from the best force-field conformer. Side
chains cost much and tell little here: give the core (``heliosc.chemistry.scaffolds.cut_alkyl_chains``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from heliosc.errors import InputError

if TYPE_CHECKING:
    from rdkit import Chem

    from heliosc.qc.geometries import Geometry

_SHARED = {"smiles": str, "geometry": str, "seed": int, "n_conformers": int}
_STACKING = _SHARED | {"engine": str}
_CLUSTER = _SHARED | {"n_molecules": int, "time_ps": (int, float), "temperature_K": (int, float)}


def stacking(payload: dict[str, Any]) -> dict[str, Any]:
    """Planarity of a molecule, its most firmly bound dimer, and the couplings in it.

    Parameters
    ----------
    payload : ``smiles`` (required); ``geometry`` XYZ text of the neutral in the order of ``Chem.AddHs``; ``engine``
        (``rigid``, ``gfnff``), ``seed``, ``n_conformers``

    Returns
    -------
    As ``heliosc.qc.tasks.four_point``; ``details`` holds every arrangement and the best dimer's XYZ text

    Raises
    ------
    InputError : unknown keyword, no conjugated system, or a geometry of another molecule
    HelioscError : see ``heliosc.qc.condensed.stacking``
    """
    from heliosc.qc.xtb.library import tblite_version

    _check(payload, _STACKING)
    molecule, geometry, pi_atoms = _prepared(payload)
    from heliosc.chemistry.packing import conformer_packing_score
    from heliosc.chemistry.planarity import planarity
    from heliosc.qc.condensed.stacking import stacked_dimers, stacking_values

    shape = planarity(molecule, geometry.positions)
    dimers = stacked_dimers(geometry, pi_atoms, engine=payload.get("engine", "rigid"))
    values, couplings = stacking_values(dimers[0])
    values |= {
        "planarity_deviation@gfn2": shape.deviation,
        "planarity_span@gfn2": shape.span,
        "largest_torsion@gfn2": shape.largest_torsion,
    }
    score = conformer_packing_score(molecule, shape)
    if score is not None:
        values["packing_score@gfn2"] = score
    details = {
        "arrangements": [
            {"start": d.arrangement, "interaction_energy_eV": d.interaction_energy, "contact_share": d.contact_share}
            for d in dimers
        ],
        "best_dimer": dimers[0].dimer.together().to_xyz(f"{dimers[0].arrangement} dimer, {dimers[0].level}"),
        "degenerate_levels": {"hole": couplings[0].n_levels, "electron": couplings[1].n_levels},
        "n_pi_atoms": len(pi_atoms),
    }
    return _outcome(molecule, geometry, values, details, program="tblite", version=tblite_version())


def cluster(payload: dict[str, Any]) -> dict[str, Any]:
    """Cohesive energy and order of a small cluster from GFN-FF dynamics; two runs differ, velocities are drawn anew.

    Parameters
    ----------
    payload : ``smiles`` (required); ``geometry``, ``seed``, ``n_conformers`` as for ``stacking``; ``n_molecules`` (6),
        ``time_ps`` (10), ``temperature_K`` (300)

    Raises
    ------
    InputError : see ``stacking``
    HelioscError : see ``heliosc.qc.condensed.clusters.simulate_cluster``
    """
    _check(payload, _CLUSTER)
    molecule, geometry, pi_atoms = _prepared(payload)
    from heliosc.qc.condensed.clusters import simulate_cluster
    from heliosc.qc.condensed.force_field import DynamicsSettings, GfnffExecutor

    settings = DynamicsSettings(
        **{name: float(payload[name]) for name in ("time_ps", "temperature_K") if name in payload}
    )
    result = simulate_cluster(
        geometry,
        pi_atoms,
        n_molecules=payload.get("n_molecules", 6),
        settings=settings,
        seed=payload.get("seed", 0),
    )
    values = {"cohesive_energy@gfnff": result.cohesive_energy, "stacking_order@gfnff": result.order_parameter}
    details = {
        "stacked_share": result.stacked_share,
        "n_molecules": result.n_molecules,
        "n_frames": result.n_frames,
        "time_ps": settings.time_ps,
        "temperature_K": settings.temperature_K,
        "last": result.last.to_xyz("GFN-FF cluster"),
    }
    return _outcome(molecule, geometry, values, details, program="xtb", version=GfnffExecutor().version() or "unknown")


def _check(payload: Mapping[str, Any], known: Mapping[str, Any]) -> None:
    unknown = sorted(set(payload) - set(known))
    if unknown or "smiles" not in payload:
        raise InputError(
            f"keywords {', '.join(sorted(payload)) or 'none'}; expected smiles and any of: {', '.join(sorted(known))}"
        )
    for name, value in payload.items():
        if not isinstance(value, known[name]) or isinstance(value, bool):
            raise InputError(f"{name} is {value!r:.60}; expected {'text' if known[name] is str else 'a number'}")


def _prepared(payload: Mapping[str, Any]) -> tuple[Chem.Mol, Geometry, list[int]]:
    """Molecule without explicit hydrogen, geometry of the neutral, indices of its conjugated atoms."""
    from heliosc.qc.xtb.library import linear_algebra

    linear_algebra()  # before anything else loads a BLAS through tblite
    from rdkit import Chem

    from heliosc.chemistry.descriptors import conjugated_systems
    from heliosc.chemistry.identity import parse_smiles
    from heliosc.qc.geometries import Geometry
    from heliosc.qc.geometry import check_molecule

    molecule = Chem.RemoveHs(parse_smiles(payload["smiles"]))
    check_molecule(molecule)
    systems = conjugated_systems(molecule)
    if not systems:
        raise InputError(f"{payload['smiles'][:80]!r} has no conjugated system that could stack")
    if "geometry" not in payload:
        seed, n_conformers = payload.get("seed", 0), payload.get("n_conformers", 3)
        return molecule, _optimized(molecule, n_conformers=n_conformers, seed=seed), sorted(systems[0])
    geometry = Geometry.from_xyz(payload["geometry"])
    expected = tuple(atom.GetSymbol() for atom in Chem.AddHs(molecule).GetAtoms())
    if geometry.symbols != expected:
        raise InputError(
            f"the geometry has {geometry.n_atoms} atoms that are not those of {payload['smiles'][:60]!r} in order; "
            f"expected {len(expected)} atoms, heavy ones as in the SMILES, then hydrogen"
        )
    return molecule, geometry, sorted(systems[0])


def _optimized(molecule: Chem.Mol, *, n_conformers: int, seed: int) -> Geometry:
    from heliosc.chemistry.conformers import embed_conformers
    from heliosc.qc.geometries import Geometry
    from heliosc.qc.xtb.executor import SemiEmpiricalExecutor

    best = embed_conformers(molecule, n_conformers=n_conformers, seed=seed)[0]
    start = Geometry(best.symbols, best.positions)
    return SemiEmpiricalExecutor().optimize(start, charge=0, multiplicity=1).geometry


def _outcome(
    molecule: Chem.Mol, geometry: Geometry, values: Mapping[str, float], details: Mapping[str, Any], **program: str
) -> dict[str, Any]:
    from rdkit import Chem

    return {
        "smiles": Chem.MolToSmiles(molecule),
        "values": dict(values),
        "geometries": {"neutral": geometry.to_xyz("neutral")},
        **program,
        "details": dict(details),
    }
