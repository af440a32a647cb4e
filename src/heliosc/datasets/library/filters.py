"""What an enumerated molecule must satisfy to enter the library."""

from __future__ import annotations

from rdkit import Chem

from heliosc.chemistry.alerts import alert_verdict, find_alerts
from heliosc.chemistry.synthesizability import core_sa_score

ELEMENTS = frozenset({1, 5, 6, 7, 8, 9, 14, 15, 16, 17, 34, 35})
"""H B C N O F Si P S Cl Se Br."""
MAX_CORE_SA = 5.5
MIN_CONJUGATED_ATOMS = 10

_UNWANTED = tuple(
    Chem.MolFromSmarts(smarts)
    for smarts in (
        "[#7;!R]-[#7]",  # hydrazines
        "[#7;R]-;!@[#7;R]",  # N-N bonds between rings
        "[#7]-[C;!R]#N",  # cyanamides
        "[#7]-[F,Cl,Br,O;!R;!$([O]=*)]",
        "[#7]-;!@[C;!R]=[C;!R](C#N)",  # enamines of dicyanovinyl stay out: they are not made by the coupling named
        "[#7;X3;!$([#7]C=O)]-;!@[CH]=O",
        "[#7]-;!@S(=O)(=O)[CH3]",
        "[#7]-;!@C(F)(F)F",
        "[#16;X2]-;!@[#16;X2]",
        "[N;!R]-[n,N;R]",
        "n-;!@[$([CH]=O),$(C#N)]",
        "[N;R]-;!@[$(C#N),$([CH]=O),$(C(C#N)=C),$(S(=O)=O)]",
        "[#7]-;!@[CH]=C1C(=*)~*~*~C1=*",
    )
)
_HEXACENE = Chem.MolFromSmarts("c1ccc2cc3cc4cc5cc6ccccc6cc5cc4cc3cc2c1")


def is_acceptable(molecule: Chem.Mol) -> bool:
    """Whether a molecule is one neutral closed-shell conjugated fragment, stable and within reach of synthesis."""
    return (
        len(Chem.GetMolFrags(molecule)) == 1
        and Chem.GetFormalCharge(molecule) == 0
        and all(atom.GetAtomicNum() in ELEMENTS and not atom.GetNumRadicalElectrons() for atom in molecule.GetAtoms())
        and _n_conjugated_atoms(molecule) >= MIN_CONJUGATED_ATOMS
        and not any(molecule.HasSubstructMatch(pattern) for pattern in _UNWANTED)
        and not molecule.HasSubstructMatch(_HEXACENE)
        and alert_verdict(find_alerts(molecule)) != "reject"
        and core_sa_score(molecule) <= MAX_CORE_SA
    )


def _n_conjugated_atoms(molecule: Chem.Mol) -> int:
    return len({index for bond in molecule.GetBonds() if bond.GetIsConjugated() for index in _ends(bond)})


def _ends(bond: Chem.Bond) -> tuple[int, int]:
    return bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()
