"""Callables for the execution layer: JSON in, JSON out: ``stacking``, ``cluster`` and ``density``.

All start from a geometry of the neutral, given or optimised with GFN2-xTB from the best force-field conformer. For
stacking and clusters side chains cost much and tell little: give the core
(``heliosc.chemistry.scaffolds.cut_alkyl_chains``). A density is that of the material as made.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from heliosc.errors import InputError

if TYPE_CHECKING:
    from rdkit import Chem

    from heliosc.qc.geometries import Geometry

_SHARED = {"smiles": str, "geometry": str, "seed": int, "level": str}
_NUMBER = (int, float)
_STACKING = _SHARED | {"n_conformers": int}
_CLUSTER = _STACKING | {"n_molecules": int, "time_ps": _NUMBER, "temperature_K": _NUMBER}
_DENSITY = _SHARED | {"n_molecules": int, "time_ps": _NUMBER, "n_cores": int, "timeout_s": _NUMBER}
_SLIGHT = 0.02  # of the density: a wider standard error is flagged


def stacking(payload: dict[str, Any]) -> dict[str, Any]:
    """Planarity of a molecule, its most firmly bound dimer, and the couplings in it.

    Parameters
    ----------
    payload : ``smiles`` (required); ``geometry`` XYZ text of the neutral in the order of ``Chem.AddHs``; ``level``
        (``gfn2``, ``gfn2//gfnff``), ``seed``, ``n_conformers``

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
    from heliosc.qc.condensed.stacking import engine_of, stacked_dimers, stacking_values

    shape = planarity(molecule, geometry.positions)
    dimers = stacked_dimers(geometry, pi_atoms, engine=engine_of(payload.get("level", "gfn2")))
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
        "conditions": f"{dimers[0].arrangement} dimer in vacuum",
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
    payload : ``smiles`` (required); ``geometry``, ``seed``, ``n_conformers`` as for ``stacking``; ``level``
        (``gfnff``), ``n_molecules`` (6), ``time_ps`` (10), ``temperature_K`` (300)

    Raises
    ------
    InputError : see ``stacking``
    HelioscError : see ``heliosc.qc.condensed.clusters.simulate_cluster``
    """
    _check(payload, _CLUSTER)
    _check_level(payload, "gfnff")
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
        "conditions": f"{result.n_molecules} molecules in vacuum, {settings.time_ps:g} ps at "
        f"{settings.temperature_K:g} K",
        "stacked_share": result.stacked_share,
        "n_molecules": result.n_molecules,
        "n_frames": result.n_frames,
        "time_ps": settings.time_ps,
        "temperature_K": settings.temperature_K,
        "last": result.last.to_xyz("GFN-FF cluster"),
    }
    return _outcome(molecule, geometry, values, details, program="xtb", version=GfnffExecutor().version() or "unknown")


def density(payload: dict[str, Any]) -> dict[str, Any]:
    """Density and cohesive energy of the bulk at 298.15 K and 1 bar from periodic dynamics with MMFF94.

    Parameters
    ----------
    payload : ``smiles`` (required) of the material with its side chains; ``geometry``, ``seed`` as for ``stacking``;
        ``level`` (``mmff94-npt``), ``n_molecules``, ``time_ps`` (200), ``n_cores``, ``timeout_s``

    Raises
    ------
    InputError : see ``stacking``; also an atom without parameters
    HelioscError : see ``heliosc.qc.condensed.bulk.OpenmmExecutor.simulate``
    """
    _check(payload, _DENSITY)
    from heliosc.qc.condensed.bulk import LEVEL, BulkSettings, OpenmmExecutor

    _check_level(payload, LEVEL)
    program = OpenmmExecutor()
    molecule = simulated_molecule(payload["smiles"])
    geometry = _given_geometry(payload, molecule) or _best_conformer(molecule, n_conformers=1, seed=_seed(payload))
    chosen: dict[str, Any] = {name: payload[name] for name in ("n_molecules", "time_ps") if name in payload}
    settings = BulkSettings(**chosen, n_threads=payload.get("n_cores", 1))
    result = program.simulate(
        _with_hydrogen(molecule), geometry, settings, seed=_seed(payload), timeout_s=payload.get("timeout_s", 86_400.0)
    )
    values = {f"density@{LEVEL}": result.density.value, f"cohesive_energy@{LEVEL}": result.cohesive_energy[0]}
    errors = (result.density.standard_error, result.cohesive_energy[1])
    kept_ps = settings.time_ps - result.density.n_discarded * settings.sample_ps
    details = {
        "conditions": f"{result.n_molecules} molecules, 298.15 K, 1 bar, mean of the last {kept_ps:g} of "
        f"{settings.time_ps:g} ps",
        "standard_errors": dict(zip(values, errors, strict=True)),
        "flags": ["wide_density_error"] if errors[0] > _SLIGHT * result.density.value else [],
        "n_cores": settings.n_threads,
        "n_molecules": result.n_molecules,
        "time_ps": settings.time_ps,
        "equilibration_ps": result.density.n_discarded * settings.sample_ps,
        "n_blocks": result.density.n_blocks,
        "platform": result.platform,
        "box_A": result.box_A,
        "density_series": [round(float(value), 5) for value in result.series],
        "last": result.last.to_xyz(f"bulk, cubic box of {result.box_A:.4f} A"),
    }
    return _outcome(molecule, geometry, values, details, program="openmm", version=program.version() or "unknown")


def conjugated_molecule(smiles: str) -> tuple[Chem.Mol, list[int]]:
    """Molecule without explicit hydrogen and the indices of its largest conjugated system.

    Raises
    ------
    InputError : unreadable, charged, a radical, several fragments, open attachment points, or nothing conjugated
    """
    from heliosc.chemistry.descriptors import conjugated_systems

    molecule = _molecule(smiles)
    systems = conjugated_systems(molecule)
    if not systems:
        raise InputError(f"{smiles[:80]!r} has no conjugated system that could stack")
    return molecule, sorted(systems[0])


def simulated_molecule(smiles: str) -> Chem.Mol:
    """Molecule without explicit hydrogen that MMFF94 has parameters for.

    Raises
    ------
    InputError : see ``conjugated_molecule``; or an atom without parameters
    """
    from heliosc.qc.condensed.mmff94 import check_mmff94

    molecule = _molecule(smiles)
    check_mmff94(molecule)
    return molecule


def _molecule(smiles: str) -> Chem.Mol:
    from rdkit import Chem

    from heliosc.chemistry.identity import parse_smiles
    from heliosc.qc.geometry import check_molecule

    molecule = Chem.RemoveHs(parse_smiles(smiles))
    if any(atom.GetAtomicNum() == 0 for atom in molecule.GetAtoms()):
        raise InputError(
            f"{smiles[:80]!r} has open attachment points [*] and is no molecule; compute a polymer's repeat unit with "
            "workflow polymer, and graft side chains on marked sites [*:1] first"
        )
    check_molecule(molecule)
    return molecule


def _check(payload: Mapping[str, Any], known: Mapping[str, Any]) -> None:
    unknown = sorted(set(payload) - set(known))
    if unknown or "smiles" not in payload:
        raise InputError(
            f"keywords {', '.join(sorted(payload)) or 'none'}; expected smiles and any of: {', '.join(sorted(known))}"
        )
    for name, value in payload.items():
        if not isinstance(value, known[name]) or isinstance(value, bool):
            raise InputError(f"{name} is {value!r:.60}; expected {'text' if known[name] is str else 'a number'}")


def _check_level(payload: Mapping[str, Any], level: str) -> None:
    if payload.get("level", level) != level:
        raise InputError(f"level is {payload['level']!r:.60}; this task computes at {level}")


def _prepared(payload: Mapping[str, Any]) -> tuple[Chem.Mol, Geometry, list[int]]:
    """Molecule without explicit hydrogen, geometry of the neutral, indices of its conjugated atoms."""
    from heliosc.qc.xtb.library import linear_algebra

    linear_algebra()  # before anything else loads a BLAS through tblite
    molecule, pi_atoms = conjugated_molecule(payload["smiles"])
    given = _given_geometry(payload, molecule)
    if given is not None:
        return molecule, given, pi_atoms
    from heliosc.qc.xtb.executor import SemiEmpiricalExecutor

    start = _best_conformer(molecule, n_conformers=payload.get("n_conformers", 3), seed=_seed(payload))
    return molecule, SemiEmpiricalExecutor().optimize(start, charge=0, multiplicity=1).geometry, pi_atoms


def _given_geometry(payload: Mapping[str, Any], molecule: Chem.Mol) -> Geometry | None:
    if "geometry" not in payload:
        return None
    from heliosc.qc.geometries import Geometry

    geometry = Geometry.from_xyz(payload["geometry"])
    expected = tuple(atom.GetSymbol() for atom in _with_hydrogen(molecule).GetAtoms())
    if geometry.symbols != expected:
        raise InputError(
            f"the geometry has {geometry.n_atoms} atoms that are not those of {payload['smiles'][:60]!r} in order; "
            f"expected {len(expected)} atoms, heavy ones as in the SMILES, then hydrogen"
        )
    return geometry


def _best_conformer(molecule: Chem.Mol, *, n_conformers: int, seed: int) -> Geometry:
    from heliosc.chemistry.conformers import embed_conformers
    from heliosc.qc.geometries import Geometry

    best = embed_conformers(molecule, n_conformers=n_conformers, seed=seed)[0]
    return Geometry(best.symbols, best.positions)


def _with_hydrogen(molecule: Chem.Mol) -> Chem.Mol:
    from rdkit import Chem

    return Chem.AddHs(molecule)


def _seed(payload: Mapping[str, Any]) -> int:
    return int(payload.get("seed", 0))


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
