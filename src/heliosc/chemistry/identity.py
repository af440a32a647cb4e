"""Molecule identity: parsing with limits, canonical SMILES, InChIKey.

Hostile input is stopped before RDKit sees it: a chain of 100,000 carbons parses in a second but takes minutes to write.
"""

from __future__ import annotations

from rdkit import Chem, rdBase

from heliosc.errors import InputError

MAX_SMILES_LENGTH = 2_000
MAX_HEAVY_ATOMS = 200

rdBase.DisableLog("rdApp.*")  # every refusal is raised with its reason instead


def parse_smiles(smiles: str) -> Chem.Mol:
    """Read one molecule.

    Raises
    ------
    InputError : empty, too long, unparsable, or too large
    """
    text = smiles.strip()
    if not text:
        raise InputError("empty SMILES; expected a molecule such as c1ccsc1")
    if len(text) > MAX_SMILES_LENGTH:
        raise InputError(f"SMILES of {len(text)} characters is over the limit of {MAX_SMILES_LENGTH}")
    molecule = Chem.MolFromSmiles(text)
    if molecule is None:
        raise InputError(f"cannot parse SMILES {text[:80]!r}; check ring closures, brackets and valences")
    if not 0 < molecule.GetNumHeavyAtoms() <= MAX_HEAVY_ATOMS:
        raise InputError(
            f"molecule has {molecule.GetNumHeavyAtoms()} heavy atoms; expected 1 to {MAX_HEAVY_ATOMS} ({text[:60]!r})"
        )
    return molecule


def canonical_smiles(smiles: str, *, stereo: bool = True) -> str:
    """Canonical SMILES of one molecule.

    Parameters
    ----------
    stereo : keep E/Z and tetrahedral marks; without them the constitution alone is written

    Raises
    ------
    InputError : see ``parse_smiles``
    """
    return Chem.MolToSmiles(parse_smiles(smiles), isomericSmiles=stereo)


def inchikey(molecule: Chem.Mol) -> str:
    """Standard InChIKey.

    Raises
    ------
    InputError : RDKit returned none (as it does for very large or odd molecules)
    """
    try:
        key = Chem.MolToInchiKey(molecule)
    except Chem.KekulizeException:  # RDKit's search for a Kekule form can give up on large fused systems it has read
        key = ""
    if not key:
        raise InputError(f"no InChIKey for {Chem.MolToSmiles(molecule)[:80]!r}; the molecule is outside InChI's rules")
    return str(key)


def skeleton_key(molecule: Chem.Mol) -> str:
    """First block of the InChIKey: the connectivity, equal for stereoisomers and isotopologues."""
    return inchikey(molecule).split("-")[0]
