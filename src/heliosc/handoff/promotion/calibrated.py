"""Computed levels taken to cyclic voltammetry by the shipped maps, with the error of the candidate's class.

The maps need seven single points at the stored GFN2-xTB minimum (two methods, three charges, a solvent), seconds a
molecule. Errors are leave-one-out, by class (see ``heliosc.qc.calibration``): acceptors with two electron-poor end
groups have one of their own. Beyond the range that the map was fitted on its error is added once more.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from rdkit import Chem

from heliosc.chemistry.scaffolds import cut_alkyl_chains
from heliosc.errors import ParseError
from heliosc.files import write_atomically
from heliosc.handoff.promotion.evidence import Evidence
from heliosc.qc.calibration import CalibratedValue, Calibration, shipped_calibration
from heliosc.qc.calibration.features import group_counts, vertical_features_at
from heliosc.qc.geometries import Geometry

CV_PROPERTIES = ("vertical_ionization_energy", "vertical_electron_affinity")
FEATURES_FILE = "cv_features.json"
_END_GROUPS = ("[#6]=[CX3](C#N)C#N", "[#6]=[#6]1[#16][#6](=*)[#7][#6]1=O", "[#6]=[#6]1[#16][#6](=*)[#6](=O)[#7]1")
_ACCEPTOR_ROLES = ("acceptor", "acceptor_for_PM6", "electron_transport", "n_dopable")


def cv_evidence(features: Mapping[str, float], molecule: Chem.Mol, *, role: str) -> list[Evidence]:
    """Vertical IE and EA on the CV scale.

    Parameters
    ----------
    features : ``name@level`` -> eV, as ``vertical_features_at`` gives them
    role : decides, with the structure, whose error applies

    Raises
    ------
    InputError : a feature is missing
    """
    inputs = {**features, **group_counts(cut_alkyl_chains(molecule))}
    kind = "acceptor" if role in _ACCEPTOR_ROLES and has_acceptor_ends(molecule) else "molecule"
    found = []
    for name in CV_PROPERTIES:
        calibration = shipped_calibration(name, "cv")
        value = calibration.apply(inputs)
        note = f"by the shipped map to CV, error of class {kind!r}"
        if value.outside:
            note += f"; beyond the map's range in {', '.join(value.outside)}"
        found.append(Evidence(calibration.key, value.value, class_std(calibration, value, kind=kind), note=note))
    return found


def class_std(calibration: Calibration, value: CalibratedValue, *, kind: str) -> float:
    """Standard error of a calibrated value for its class of molecule, eV."""
    own, overall = calibration.by_class[kind].rmse_one_out, calibration.figures.rmse_one_out
    std = value.std * own / overall
    return float((std**2 + overall**2) ** 0.5) if value.outside else std


def has_acceptor_ends(molecule: Chem.Mol) -> bool:
    """Whether there are two electron-poor end groups or more (dicyanovinylidene, rhodanine), as in A-D-A acceptors."""
    return sum(len(molecule.GetSubstructMatches(pattern)) for pattern in _end_groups()) >= 2


def features_of_run(run_folder: Path, geometries: Mapping[str, str]) -> dict[str, dict[str, float]]:
    """Inputs of the maps for the calculations of a run, kept in ``cv_features.json`` of its folder.

    Parameters
    ----------
    geometries : calculation key -> XYZ text of the neutral

    Raises
    ------
    ParseError : the file is damaged
    ConvergenceError : charges did not converge
    """
    path = run_folder / FEATURES_FILE
    known = _read(path)
    for key, xyz in geometries.items():
        if key not in known:
            known[key] = vertical_features_at(Geometry.from_xyz(xyz))
            write_atomically(path, json.dumps(known, indent=1, sort_keys=True) + "\n")
    return {key: known[key] for key in geometries}


def _read(path: Path) -> dict[str, dict[str, float]]:
    if not path.exists():
        return {}
    try:
        content = json.loads(path.read_text())
        return {key: {name: float(value) for name, value in row.items()} for key, row in content.items()}
    except (ValueError, AttributeError, TypeError) as error:
        raise ParseError(f"{path} is damaged ({error}); remove it and the values are computed again") from error


@cache
def _end_groups() -> tuple[Chem.Mol, ...]:
    return tuple(Chem.MolFromSmarts(smarts) for smarts in _END_GROUPS)
