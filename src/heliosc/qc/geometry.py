"""Geometry preparation: conformers from the graph, the best by xTB, and the check that the graph survived."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem

from heliosc.chemistry.conformers import Conformer, embed_conformers
from heliosc.errors import ConvergenceError, InputError
from heliosc.qc.geometries import Geometry
from heliosc.qc.internal_coordinates import InternalCoordinates, internal_coordinates
from heliosc.qc.units import BOHR_A
from heliosc.qc.xtb.engine import TbliteSession

FloatArray = NDArray[np.float64]

_BOND_TOLERANCE = 1.3  # a bond is there below this multiple of the sum of covalent radii
_PERCEPTION_TOLERANCE = 1.25
_CONTACT_TOLERANCE = 1.1  # atoms that are no neighbours must stay beyond this multiple


@dataclass(frozen=True, slots=True)
class StartGeometry:
    """Where the optimisations begin.

    Attributes
    ----------
    geometry : the best conformer
    bonds : (n_bonds, 2), of the molecular graph with hydrogens
    n_conformers : distinct conformers found
    n_compared : conformers compared by a single point
    force_field : which force field made them
    """

    geometry: Geometry
    bonds: NDArray[np.intp]
    n_conformers: int
    n_compared: int
    force_field: str

    def coordinates(self) -> InternalCoordinates:
        """Internal coordinates that the bonds span."""
        return internal_coordinates(self.geometry.positions / BOHR_A, self.bonds)


def check_molecule(molecule: Chem.Mol) -> None:
    """Refuse what the four-point scheme is not for.

    Raises
    ------
    InputError : charged, open-shell, or of several fragments
    """
    smiles = Chem.MolToSmiles(molecule)[:80]
    charge = Chem.GetFormalCharge(molecule)
    if charge:
        raise InputError(f"{smiles!r} has charge {charge:+d}; the four-point scheme expects a neutral molecule")
    if any(atom.GetNumRadicalElectrons() for atom in molecule.GetAtoms()):
        raise InputError(f"{smiles!r} is a radical; the four-point scheme expects a closed shell")
    if len(Chem.GetMolFrags(molecule)) > 1:
        raise InputError(f"{smiles!r} has several fragments; expected one molecule, without counter-ions or solvent")


def prepare_geometry(
    molecule: Chem.Mol, *, n_conformers: int, seed: int, session: TbliteSession, n_optimized: int = 1
) -> StartGeometry:
    """Best conformer: force field first, then a single point each for the best few, then the best of these optimised.

    Parameters
    ----------
    n_optimized : how many are optimised before one is chosen; 1 = none, the best single point is taken

    Raises
    ------
    ConvergenceError : no conformer could be made
    """
    conformers = embed_conformers(molecule, n_conformers=n_conformers, seed=seed)
    compared = conformers[: max(n_optimized, _n_single_points(len(conformers[0].symbols)))]
    ranked = _ranked(compared, session) if len(compared) > 1 else compared
    with_hydrogens = Chem.AddHs(Chem.RemoveHs(molecule))
    bonds = np.array(
        [(bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()) for bond in with_hydrogens.GetBonds()], dtype=np.intp
    ).reshape(-1, 2)
    if n_optimized == 1:
        geometry = Geometry(ranked[0].symbols, ranked[0].positions)
    else:
        geometry = _lowest_minimum(ranked[:n_optimized], session, bonds=bonds)
    return StartGeometry(geometry, bonds, len(conformers), len(compared), ranked[0].force_field)


def perceived_bonds(geometry: Geometry) -> NDArray[np.intp]:
    """Bonds, (n_bonds, 2), by distance alone, for geometries that come without a graph."""
    relative = _relative_distances(geometry)
    return np.argwhere(np.triu(relative < _PERCEPTION_TOLERANCE, k=1))


def check_connectivity(geometry: Geometry, bonds: NDArray[np.intp], *, charge_state: str) -> None:
    """Refuse a geometry whose bonds are not those of the molecular graph.

    Raises
    ------
    ConvergenceError : a bond broke or a new one formed ("wrong minimum")
    """
    relative = _relative_distances(geometry)
    bonded = np.zeros(relative.shape, dtype=bool)
    bonded[bonds[:, 0], bonds[:, 1]] = bonded[bonds[:, 1], bonds[:, 0]] = True
    broken = np.argwhere(np.triu(bonded & (relative > _BOND_TOLERANCE)))
    formed = np.argwhere(np.triu(~bonded & (relative < _CONTACT_TOLERANCE), k=1))
    for pairs, what in ((broken, "broke"), (formed, "formed")):
        if len(pairs):
            first, second = pairs[0]
            names = f"{geometry.symbols[first]}{first + 1}-{geometry.symbols[second]}{second + 1}"
            distance = float(np.linalg.norm(geometry.positions[first] - geometry.positions[second]))
            raise ConvergenceError(
                f"wrong minimum: in the {charge_state} the bond {names} {what} ({distance:.2f} A); "
                f"the molecule is not stable as drawn, or try another conformer (seed)"
            )


def torsion_changes(start: InternalCoordinates, before: Geometry, after: Geometry) -> float:
    """Largest change of a torsion between two geometries, degrees; 0 without torsions."""
    n_torsions = len(start.torsions)
    if not n_torsions:
        return 0.0
    change = start.difference(start.values(after.positions / BOHR_A), start.values(before.positions / BOHR_A))
    return float(np.rad2deg(np.abs(change[-n_torsions:]).max()))


def _relative_distances(geometry: Geometry) -> FloatArray:
    """Distances over sums of covalent radii, (n_atoms, n_atoms)."""
    from ase.data import atomic_numbers, covalent_radii

    radii = covalent_radii[[atomic_numbers[symbol] for symbol in geometry.symbols]]
    distances = np.linalg.norm(geometry.positions[:, None] - geometry.positions[None, :], axis=-1)
    return np.asarray(distances / (radii[:, None] + radii[None, :]))


def _n_single_points(n_atoms: int) -> int:
    """How many conformers are worth a single point: fewer for larger molecules."""
    return 3 if n_atoms <= 45 else 2 if n_atoms <= 70 else 1


def _ranked(conformers: list[Conformer], session: TbliteSession) -> list[Conformer]:
    energies = [session.evaluate(conformer.positions).energy for conformer in conformers]
    return [conformers[index] for index in np.argsort(energies, kind="stable")]


def _lowest_minimum(conformers: list[Conformer], session: TbliteSession, *, bonds: NDArray[np.intp]) -> Geometry:
    from heliosc.qc.engines import optimize_with_tblite  # it imports this module's neighbours

    minima = [
        optimize_with_tblite(session, Geometry(conformer.symbols, conformer.positions), bonds=bonds)
        for conformer in conformers
    ]
    best = min(minima, key=lambda minimum: minimum.energy)
    return Geometry(session.symbols, best.positions * BOHR_A)
