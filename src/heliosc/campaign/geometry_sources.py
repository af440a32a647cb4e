"""GFN2-xTB geometries for the three-dimensional surrogate: those shipped with the library, and newly optimised ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from rdkit import Chem

from heliosc.chemistry.identity import parse_smiles
from heliosc.datasets.library.load import load_library
from heliosc.errors import HelioscError
from heliosc.qc.charge_states import CHARGES, ChargeStates, relax
from heliosc.qc.four_point import FourPointSettings
from heliosc.qc.geometries import Geometry
from heliosc.qc.geometry import check_connectivity, check_molecule, prepare_geometry
from heliosc.qc.xtb.engine import TbliteSession
from heliosc.qc.xtb.state import XtbState
from heliosc.surrogates.schnet.geometries import (
    FloatArray,
    IntArray,
    KnownGeometries,
    MissingGeometry,
    MolecularGeometry,
)

LEVEL = "gfn2"


def library_geometries(folder: Path | None = None) -> KnownGeometries:
    """The optimised geometries of the embedded library, or of a folder that ``heliosc label`` wrote.

    Raises
    ------
    InputError : the folder holds no geometries, or damaged ones
    """

    def entries() -> Iterator[tuple[str, str, IntArray, FloatArray]]:
        for key, state, xyz in load_library(folder).geometries():
            geometry = Geometry.from_xyz(xyz)
            yield key, state, _atomic_numbers(geometry.symbols), geometry.positions

    return KnownGeometries.of_states(LEVEL, entries())


@dataclass(frozen=True, slots=True)
class XtbGeometries:
    """Optimises in this process, as the four-point workflow does; ions only where they are asked for.

    Attributes
    ----------
    settings : conformers, seed and engine
    """

    settings: FourPointSettings = field(default_factory=FourPointSettings)

    @property
    def level(self) -> str:
        """``gfn2``, as the library's."""
        return LEVEL

    def find(self, smiles: Sequence[str], *, states: Sequence[str]) -> list[MolecularGeometry | MissingGeometry]:
        """Optimised geometry of each molecule in all the states, or why there is none."""
        return [self._find(text, states) for text in smiles]

    def _find(self, smiles: str, states: Sequence[str]) -> MolecularGeometry | MissingGeometry:
        try:
            return self._optimized(parse_smiles(smiles), states)
        except HelioscError as error:
            return MissingGeometry(smiles, str(error))

    def _optimized(self, molecule: Chem.Mol, states: Sequence[str]) -> MolecularGeometry:
        check_molecule(molecule)
        settings = self.settings
        symbols = tuple(atom.GetSymbol() for atom in Chem.AddHs(Chem.RemoveHs(molecule)).GetAtoms())
        with_ions = set(states) != {"neutral"}
        sessions = {
            name: TbliteSession(symbols, charge=charge)
            for name, charge in CHARGES.items()
            if with_ions or name == "neutral"
        }
        start = prepare_geometry(
            molecule, n_conformers=settings.n_conformers, seed=settings.seed, session=sessions["neutral"]
        )
        xtb_states = {name: XtbState(session, settings.engine) for name, session in sessions.items()}
        charge_states = ChargeStates(start.geometry, start.bonds, xtb_states, settings.max_steps, settings.seed)
        if with_ions:
            relax(charge_states, lambda _: None)
        else:
            charge_states.optimize("neutral", begin=charge_states.begin, hessian=None)
        minima = {name: charge_states.geometry(name) for name in sessions}
        for name, geometry in minima.items():
            check_connectivity(geometry, start.bonds, charge_state=name)
        return MolecularGeometry(_atomic_numbers(symbols), {name: g.positions for name, g in minima.items()})


def _atomic_numbers(symbols: Sequence[str]) -> IntArray:
    table = Chem.GetPeriodicTable()
    return np.array([table.GetAtomicNumber(symbol) for symbol in symbols], dtype=np.int64)
