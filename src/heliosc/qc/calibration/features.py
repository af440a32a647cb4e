"""What a calibration is given of a molecule: energies of cheap methods at GFN2-xTB minima, and counts of groups.

All energies carry the empirical shift of their level (see ``heliosc.properties.levels``). GFN2-xTB and IPEA1-xTB err by
group (carbonyls, nitro groups, halogens), which the counts mend. The continuum solvent shows how much a charge gains
from polarising its surroundings, which falls with the size of the molecule: the very effect that separates gas-phase
values from those of cyclic voltammetry.
"""

from __future__ import annotations

from functools import cache

from rdkit import Chem

from heliosc.chemistry.scaffolds import cut_alkyl_chains
from heliosc.properties.levels import ionization_shift
from heliosc.qc.engines import optimize_with_tblite
from heliosc.qc.four_point import FourPointSettings, run_four_point
from heliosc.qc.geometries import Geometry
from heliosc.qc.geometry import check_connectivity, check_molecule, prepare_geometry
from heliosc.qc.units import BOHR_A, HARTREE_EV
from heliosc.qc.xtb.engine import TbliteSession
from heliosc.qc.xtb.response import frontier_orbitals

SOLVENT = "ch2cl2"
SOLUTION = f"gfn2+alpb({SOLVENT})//gfn2"
IPEA = "ipea1//gfn2"

COUNTS = {
    "n_carbonyl": "[#6]=[OX1]",
    "n_nitro": "[N+](=O)[O-]",
    "n_halogen": "[F,Cl,Br,I]",
    "n_cyano": "C#N",
}
"""Groups that GFN2-xTB and IPEA1-xTB err by."""

COMPOSITION = {
    "n_sulfur": "[#16]",
    "n_pyridinic": "n",
    "n_amine": "[#7X3;!+]",
    "n_ether": "[#8X2]",
    "n_amide": "[#7]C(=O)",
    "n_arylamine": "[NX3;!$(NC=O)](c)",
}
"""What else organic semiconductors differ by; for the larger sets of CV levels."""


def group_counts(molecule: Chem.Mol) -> dict[str, float]:
    """How many there are of each group of ``COUNTS`` and ``COMPOSITION``."""
    return {name: float(len(molecule.GetSubstructMatches(_pattern(name)))) for name in (*COUNTS, *COMPOSITION)}


def adiabatic_features(molecule: Chem.Mol, *, n_conformers: int = 4, seed: int = 2026) -> dict[str, float]:
    """``name@level`` -> eV of the whole four-point calculation, and the group counts.

    Raises
    ------
    InputError : charged, open-shell or fragmented molecule
    ConvergenceError : charges or geometry did not converge, or the molecule fell apart
    """
    run = run_four_point(molecule, FourPointSettings(n_conformers=n_conformers, seed=seed))
    neutral, anion = run.geometries["neutral"], run.geometries["anion"]
    energy_change = _energy(neutral, charge=0, method="ipea1") - _energy(anion, charge=-1, method="ipea1")
    affinity = energy_change * HARTREE_EV - ionization_shift(IPEA)
    values = {str(key): value for key, value in run.values.items()}
    return values | {f"adiabatic_electron_affinity@{IPEA}": affinity} | group_counts(molecule)


def vertical_features(molecule: Chem.Mol, *, n_conformers: int = 4, seed: int = 2026) -> dict[str, float]:
    """``name@level`` -> eV at the neutral's minimum, in the gas phase and in dichloromethane, and the group counts.

    Alkyl chains of three carbons or more are cut to methyl: they do not move the levels, and cost most of the time.

    Raises
    ------
    InputError : charged, open-shell or fragmented molecule
    ConvergenceError : charges or geometry did not converge, or the molecule fell apart
    """
    check_molecule(molecule)
    core = cut_alkyl_chains(molecule)
    symbols = tuple(atom.GetSymbol() for atom in Chem.AddHs(Chem.RemoveHs(core)).GetAtoms())
    neutral = TbliteSession(symbols)
    start = prepare_geometry(core, n_conformers=n_conformers, seed=seed, session=neutral)
    minimum = optimize_with_tblite(neutral, start.geometry, bonds=start.bonds, max_steps=600)
    geometry = Geometry(symbols, minimum.positions * BOHR_A)
    check_connectivity(geometry, start.bonds, charge_state="neutral")
    return vertical_features_at(geometry) | group_counts(core)


def vertical_features_at(geometry: Geometry) -> dict[str, float]:
    """``name@level`` -> eV at a given minimum of the neutral, in the gas phase and in dichloromethane.

    Raises
    ------
    ConvergenceError : charges did not converge
    """
    homo, lumo = frontier_orbitals(TbliteSession(geometry.symbols).evaluate(geometry.positions))
    return (
        {"homo_energy@gfn2": homo, "lumo_energy@gfn2": lumo}
        | _vertical(geometry, level="gfn2", method="gfn2")
        | _vertical(geometry, level=IPEA, method="ipea1")
        | _vertical(geometry, level=SOLUTION, method="gfn2", solvent=SOLVENT)
    )


def features_for(property_name: str, molecule: Chem.Mol) -> dict[str, float]:
    """The features that a property's calibration chooses from: adiabatic or vertical ones."""
    return (adiabatic_features if property_name.startswith("adiabatic") else vertical_features)(molecule)


def input_menu(property_name: str) -> tuple[tuple[str, ...], ...]:
    """Choices of inputs for ``fit_calibration``, from few to many."""
    counts = tuple(COUNTS)
    gfn2, ipea = f"{property_name}@gfn2", f"{property_name}@{IPEA}"
    orbitals = ("homo_energy@gfn2", "lumo_energy@gfn2")
    common = ((gfn2,), (ipea,), (gfn2, ipea), (gfn2, ipea, orbitals[1]), (gfn2, ipea, orbitals[1], *counts))
    if property_name.startswith("adiabatic"):
        return common
    solution = f"{property_name}@{SOLUTION}"
    return (
        *common,
        (solution,),
        (solution, ipea),
        (gfn2, ipea, solution, *orbitals),
        (gfn2, ipea, solution, *orbitals, *counts),
        (gfn2, ipea, solution, *orbitals, *counts, *COMPOSITION),
    )


def _vertical(geometry: Geometry, *, level: str, method: str, solvent: str = "") -> dict[str, float]:
    """IE and EA, eV, less the level's shift."""
    neutral, cation, anion = (_energy(geometry, charge=q, method=method, solvent=solvent) for q in (0, 1, -1))
    shift = ionization_shift(level)
    return {
        f"vertical_ionization_energy@{level}": (cation - neutral) * HARTREE_EV - shift,
        f"vertical_electron_affinity@{level}": (neutral - anion) * HARTREE_EV - shift,
    }


def _energy(geometry: Geometry, *, charge: int, method: str, solvent: str = "") -> float:
    solvation = "alpb" if solvent else ""
    session = TbliteSession(geometry.symbols, method=method, charge=charge, solvation=solvation, solvent=solvent)
    return session.evaluate(geometry.positions).energy


@cache
def _pattern(name: str) -> Chem.Mol:
    return Chem.MolFromSmarts((COUNTS | COMPOSITION)[name])
