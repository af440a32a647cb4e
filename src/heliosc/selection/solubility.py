"""How far a molecule is from processing solvents in Hansen space.

A distance, not a relative one (RED): the radius of a solute's sphere is measured, and new molecules have none. A
molecule is judged as it stands, with the side chains that it has.

References
----------
Hansen, Hansen Solubility Parameters: A User's Handbook, 2nd ed., CRC Press 2007.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from rdkit import Chem

from heliosc.chemistry.hansen import MEASURED_PARAMETERS, HansenParameters, hansen_distance, hansen_parameters
from heliosc.chemistry.identity import parse_smiles
from heliosc.errors import InputError


def solubility_parameters(molecule: Chem.Mol) -> HansenParameters | str:
    """Parameters with all three parts, or in words why there are none."""
    try:
        found = hansen_parameters(molecule)
    except InputError as error:
        return str(error)
    return found if found.delta_p is not None else "; ".join(found.warnings)


@lru_cache(maxsize=16)
def solvent_parameters(solvents: tuple[str, ...]) -> tuple[tuple[str, HansenParameters], ...]:
    """Name and parameters of each solvent.

    Parameters
    ----------
    solvents : names of ``heliosc.chemistry.hansen.MEASURED_PARAMETERS``, or SMILES

    Raises
    ------
    InputError : neither, or a molecule without parameters
    """
    named = {entry.name.lower(): entry.smiles for entry in MEASURED_PARAMETERS}
    found = []
    for text in solvents:
        try:
            parameters = solubility_parameters(parse_smiles(named.get(text.lower(), text)))
        except InputError as error:
            raise InputError(f"solvent {text!r} is neither a SMILES nor one of {', '.join(named)}") from error
        if isinstance(parameters, str):
            raise InputError(f"solvent {text!r} has no solubility parameters: {parameters}")
        found.append((text, parameters))
    return tuple(found)


def nearest_solvent(parameters: HansenParameters, solvents: Sequence[str]) -> tuple[str, float]:
    """Name of the nearest solvent and the distance to it, MPa^0.5.

    Raises
    ------
    InputError : see ``solvent_parameters``; no solvents, or parameters without a polar part
    """
    distances = [
        (distance, name)
        for name, other in solvent_parameters(tuple(solvents))
        if (distance := hansen_distance(parameters, other)) is not None
    ]
    if not distances:
        raise InputError("no distance: name at least one solvent, and give parameters with a polar part")
    distance, name = min(distances)
    return name, distance
