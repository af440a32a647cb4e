"""Conformers: ETKDG embedding, force-field optimisation and ranking, all within a time limit.

RDKit can search for minutes on caged molecules, so every embedding carries RDKit's own time limit; fullerene cages
start from topological coordinates instead.

References
----------
Wang, Witek, Landrum, Riniker, J. Chem. Inf. Model. 2020, 60, 2044 (ETKDGv3).
Halgren, J. Comput. Chem. 1996, 17, 490 (MMFF94).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem
from rdkit.Chem import rdDistGeom, rdForceFieldHelpers, rdMolDescriptors
from rdkit.Geometry import Point3D

from heliosc.chemistry.cages import cage_positions, fullerene_cage
from heliosc.errors import ConvergenceError

EMBEDDING_TIMEOUT_S = 30
_SELENIUM, _SULFUR = 34, 16
FORCE_FIELD_STEPS = 2_000
_SAME_ENERGY = 0.05  # kcal/mol; conformers closer than this are taken for one


@dataclass(frozen=True, slots=True)
class Conformer:
    """One 3D geometry.

    Attributes
    ----------
    symbols : (n_atoms,), in the atom order of ``Chem.AddHs``
    positions : (n_atoms, 3), A
    energy_kcal : force-field energy, comparable within one molecule and force field only
    force_field : ``mmff94`` or ``uff``
    """

    symbols: tuple[str, ...]
    positions: NDArray[np.float64]
    energy_kcal: float
    force_field: str


def embed_conformers(molecule: Chem.Mol, *, n_conformers: int, seed: int) -> list[Conformer]:
    """Distinct conformers of a molecule, best force-field energy first.

    Parameters
    ----------
    molecule : without 3D coordinates; hydrogens are added
    n_conformers : embeddings at most; rigid molecules get fewer
    seed : of the embedding

    Raises
    ------
    ConvergenceError : no embedding succeeded within ``EMBEDDING_TIMEOUT_S``
    """
    molecule = Chem.AddHs(Chem.RemoveHs(molecule))
    n_wanted = min(n_conformers, 1 + 2 * rdMolDescriptors.CalcNumRotatableBonds(molecule))
    cage = fullerene_cage(molecule)
    if not (_place_cage(molecule, cage, seed=seed) if cage else _embed(molecule, n_wanted, seed=seed)):
        raise ConvergenceError(
            f"no 3D geometry for {Chem.MolToSmiles(Chem.RemoveHs(molecule))[:80]!r} within {EMBEDDING_TIMEOUT_S} s; "
            f"check strained rings and stereo marks, or supply a geometry"
        )
    return _distinct(_optimized(molecule))


def _embed(molecule: Chem.Mol, n_conformers: int, *, seed: int) -> bool:
    for use_random_coordinates in (False, True):
        parameters = _parameters(seed)
        parameters.useRandomCoords = use_random_coordinates
        rdDistGeom.EmbedMultipleConfs(molecule, n_conformers, parameters)
        if molecule.GetNumConformers() > 0:  # after a time-out the returned ids are not those of conformers
            return True
    return False


def _place_cage(molecule: Chem.Mol, cage: list[int], *, seed: int) -> bool:
    """Give the molecule one conformer whose cage has topological coordinates."""
    points = {atom: Point3D(*map(float, xyz)) for atom, xyz in zip(cage, cage_positions(molecule, cage), strict=True)}
    if len(cage) == molecule.GetNumAtoms():
        conformer = Chem.Conformer(len(cage))
        for atom, point in points.items():
            conformer.SetAtomPosition(atom, point)
        molecule.AddConformer(conformer)
        return True
    parameters = _parameters(seed)
    parameters.useExpTorsionAnglePrefs = parameters.useBasicKnowledge = False
    parameters.ignoreSmoothingFailures = True
    parameters.SetCoordMap(points)
    return bool(rdDistGeom.EmbedMolecule(molecule, parameters) >= 0)


def _parameters(seed: int) -> Any:  # RDKit's type stubs know none of its settings
    parameters: Any = rdDistGeom.ETKDGv3()
    parameters.randomSeed = seed
    parameters.timeout = EMBEDDING_TIMEOUT_S
    parameters.numThreads = 1
    return parameters


def _optimized(molecule: Chem.Mol) -> list[Conformer]:
    force_field, outcomes = _relax(molecule)
    symbols = tuple(atom.GetSymbol() for atom in molecule.GetAtoms())
    return [
        Conformer(symbols, np.array(conformer.GetPositions(), dtype=np.float64), float(energy), force_field)
        for conformer, (_, energy) in zip(molecule.GetConformers(), outcomes, strict=True)
    ]


def _relax(molecule: Chem.Mol) -> tuple[str, list[tuple[int, float]]]:
    """Optimise all conformers in place; returns the force field and, for each, (not converged, kcal/mol)."""
    if rdForceFieldHelpers.MMFFHasAllMoleculeParams(molecule):
        return "mmff94", rdForceFieldHelpers.MMFFOptimizeMoleculeConfs(
            molecule, maxIters=FORCE_FIELD_STEPS, numThreads=1
        )
    if rdForceFieldHelpers.UFFHasAllMoleculeParams(molecule):
        return "uff", rdForceFieldHelpers.UFFOptimizeMoleculeConfs(molecule, maxIters=FORCE_FIELD_STEPS, numThreads=1)
    return _relax_as_sulfur(molecule)


def _relax_as_sulfur(molecule: Chem.Mol) -> tuple[str, list[tuple[int, float]]]:
    # Neither force field knows two-coordinate selenium, and UFF without its type tears the ring apart. Its sulfur
    # analogue has the same shape, with bonds 0.15 A shorter, from which GFN2-xTB relaxes without trouble.
    analogue = Chem.RWMol(molecule)
    selenium = [atom for atom in analogue.GetAtoms() if atom.GetAtomicNum() == _SELENIUM]
    if not selenium:
        raise ConvergenceError(
            f"neither MMFF94 nor UFF has parameters for {Chem.MolToSmiles(Chem.RemoveHs(molecule))[:80]!r}; "
            "supply a geometry"
        )
    for atom in selenium:
        atom.SetAtomicNum(_SULFUR)
    stand_in = analogue.GetMol()
    Chem.SanitizeMol(stand_in)
    force_field, outcomes = _relax(stand_in)
    for conformer in molecule.GetConformers():
        conformer.SetPositions(stand_in.GetConformer(conformer.GetId()).GetPositions())
    return f"{force_field} with S in place of Se", outcomes


def _distinct(conformers: list[Conformer]) -> list[Conformer]:
    """Best first, without the ones whose energy equals a better one's."""
    ranked = sorted(conformers, key=lambda conformer: conformer.energy_kcal)
    return [
        conformer
        for index, conformer in enumerate(ranked)
        if index == 0 or conformer.energy_kcal - ranked[index - 1].energy_kcal > _SAME_ENERGY
    ]
