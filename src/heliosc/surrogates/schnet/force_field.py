"""The cheapest geometries: one ETKDG conformer relaxed by MMFF94; about 50 molecules a second, neutral only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from rdkit import Chem

from heliosc.chemistry.conformers import embed_conformers
from heliosc.chemistry.identity import parse_smiles
from heliosc.errors import ConvergenceError, InputError
from heliosc.surrogates.schnet.geometries import MissingGeometry, MolecularGeometry

LEVEL = "etkdg-mmff94"


@dataclass(frozen=True, slots=True)
class ForceFieldGeometries:
    """Best of a few ETKDG conformers by MMFF94 energy.

    Attributes
    ----------
    n_conformers : embedded at most
    seed : of the embedding
    """

    n_conformers: int = 1
    seed: int = 2026

    @property
    def level(self) -> str:
        """``etkdg-mmff94``: molecules that MMFF94 has no parameters for get no geometry, and no UFF one either."""
        return LEVEL

    def find(self, smiles: Sequence[str], *, states: Sequence[str]) -> list[MolecularGeometry | MissingGeometry]:
        """Geometry of each molecule, or why there is none; a force field knows no ions."""
        ions = [state for state in states if state != "neutral"]
        if ions:
            reason = f"a force field has no geometry of the {' and the '.join(ions)}; use xTB geometries"
            return [MissingGeometry(text, reason) for text in smiles]
        return [self._find(text) for text in smiles]

    def _find(self, smiles: str) -> MolecularGeometry | MissingGeometry:
        try:
            conformers = embed_conformers(parse_smiles(smiles), n_conformers=self.n_conformers, seed=self.seed)
        except (InputError, ConvergenceError) as error:
            return MissingGeometry(smiles, str(error))
        best = conformers[0]
        if best.force_field != "mmff94":
            return MissingGeometry(smiles, f"MMFF94 has no parameters for it (only {best.force_field})")
        table = Chem.GetPeriodicTable()
        numbers = np.array([table.GetAtomicNumber(symbol) for symbol in best.symbols], dtype=np.int64)
        return MolecularGeometry(numbers, {"neutral": best.positions})
