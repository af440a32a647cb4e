"""The four-point workflow on GFN2-xTB: three minima, seven energies, IPEA1 ionisation energies, polarizability."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rdkit import Chem

from heliosc.properties import XTB_IONIZATION_SHIFT_EV, PropertyKey
from heliosc.qc.charge_states import CHARGES, ChargeStates, relax
from heliosc.qc.energies import FourPointEnergies
from heliosc.qc.engines import geometry_optimizer
from heliosc.qc.geometries import Geometry
from heliosc.qc.geometry import (
    StartGeometry,
    check_connectivity,
    check_molecule,
    prepare_geometry,
    torsion_changes,
)
from heliosc.qc.units import HARTREE_EV
from heliosc.qc.xtb.engine import ElectronicState, TbliteSession
from heliosc.qc.xtb.response import dipole_debye, frontier_orbitals, polarizability
from heliosc.qc.xtb.state import XtbState

TORSION_FLAG_DEGREES = 20.0


@dataclass(frozen=True, slots=True)
class FourPointSettings:
    """What a user can choose; everything else is the scheme.

    Attributes
    ----------
    engine : who optimises, see ``heliosc.qc.engines.ENGINES``
    n_conformers : embedded at most
    seed : of the embedding
    max_steps : gradient evaluations of one optimisation at most
    """

    engine: str = "auto"
    n_conformers: int = 4
    seed: int = 2026
    max_steps: int = 400


@dataclass(slots=True)
class FourPointRun:
    """Everything a finished four-point calculation knows.

    Attributes
    ----------
    energies, ipea_energies : GFN2-xTB and IPEA1-xTB energies, the latter at GFN2 geometries: E0(R0), E+(R0), E+(R+)
    values : property -> value
    geometries : ``neutral``, ``cation``, ``anion``
    """

    energies: FourPointEnergies
    ipea_energies: tuple[float, float, float]
    values: dict[PropertyKey, float]
    geometries: dict[str, Geometry]
    n_evaluations: dict[str, int]
    attempts: list[str]
    flags: list[str]
    start: StartGeometry


def run_four_point(
    molecule: Chem.Mol, settings: FourPointSettings, *, progress: Callable[[str], None] | None = None
) -> FourPointRun:
    """The whole scheme for one neutral closed-shell molecule.

    Parameters
    ----------
    progress : called with the name of each finished stage

    Raises
    ------
    InputError : charged, open-shell or fragmented molecule, unknown engine, element outside GFN2-xTB
    ConvergenceError : charges or geometry did not converge, or the molecule fell apart ("wrong minimum")
    """
    report = progress or (lambda _: None)
    check_molecule(molecule)
    geometry_optimizer(settings.engine)
    symbols = tuple(atom.GetSymbol() for atom in Chem.AddHs(Chem.RemoveHs(molecule)).GetAtoms())
    sessions = {name: TbliteSession(symbols, charge=charge) for name, charge in CHARGES.items()}
    start = prepare_geometry(
        molecule, n_conformers=settings.n_conformers, seed=settings.seed, session=sessions["neutral"]
    )
    report("geometry")
    xtb_states = {name: XtbState(session, settings.engine) for name, session in sessions.items()}
    states = ChargeStates(start.geometry, start.bonds, xtb_states, settings.max_steps, settings.seed)
    energies = relax(states, report)
    geometries = {name: states.geometry(name) for name in CHARGES}
    for name, geometry in geometries.items():
        check_connectivity(geometry, start.bonds, charge_state=name)
    neutral = sessions["neutral"].evaluate(geometries["neutral"].positions)
    values, ipea = _values(energies, geometries, neutral)
    report("properties")
    return FourPointRun(
        energies,
        ipea,
        values,
        geometries,
        states.n_evaluations,
        states.attempts,
        run_flags(values[PropertyKey("vertical_electron_affinity", "gfn2")], geometries, start),
        start,
    )


def _values(
    energies: FourPointEnergies, geometries: dict[str, Geometry], neutral: ElectronicState
) -> tuple[dict[PropertyKey, float], tuple[float, float, float]]:
    shift = XTB_IONIZATION_SHIFT_EV
    homo, lumo = frontier_orbitals(neutral)
    gfn2 = energies.values(shift=shift) | {
        "homo_energy": homo,
        "lumo_energy": lumo,
        "homo_lumo_gap": lumo - homo,
        "dipole_moment": dipole_debye(neutral),
        "polarizability": polarizability(geometries["neutral"], neutral),
    }
    ipea = ipea_energies(geometries["neutral"], geometries["cation"])
    values = {PropertyKey(name, "gfn2"): value for name, value in gfn2.items()}
    for name, cation in (("vertical_ionization_energy", ipea[1]), ("adiabatic_ionization_energy", ipea[2])):
        values[PropertyKey(name, "ipea1//gfn2")] = (cation - ipea[0]) * HARTREE_EV - shift
    return values, ipea


def ipea_energies(neutral: Geometry, cation: Geometry) -> tuple[float, float, float]:
    """IPEA1-xTB energies E0(R0), E+(R0), E+(R+), Eh."""
    neutral_session = TbliteSession(neutral.symbols, method="ipea1")
    cation_session = TbliteSession(neutral.symbols, method="ipea1", charge=1)
    return (
        neutral_session.evaluate(neutral.positions).energy,
        cation_session.evaluate(neutral.positions).energy,
        cation_session.evaluate(cation.positions).energy,
    )


def run_flags(vertical_electron_affinity: float, geometries: dict[str, Geometry], start: StartGeometry) -> list[str]:
    """What a reader of the values must know: an unbound anion, torsions that turned in an ion."""
    flags = ["unbound_anion"] if vertical_electron_affinity < 0.0 else []
    coordinates = start.coordinates()
    for name in ("cation", "anion"):
        change = torsion_changes(coordinates, geometries["neutral"], geometries[name])
        if change > TORSION_FLAG_DEGREES:
            flags.append(f"torsion_change_{name}")
    return flags


def run_details(run: FourPointRun) -> dict[str, Any]:
    """What is stored beside the values: energies in Eh, evaluation counts, remedies, flags, origin of the geometry."""
    return {
        "energies_hartree": run.energies.as_dict(),
        "ipea1_energies_hartree": dict(
            zip(("neutral_at_neutral", "cation_at_neutral", "cation_at_cation"), run.ipea_energies, strict=True)
        ),
        "lambda_terms_eV": run.energies.lambda_terms,
        "n_evaluations": run.n_evaluations,
        "attempts": run.attempts,
        "flags": run.flags,
        "force_field": run.start.force_field,
        "n_conformers": run.start.n_conformers,
        "n_conformers_compared": run.start.n_compared,
    }
