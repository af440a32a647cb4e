"""Side chains grafted on marked sites, so that a material can be judged as it will be made.

A site is an attachment point with a number, ``[*:1]``; the same number may stand on several atoms. Attachment points
without a number belong to the polymer chain and are left alone. Molecules proposed with methyl in place of their
chains are marked by ``mark_methyl_groups``.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from rdkit import Chem

from heliosc.chemistry.descriptors import conjugated_systems
from heliosc.errors import InputError

SIDE_CHAINS: dict[str, str] = {
    "methyl": "*C",
    "butyl": "*CCCC",
    "hexyl": "*CCCCCC",
    "octyl": "*CCCCCCCC",
    "undecyl": "*CCCCCCCCCCC",
    "dodecyl": "*CCCCCCCCCCCC",
    "2-ethylhexyl": "*CC(CC)CCCC",
    "2-butyloctyl": "*CC(CCCC)CCCCCC",
    "2-hexyldecyl": "*CC(CCCCCC)CCCCCCCC",
    "2-octyldodecyl": "*CC(CCCCCCCC)CCCCCCCCCC",
    "methoxy": "*OC",
    "hexyloxy": "*OCCCCCC",
    "2-ethylhexyloxy": "*OCC(CC)CCCC",
    "hexylthio": "*SCCCCCC",
    "4-hexylphenyl": "*c1ccc(CCCCCC)cc1",
    "5-(2-ethylhexyl)thienyl": "*c1ccc(CC(CC)CCCC)s1",
    "triethylene glycol methyl ether": "*OCCOCCOCCOC",
    "triisopropylsilylethynyl": "*C#C[Si](C(C)C)(C(C)C)C(C)C",
}
"""Usual side chains, the attachment point first."""


def graft_side_chains(molecule: Chem.Mol, chains: Mapping[int, str]) -> Chem.Mol:
    """Put a side chain on every marked site.

    Parameters
    ----------
    chains : number of the site -> name in ``SIDE_CHAINS``, or a SMILES that begins with its one attachment point

    Raises
    ------
    InputError : a number without a site, a site without a chain, a site with several bonds, or an unreadable chain
    """
    sites = _marked_sites(molecule)
    if set(sites.values()) != set(chains):
        raise InputError(
            f"the molecule has sites {sorted(set(sites.values()))} but chains are given for {sorted(chains)}; "
            "expected one chain for each number, sites written as [*:1]"
        )
    grafted = Chem.RWMol(molecule)
    for site, number in sites.items():
        _grow(grafted, site, _chain(chains[number]))
    material = grafted.GetMol()
    Chem.SanitizeMol(material)
    return material


def site_numbers(molecule: Chem.Mol) -> frozenset[int]:
    """Numbers of the marked sites.

    Raises
    ------
    InputError : a site with several bonds
    """
    return frozenset(_marked_sites(molecule).values())


def mark_methyl_groups(molecule: Chem.Mol, *, number: int = 1) -> Chem.Mol:
    """The molecule with a site in place of every methyl group on its conjugated systems, or on O, S, N or Si there."""
    systems = frozenset().union(*conjugated_systems(molecule)) if molecule.GetNumAtoms() else frozenset()
    marked = Chem.RWMol(molecule)
    for atom in marked.GetAtoms():
        if (
            atom.GetAtomicNum() == 6
            and atom.GetTotalNumHs() == 3
            and atom.GetDegree() == 1
            and _is_at_core(atom, systems)
        ):
            atom.SetAtomicNum(0)
            atom.SetNoImplicit(True)
            atom.SetNumExplicitHs(0)
            atom.SetAtomMapNum(number)
    result = marked.GetMol()
    Chem.SanitizeMol(result)
    return result


def _is_at_core(methyl: Chem.Atom, systems: frozenset[int]) -> bool:
    (neighbour,) = methyl.GetNeighbors()
    if neighbour.GetIdx() in systems:
        return True
    is_bridge = neighbour.GetAtomicNum() in (7, 8, 14, 16) or neighbour.IsInRing()  # N, O, Si, S; CMe2 of a fused ring
    return is_bridge and any(next_one.GetIdx() in systems for next_one in neighbour.GetNeighbors())


def _marked_sites(molecule: Chem.Mol) -> dict[int, int]:
    """Atom index of each site -> its number."""
    sites = {
        atom.GetIdx(): atom.GetAtomMapNum()
        for atom in molecule.GetAtoms()
        if atom.GetAtomicNum() == 0 and atom.GetAtomMapNum()
    }
    for site in sites:
        bonds = molecule.GetAtomWithIdx(site).GetBonds()
        if len(bonds) != 1 or bonds[0].GetBondType() != Chem.BondType.SINGLE:
            raise InputError(
                f"site [*:{sites[site]}] of {Chem.MolToSmiles(molecule)[:80]!r} has other than one single bond"
            )
    return sites


@cache
def _chain(name: str) -> Chem.Mol:
    smiles = SIDE_CHAINS.get(name, name)
    chain = Chem.MolFromSmiles(smiles)
    if chain is None or _attachments(chain) != [0] or chain.GetAtomWithIdx(0).GetDegree() != 1:
        raise InputError(
            f"side chain {name[:60]!r} is neither one of {', '.join(SIDE_CHAINS)} nor a SMILES that begins with its "
            "one attachment point, such as *CCCC"
        )
    return chain


def _attachments(chain: Chem.Mol) -> list[int]:
    return [atom.GetIdx() for atom in chain.GetAtoms() if atom.GetAtomicNum() == 0]


def _grow(molecule: Chem.RWMol, site: int, chain: Chem.Mol) -> None:
    """Turn the site into the chain's first atom and add the rest; so the stereo marks beside the site stay valid."""
    (first,) = chain.GetAtomWithIdx(0).GetNeighbors()
    molecule.ReplaceAtom(site, Chem.Atom(first))
    molecule.GetAtomWithIdx(site).SetAtomMapNum(0)
    place = {first.GetIdx(): site}
    for atom in chain.GetAtoms():
        if atom.GetIdx() not in (0, first.GetIdx()):
            place[atom.GetIdx()] = molecule.AddAtom(Chem.Atom(atom))
    for bond in chain.GetBonds():
        if bond.GetBeginAtomIdx() and bond.GetEndAtomIdx():
            molecule.AddBond(place[bond.GetBeginAtomIdx()], place[bond.GetEndAtomIdx()], bond.GetBondType())
            molecule.GetBondBetweenAtoms(place[bond.GetBeginAtomIdx()], place[bond.GetEndAtomIdx()]).SetIsAromatic(
                bond.GetIsAromatic()
            )
