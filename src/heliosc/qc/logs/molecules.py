"""The molecule behind a geometry, for outputs that name none."""

from __future__ import annotations

from rdkit import Chem
from rdkit.Chem import rdDetermineBonds

from heliosc.chemistry.identity import MAX_HEAVY_ATOMS, inchikey, parse_smiles
from heliosc.errors import InputError
from heliosc.qc.geometries import Geometry

_MAX_ITERATIONS = 20_000  # bond orders of a large damaged structure are a search without end


def smiles_of(geometry: Geometry) -> str:
    """Canonical SMILES of a neutral molecule, bonds and bond orders perceived from its geometry.

    Raises
    ------
    InputError : too large, several fragments, a radical, or no bond orders that satisfy all valences
    """
    n_heavy = sum(symbol != "H" for symbol in geometry.symbols)
    if not 0 < n_heavy <= MAX_HEAVY_ATOMS:
        raise InputError(f"{n_heavy} heavy atoms; expected 1 to {MAX_HEAVY_ATOMS}")
    molecule = Chem.MolFromXYZBlock(geometry.to_xyz())
    if molecule is None:
        raise InputError("no molecule can be made from the geometry")
    try:
        rdDetermineBonds.DetermineBonds(molecule, charge=0, maxIterations=_MAX_ITERATIONS)
    except (ValueError, RuntimeError) as error:
        raise InputError(f"no bond orders fit the geometry as a neutral molecule: {str(error)[:120]}") from error
    text = Chem.MolToSmiles(Chem.RemoveHs(molecule))
    perceived = parse_smiles(text)
    if "." in text or any(atom.GetNumRadicalElectrons() for atom in perceived.GetAtoms()):
        raise InputError(f"the geometry reads as {text[:80]}: several fragments or a radical")
    inchikey(perceived)
    return Chem.MolToSmiles(perceived)
