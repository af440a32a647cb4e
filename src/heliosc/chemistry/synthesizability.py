"""Synthetic accessibility (SA) score of a molecule and of its core.

The score rates how common a molecule's fragments are among known compounds, less penalties for size, rings and
stereocentres: 1 is easy, 10 is hard. It knows drugs better than semiconductors and punishes long side chains (Y6 scores
6.4 with its chains and 4.95 without), so candidates are judged by their core.

References
----------
Ertl, Schuffenhauer, J. Cheminform. 2009, 1, 8, 10.1186/1758-2946-1-8; implementation of RDKit's Contrib folder.
"""

from __future__ import annotations

import importlib.util
import warnings
from functools import lru_cache
from math import log, log10
from pathlib import Path
from types import ModuleType

from rdkit import Chem, RDConfig
from rdkit.Chem import rdMolDescriptors, rdqueries

from heliosc.chemistry.scaffolds import cut_alkyl_chains
from heliosc.errors import MissingDependencyError

SA_CORE_PASS = 5.0
SA_CORE_OUT = 6.0
_RAW_LOW, _RAW_HIGH = -4.0, 2.5


def sa_score(molecule: Chem.Mol) -> float:
    """SA score of the molecule as it is, 1 (easy) to 10 (hard).

    The same number as ``calculateScore`` of RDKit's Contrib folder, three times as fast: stereocentres are counted
    without asking atom by atom.

    Raises
    ------
    MissingDependencyError : this RDKit was installed without its Contrib folder
    """
    scorer = _scorer()
    fragments = scorer.mfpgen.GetSparseCountFingerprint(molecule).GetNonzeroElements()
    n_atoms = molecule.GetNumAtoms()
    total = 0.0  # added one by one, in the original's order: the last digit is the same
    for fragment, n in fragments.items():
        total += scorer._fscores.get(fragment, -4) * n
    score = total / sum(fragments.values()) + _complexity(molecule)
    if n_atoms > len(fragments):  # few different fragments: a symmetrical molecule, easier to make
        score += log(n_atoms / len(fragments)) * 0.5
    score = 11.0 - (score - _RAW_LOW + 1) / (_RAW_HIGH - _RAW_LOW) * 9.0
    if score > 8.0:
        score = 8.0 + log(score + 1.0 - 9.0)
    return min(max(score, 1.0), 10.0)


def _complexity(molecule: Chem.Mol) -> float:
    """Penalties for size, stereocentres, spiro atoms, bridgeheads and macrocycles, below zero."""
    n_atoms = molecule.GetNumAtoms()
    score = 0.0 - (n_atoms**1.005 - n_atoms)
    score -= log10(_n_stereocentres(molecule) + 1)
    score -= log10(rdMolDescriptors.CalcNumSpiroAtoms(molecule) + 1)
    score -= log10(rdMolDescriptors.CalcNumBridgeheadAtoms(molecule) + 1)
    has_macrocycle = any(len(ring) > 8 for ring in molecule.GetRingInfo().AtomRings())
    return score - log10(2) if has_macrocycle else score


def _n_stereocentres(molecule: Chem.Mol) -> int:
    """Assigned and possible ones, as ``Chem.FindMolChiralCenters`` counts them."""
    Chem.AssignStereochemistry(molecule, cleanIt=True, force=True, flagPossibleStereoCenters=True)
    return len(molecule.GetSubstructMatches(_stereocentre(), maxMatches=molecule.GetNumAtoms()))


@lru_cache(maxsize=1)
def _stereocentre() -> Chem.Mol:
    """An atom that RDKit has marked as a stereocentre, assigned or possible."""
    atom = rdqueries.HasPropQueryAtom("_CIPCode")
    atom.ExpandQuery(rdqueries.HasPropQueryAtom("_ChiralityPossible"), Chem.CompositeQueryType.COMPOSITE_OR)
    query = Chem.RWMol()
    query.AddAtom(atom)
    return query.GetMol()


def core_sa_score(molecule: Chem.Mol) -> float:
    """SA score of the core, alkyl chains of three carbons or more shortened to methyl.

    Raises
    ------
    MissingDependencyError : as ``sa_score``
    """
    return sa_score(cut_alkyl_chains(molecule))


def synthesizability_grade(core_score: float) -> str:
    """``pass`` up to 5, ``decide`` (a person looks) up to 6, ``out`` above."""
    if core_score <= SA_CORE_PASS:
        return "pass"
    return "decide" if core_score <= SA_CORE_OUT else "out"


@lru_cache(maxsize=1)
def _scorer() -> ModuleType:
    """RDKit's scorer, loaded from its file because the Contrib folder is not a package."""
    path = Path(RDConfig.RDContribDir) / "SA_Score" / "sascorer.py"
    scores = path.with_name("fpscores.pkl.gz")
    missing = next((file for file in (path, scores) if not file.is_file()), None)
    specification = importlib.util.spec_from_file_location("heliosc_rdkit_sascorer", path)
    if missing is not None or specification is None or specification.loader is None:
        raise MissingDependencyError(
            f"RDKit's SA score is not at {missing or path}; expected in the Contrib folder of the rdkit wheel. "
            "Reinstall it: pip install --force-reinstall rdkit"
        )
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # it leaves the score file for the garbage collector to close
        module.readFragmentScores()
    return module
