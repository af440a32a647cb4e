"""From a junction tree back to the molecule, without enumeration: each word goes where the tree says."""

from __future__ import annotations

from rdkit import Chem

from heliosc.generation.jtvae.matching import maximum_matching
from heliosc.generation.jtvae.molecule_graph import AROMATIC, BOND_TYPES
from heliosc.generation.jtvae.tree import JunctionTree
from heliosc.generation.jtvae.valence import PartialMolecule
from heliosc.generation.jtvae.vocabulary import Vocabulary
from heliosc.generation.jtvae.words import pi_graph


def replay(tree: JunctionTree, vocabulary: Vocabulary) -> PartialMolecule:
    """Put a tree's words together."""
    partial = PartialMolecule(vocabulary, tree.words[0])
    for word, parent, port, site in list(zip(tree.words, tree.parents, tree.ports, tree.sites, strict=True))[1:]:
        partial.attach(parent, site=site, word=word, port=port)
    return partial


def assemble(tree: JunctionTree, vocabulary: Vocabulary) -> Chem.Mol:
    """The molecule of a tree, sanitised."""
    return finish(replay(tree, vocabulary))


def finish(partial: PartialMolecule) -> Chem.Mol:
    """Turn a partial molecule into a molecule.

    Aromatic double bonds are placed by a maximum matching; an atom without a partner keeps its valence as a hydrogen.
    All hydrogens are set from the valences, and RDKit sanitises once.
    """
    matched = set(maximum_matching(*pi_graph(partial.labels, partial.bonds)))
    partnered = {atom for pair in matched for atom in pair}
    molecule = Chem.RWMol()
    for index, (label, free) in enumerate(zip(partial.labels, partial.free, strict=True)):
        atom = Chem.Atom(label.element)
        atom.SetFormalCharge(label.charge)
        atom.SetNoImplicit(True)
        atom.SetNumExplicitHs(free + (label.pi == 1 and index not in partnered))
        molecule.AddAtom(atom)
    for i, j, order in partial.bonds:
        code = order
        if order == AROMATIC:
            code = 2 if (min(i, j), max(i, j)) in matched else 1
        molecule.AddBond(i, j, BOND_TYPES[code])
    Chem.SanitizeMol(molecule)
    return molecule.GetMol()
