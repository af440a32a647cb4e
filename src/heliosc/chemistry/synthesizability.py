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
from pathlib import Path
from types import ModuleType

from rdkit import Chem, RDConfig

from heliosc.chemistry.scaffolds import cut_alkyl_chains
from heliosc.errors import MissingDependencyError

SA_CORE_PASS = 5.0
SA_CORE_OUT = 6.0


def sa_score(molecule: Chem.Mol) -> float:
    """SA score of the molecule as it is, 1 (easy) to 10 (hard).

    Raises
    ------
    MissingDependencyError : this RDKit was installed without its Contrib folder
    """
    return float(_scorer().calculateScore(molecule))


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
