"""What a calibration is given of a molecule: vertical energies of cheap methods at the GFN2-xTB minimum.

All energies carry the empirical shift of their level (see ``heliosc.properties.levels``). The continuum solvent shows
how much a charge gains from polarising its surroundings, which falls with the size of the molecule: the very effect
that separates gas-phase values from those of cyclic voltammetry.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem

from heliosc.chemistry.scaffolds import cut_alkyl_chains
from heliosc.properties.levels import ionization_shift
from heliosc.qc.engines import optimize_with_tblite
from heliosc.qc.geometries import Geometry, electron_count
from heliosc.qc.geometry import check_connectivity, check_molecule, prepare_geometry
from heliosc.qc.units import BOHR_A, HARTREE_EV
from heliosc.qc.xtb.engine import METHODS, TbliteSession
from heliosc.qc.xtb.library import tblite_interface
from heliosc.qc.xtb.response import frontier_orbitals

FloatArray = NDArray[np.float64]

SOLVENT = "ch2cl2"
SOLUTION = f"gfn2+alpb({SOLVENT})//gfn2"


def vertical_features(molecule: Chem.Mol, *, n_conformers: int = 4, seed: int = 2026) -> dict[str, float]:
    """``name@level`` -> eV of the molecule's core (alkyl chains of three carbons or more cut to methyl).

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
    return features_at(geometry)


def features_at(geometry: Geometry) -> dict[str, float]:
    """The same for a geometry that is a GFN2-xTB minimum of the neutral."""
    homo, lumo = frontier_orbitals(TbliteSession(geometry.symbols).evaluate(geometry.positions))
    features = {"homo_energy@gfn2": homo, "lumo_energy@gfn2": lumo}
    for method, level in (("gfn2", "gfn2"), ("ipea1", "ipea1//gfn2")):
        energies = {
            charge: TbliteSession(geometry.symbols, method=method, charge=charge).evaluate(geometry.positions).energy
            for charge in (0, 1, -1)
        }
        features |= _vertical(energies, level=level)
    energies = {charge: _energy_in_solution(geometry, charge=charge) for charge in (0, 1, -1)}
    return features | _vertical(energies, level=SOLUTION)


def _vertical(energies: dict[int, float], *, level: str) -> dict[str, float]:
    """IE and EA, eV, less the level's shift, from energies by charge, Eh."""
    shift = ionization_shift(level)
    return {
        f"vertical_ionization_energy@{level}": (energies[1] - energies[0]) * HARTREE_EV - shift,
        f"vertical_electron_affinity@{level}": (energies[0] - energies[-1]) * HARTREE_EV - shift,
    }


def _energy_in_solution(geometry: Geometry, *, charge: int) -> float:
    calculator = tblite_interface().Calculator(
        METHODS["gfn2"],
        _numbers(geometry.symbols),
        geometry.positions / BOHR_A,
        charge=charge,
        uhf=electron_count(geometry.symbols, charge=charge) % 2,
    )
    calculator.set("verbosity", 0)
    calculator.add("alpb-solvation", SOLVENT)
    return float(calculator.singlepoint().get("energy"))


def _numbers(symbols: tuple[str, ...]) -> NDArray[np.intc]:
    from ase.data import atomic_numbers

    return np.array([atomic_numbers[symbol] for symbol in symbols], dtype=np.intc)
