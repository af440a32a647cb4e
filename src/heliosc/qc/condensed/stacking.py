"""Stacked dimers of a molecule: which arrangement holds best, how firmly, and how well it couples.

Interaction energy: GFN2-xTB, E(AB) - E(A) - E(B), every molecule in the geometry it has in the dimer. GFN2 binds
stacks of small arenes by 30 to 50 per cent too firmly (benzene dimer, parallel displaced: -4.0 kcal/mol where CCSD(T)
gives -2.7), so compare molecules, not with experiment. Engines:

``rigid`` (default, embedded)   both molecules as given, six degrees of freedom, GFN2-xTB: level ``gfn2``
``gfnff`` (needs ``xtb``)       all atoms relaxed with GFN-FF, then GFN2-xTB: level ``gfn2//gfnff``

References
----------
Bannwarth, Ehlert, Grimme, J. Chem. Theory Comput. 2019, 15, 1652, 10.1021/acs.jctc.8b01176 (GFN2-xTB).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from heliosc.errors import InputError
from heliosc.qc.condensed.dimers import Dimer, contact_share, dimer_starts
from heliosc.qc.condensed.force_field import GfnffExecutor
from heliosc.qc.condensed.rigid_body import relax_rigid_dimer
from heliosc.qc.condensed.transfer_integrals import Coupling, transfer_integrals
from heliosc.qc.geometries import Geometry
from heliosc.qc.units import HARTREE_EV
from heliosc.qc.xtb.engine import TbliteSession

ENGINES: dict[str, str] = {"rigid": "gfn2", "gfnff": "gfn2//gfnff"}
"""How a dimer is relaxed -> level of theory of what is computed there."""


@dataclass(frozen=True, slots=True)
class StackedDimer:
    """One relaxed dimer.

    Attributes
    ----------
    arrangement : the start it came from
    interaction_energy : eV, negative when bound
    energy_per_pi_atom : interaction energy over the conjugated atoms of one molecule, eV
    contact_share : share of the conjugated atoms within 4 A of the other molecule's
    level : level of theory
    """

    arrangement: str
    dimer: Dimer
    interaction_energy: float
    energy_per_pi_atom: float
    contact_share: float
    level: str


def engine_of(level: str) -> str:
    """The engine whose values stand at a level of theory.

    Raises
    ------
    InputError : none of them
    """
    for engine, its_level in ENGINES.items():
        if its_level == level:
            return engine
    raise InputError(f"no stacking engine gives level {level[:60]!r}; expected one of: {', '.join(ENGINES.values())}")


def stacked_dimers(monomer: Geometry, pi_atoms: Sequence[int], *, engine: str = "rigid") -> list[StackedDimer]:
    """Relaxed dimers from every start, the most firmly bound first.

    Parameters
    ----------
    monomer : optimised, closed shell
    pi_atoms : indices of the atoms of its conjugated system

    Raises
    ------
    InputError : unknown engine, or no conjugated plane
    ConvergenceError : charges or geometry did not converge
    MissingDependencyError : engine ``gfnff`` without xtb
    """
    if engine not in ENGINES:
        raise InputError(f"unknown stacking engine {engine!r}; expected one of: {', '.join(ENGINES)}")
    found = []
    for arrangement, start in dimer_starts(monomer, pi_atoms).items():
        dimer = relax_rigid_dimer(start)[0] if engine == "rigid" else _relaxed_with_gfnff(start)
        energy = interaction_energy(dimer)
        share = contact_share(dimer, pi_atoms)
        found.append(StackedDimer(arrangement, dimer, energy, energy / len(pi_atoms), share, ENGINES[engine]))
    return sorted(found, key=lambda stacked: stacked.interaction_energy)


def interaction_energy(dimer: Dimer) -> float:
    """GFN2-xTB energy of the dimer less that of its molecules as they are in it, eV.

    Raises
    ------
    InputError, ConvergenceError : see ``heliosc.qc.xtb.engine.TbliteSession.evaluate``
    """
    together = dimer.together()
    parts = (dimer.first, dimer.second)
    apart = sum(TbliteSession(part.symbols).evaluate(part.positions).energy for part in parts)
    return (TbliteSession(together.symbols).evaluate(together.positions).energy - apart) * HARTREE_EV


def stacking_values(stacked: StackedDimer) -> tuple[dict[str, float], tuple[Coupling, Coupling]]:
    """Values of a dimer as ``name@level``, and the couplings of its HOMOs and LUMOs.

    Raises
    ------
    InputError, ConvergenceError : see ``transfer_integrals``
    """
    hole, electron = transfer_integrals(stacked.dimer)
    values = {
        "stacking_energy": stacked.energy_per_pi_atom,
        "stacking_contacts": stacked.contact_share,
        "transfer_integral_hole": hole.size,
        "transfer_integral_electron": electron.size,
    }
    return {f"{name}@{stacked.level}": value for name, value in values.items()}, (hole, electron)


def _relaxed_with_gfnff(start: Dimer) -> Dimer:
    n_first = start.first.n_atoms
    optimized, _ = GfnffExecutor().optimize(start.together())
    first, second = optimized.positions[:n_first], optimized.positions[n_first:]
    return Dimer(Geometry(start.first.symbols, first), Geometry(start.second.symbols, second))
