"""The policy by which every structure of every source becomes one standard form. See docs/how-to/data.md.

- Salts and mixtures (several fragments) are refused: a value belongs to the whole, not to the largest piece.
- Functional groups get one form (RDKit's Normalizer: nitro, sulfoxide, azide, N-oxide, recombined charges).
- Charges stay as drawn, nothing is neutralised or reionised; ions are kept and noted.
- Tautomers are left alone: they have different levels, and the source computed one of them.
- Radicals are kept and noted; metals stay bound as drawn and are noted.
- Isotope labels and atom maps are removed and noted: electronic properties do not depend on them.
- Stereo marks are kept as drawn and never invented.
- Repeat units with ``[*]`` (or in BigSMILES) are polymers: they have no InChIKey and never meet molecules. A unit
  cut at another place of the chain is another row.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from rdkit import Chem
from rdkit.Chem.MolStandardize import rdMolStandardize

from heliosc.chemistry.identity import inchikey, parse_smiles
from heliosc.chemistry.polymers import repeat_unit_from_bigsmiles
from heliosc.errors import InputError

_NON_METALS = frozenset(
    {0, 1, 2, 5, 6, 7, 8, 9, 10, 14, 15, 16, 17, 18, 32, 33, 34, 35, 36, 51, 52, 53, 54, 85, 86}
)  # germanium, arsenic, antimony and tellurium count as main-group atoms of organic semiconductors
_USUAL_VALENCE = {7: 3, 15: 3, 16: 2}
_UNUSUAL = frozenset("[*SP")
"""Without one of these letters in its SMILES, ``[nH]`` apart, a molecule has no charge, radical, isotope, atom map,
metal, ``[*]`` or hypervalent atom, so that nothing is left to be done."""


@dataclass(frozen=True, slots=True)
class StandardMolecule:
    """One structure in standard form.

    Attributes
    ----------
    smiles : canonical, with the stereo marks of the input
    inchikey : None for a polymer
    is_polymer : a repeat unit with two or more ``[*]``
    notes : what was done or seen: ``charged``, ``isotopes removed``, ``metal``, ``normalized``, ``radical``
    """

    smiles: str
    inchikey: str | None
    is_polymer: bool
    notes: tuple[str, ...]


def standardise(text: str) -> StandardMolecule:
    """Standard form of a SMILES, or of the repeat unit of a BigSMILES such as ``{[$]c1ccc([$])s1}``.

    Raises
    ------
    InputError : unreadable, too large, several fragments, one ``[*]`` only, or outside InChI's rules
    """
    if text.lstrip().startswith("{"):
        return standardise_molecule(repeat_unit_from_bigsmiles(text).molecule)
    return standardise_molecule(parse_smiles(text))


def standardise_molecule(molecule: Chem.Mol) -> StandardMolecule:
    """Standard form of a molecule; its coordinates and properties are not used.

    Raises
    ------
    InputError : as ``standardise``
    """
    n_fragments = len(Chem.GetMolFrags(molecule))
    if n_fragments > 1:
        raise InputError(f"{n_fragments} separate fragments (a salt or a mixture); expected one molecule a row")
    plain = Chem.MolToSmiles(molecule)
    if not _UNUSUAL.intersection(plain.replace("[nH]", "")) or _is_ordinary(molecule):
        return StandardMolecule(plain, inchikey(molecule), False, ())
    notes: set[str] = set()
    standard = _normalized(_without_labels(molecule, notes), notes)
    n_open_ends = _survey(standard, notes)
    if n_open_ends == 1:
        raise InputError("one [*] only; expected a repeat unit with two connection points, or a whole molecule")
    smiles = plain if standard is molecule else Chem.MolToSmiles(standard)
    key = None if n_open_ends else inchikey(standard)
    return StandardMolecule(smiles, key, n_open_ends > 0, tuple(sorted(notes)))


def _is_ordinary(molecule: Chem.Mol) -> bool:
    """Whether no atom has anything that the rest of this module changes or notes; one walk over the atoms."""
    for index in range(molecule.GetNumAtoms()):
        atom = molecule.GetAtomWithIdx(index)
        number = atom.GetAtomicNum()
        if (
            number == 0
            or number not in _NON_METALS
            or atom.GetFormalCharge()
            or atom.GetIsotope()
            or atom.GetAtomMapNum()
            or atom.GetNumRadicalElectrons()
            or _is_hypervalent(atom)
        ):
            return False
    return True


def _survey(molecule: Chem.Mol, notes: set[str]) -> int:
    """Note charge, radicals and metals; returns the number of ``[*]``."""
    n_open_ends = charge = 0
    for atom in molecule.GetAtoms():
        number = atom.GetAtomicNum()
        n_open_ends += number == 0
        charge += atom.GetFormalCharge()
        if atom.GetNumRadicalElectrons():
            notes.add("radical")
        if number not in _NON_METALS:
            notes.add("metal")
    if charge:
        notes.add("charged")
    return n_open_ends


def _without_labels(molecule: Chem.Mol, notes: set[str]) -> Chem.Mol:
    labelled = [atom for atom in molecule.GetAtoms() if atom.GetIsotope() or atom.GetAtomMapNum()]
    if not labelled:
        return molecule
    for atom in labelled:
        if atom.GetIsotope() and atom.GetAtomicNum():
            notes.add("isotopes removed")
        atom.SetIsotope(0)
        atom.SetAtomMapNum(0)
    plain = Chem.RemoveHs(molecule)
    Chem.AssignStereochemistry(plain, cleanIt=True, force=True)
    return plain


def _normalized(molecule: Chem.Mol, notes: set[str]) -> Chem.Mol:
    if not _may_need_normalizing(molecule):
        return molecule
    before = Chem.MolToSmiles(molecule)
    normal = _normalizer().normalize(molecule)
    if Chem.MolToSmiles(normal) == before:
        return molecule
    notes.add("normalized")
    return normal


def _may_need_normalizing(molecule: Chem.Mol) -> bool:
    """Whether a rule of the Normalizer can match: all of them need a charge or hypervalent N, P or S."""
    return any(atom.GetFormalCharge() or _is_hypervalent(atom) for atom in molecule.GetAtoms())


def _is_hypervalent(atom: Chem.Atom) -> bool:
    usual = _USUAL_VALENCE.get(atom.GetAtomicNum())
    return usual is not None and atom.GetTotalValence() > usual


@lru_cache(maxsize=1)
def _normalizer() -> rdMolStandardize.Normalizer:
    return rdMolStandardize.Normalizer()
