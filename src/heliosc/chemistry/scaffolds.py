"""What remains of a molecule without its side chains: the core, and its Bemis-Murcko scaffold.

Side chains make an organic semiconductor soluble and hardly touch its levels, yet they dominate whole-molecule scores.

References
----------
Bemis, Murcko, J. Med. Chem. 1996, 39, 2887, 10.1021/jm9602928 (molecular frameworks).
"""

from __future__ import annotations

from rdkit import Chem
from rdkit.Chem.Scaffolds import MurckoScaffold

MIN_CHAIN_CARBONS = 3


def murcko_scaffold(molecule: Chem.Mol) -> str:
    """Canonical SMILES of the ring systems and their linkers, without stereo; empty for an acyclic molecule."""
    return Chem.MolToSmiles(MurckoScaffold.GetScaffoldForMol(molecule), isomericSmiles=False)


def fused_ring_systems(molecule: Chem.Mol) -> frozenset[str]:
    """Each system of two or more fused rings as a canonical string, without substituents, hydrogen and stereo.

    N-alkyl carbazole holds what carbazole holds; the strings tell systems apart and are no SMILES to be read. Spiro
    rings share an atom and no bond: they are systems of their own.
    """
    systems: list[tuple[set[int], set[int]]] = []  # bonds and atoms
    info = molecule.GetRingInfo()
    for bonds, atoms in zip(info.BondRings(), info.AtomRings(), strict=True):
        touching = [system for system in systems if not system[0].isdisjoint(bonds)]
        merged = (set(bonds).union(*(s[0] for s in touching)), set(atoms).union(*(s[1] for s in touching)))
        systems = [system for system in systems if system not in touching] + [merged]
    sizes = [len(bonds) - len(atoms) + 1 for bonds, atoms in systems]
    symbols = [a.GetSymbol().lower() if a.GetIsAromatic() else a.GetSymbol() for a in molecule.GetAtoms()]
    return frozenset(
        Chem.MolFragmentToSmiles(
            molecule, sorted(atoms), bondsToUse=sorted(bonds), atomSymbols=symbols, isomericSmiles=False
        )
        for (bonds, atoms), n_rings in zip(systems, sizes, strict=True)
        if n_rings > 1
    )


def cut_alkyl_chains(molecule: Chem.Mol) -> Chem.Mol:
    """The core: every terminal alkyl chain of three carbons or more, branched or not, shortened to methyl.

    A chain is an acyclic, saturated hydrocarbon group bound to the rest by exactly one bond: hexyl, 2-ethylhexyl and
    the alkyl of an alkoxy group or an ester are shortened, a spacer between two groups is not. An alkane is left alone.
    """
    surplus = sorted((atom for chain in _alkyl_chains(molecule) for atom in chain), reverse=True)
    if not surplus:
        return Chem.Mol(molecule)
    core = Chem.RWMol(molecule)
    for atom in surplus:
        core.RemoveAtom(atom)
    for atom in core.GetAtoms():
        if atom.GetAtomicNum() == 6 and atom.GetTotalNumHs() != 0 and not atom.GetIsAromatic():
            atom.SetNoImplicit(False)  # a bracket atom such as [C@@H] would otherwise become a radical
    Chem.SanitizeMol(core)
    Chem.AssignStereochemistry(core, cleanIt=True, force=True)
    return core.GetMol()


def _alkyl_chains(molecule: Chem.Mol) -> list[set[int]]:
    """Atoms to remove of each chain: all of it but the carbon that is bound to the core."""
    alkyl = {atom.GetIdx() for atom in molecule.GetAtoms() if _is_alkyl_carbon(atom)}
    skeleton = Chem.RWMol(molecule)
    skeleton.BeginBatchEdit()
    exits: list[int] = []
    for bond in molecule.GetBonds():
        inside = {bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()} & alkyl
        if len(inside) < 2:
            skeleton.RemoveBond(bond.GetBeginAtomIdx(), bond.GetEndAtomIdx())
            exits += inside
    skeleton.CommitBatchEdit()
    groups = [set(atoms) for atoms in Chem.GetMolFrags(skeleton) if len(atoms) >= MIN_CHAIN_CARBONS]
    anchored = [(group, [atom for atom in exits if atom in group]) for group in groups]
    return [group - set(anchors) for group, anchors in anchored if len(anchors) == 1]


def _is_alkyl_carbon(atom: Chem.Atom) -> bool:
    return (
        atom.GetAtomicNum() == 6
        and atom.GetHybridization() == Chem.HybridizationType.SP3
        and atom.GetFormalCharge() == 0
        and atom.GetNumRadicalElectrons() == 0
        and not atom.IsInRing()
    )
