"""Retro-reactions at functional groups, each a named RDKit transform: one product in, its precursors out.

The first precursor carries on the skeleton, the others are its partners. Couplings of two rings are not here: which
side gets which handle depends on the whole molecule (see ``couplings``).

References
----------
Imides: Huang, Barlow, Marder, J. Org. Chem. 2011, 76, 2386, 10.1021/jo2001963.
Knoevenagel end groups, Cadogan ring closure, N-alkylation: Yuan et al., Joule 2019, 3, 1140,
10.1016/j.joule.2019.01.004.
Diketopyrrolopyrroles from nitriles and succinate: Grzybowski, Gryko, Adv. Opt. Mater. 2015, 3, 280,
10.1002/adom.201400559.
Ethynylated acenes from quinones: Anthony, Angew. Chem. Int. Ed. 2008, 47, 452, 10.1002/anie.200604045.
Buchwald-Hartwig: Ruiz-Castillo, Buchwald, Chem. Rev. 2016, 116, 12564, 10.1021/acs.chemrev.6b00512.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from rdkit import Chem
from rdkit.Chem import rdChemReactions

_ACTIVE_METHYLENE = (
    "$(C(C#N)C#N),$(C(C#N)C=O),$(C(C#N)S(=O)=O),$(C(C=O)C=O),$(C(C=O)C=C(C#N)C#N),$(C(C(=O)[NX3])[SX2]),"
    "$(C(C=O)[SX2]),$(C(C#N)c)"
)


@dataclass(frozen=True)
class Rule:
    """One transform.

    Attributes
    ----------
    smarts : product >> first precursor . partners
    is_for_large_only : not applied to what is small enough to be bought
    """

    name: str
    smarts: str
    is_for_large_only: bool = False

    @cached_property
    def reaction(self) -> rdChemReactions.ChemicalReaction:
        return rdChemReactions.ReactionFromSmarts(self.smarts)


@dataclass(frozen=True)
class Application:
    """A transform carried out on every site with the same partners."""

    precursors: tuple[Chem.Mol, ...]
    n_sites: int


BEFORE_COUPLINGS: tuple[Rule, ...] = (
    Rule(
        "Knoevenagel condensation",
        f"[#6:1]-[CH1:2]=[C;{_ACTIVE_METHYLENE}:3]>>[#6:1]-[C:2]=O.[C:3]",
    ),
    Rule(
        "imide condensation",
        "[c,C:1]-[C;R:2](=[O:3])-[N;R;X3:4](-[#6;!$(C=O):7])-[C;R:5](=[O:6])-[c,C:8]"
        ">>[c,C:1]-[C:2](=[O:3])-O-[C:5](=[O:6])-[c,C:8].[N:4]-[#6:7]",
    ),
    Rule("Vilsmeier-Haack formylation", "[c;r5:1]-[CH1:2]=[O:3]>>[c:1].[C:2](=[O:3])-N(C)C", is_for_large_only=True),
)

AFTER_COUPLINGS: tuple[Rule, ...] = (
    Rule(
        "alkynylation of a quinone, then reductive aromatisation",
        "[c:1]1(-[C:7]#[C:8]):[c:2]:[c:3]:[c:4](-[C:9]#[C:10]):[c:5]:[c:6]:1"
        ">>[C:1]1(=O)-[c:2]:[c:3]-[C:4](=O)-[c:5]:[c:6]-1.[C:7]#[C:8].[C:9]#[C:10]",
    ),
    Rule("Sonogashira coupling", "[c:1]-[C:2]#[C;!$(C#N):3]>>[c:1]-Br.[C:2]#[C:3]"),
    Rule(
        "Buchwald-Hartwig amination",
        "[c;R2,$(c1ccc(-c)cc1),$(c1cc(-c)ccc1):1]-!@[N;X3;!R;$(N(c)(c)c):2]>>[c:1]-Br.[N:2]",
    ),
    Rule("Buchwald-Hartwig amination", "[c:1]-!@[N,n;X3;$([N,n](c)(c)c):2]>>[c:1]-Br.[*:2]"),
    Rule(
        "N-alkylation",
        "[N;R;X3;$(NC=O):1]-!@[C;X4;H2,H3;!$(C-[O,F]):2]>>[N:1].[C:2]-Br",
        is_for_large_only=True,
    ),
    Rule("N-alkylation", "[n;X3;$(n(:c):c):1]-!@[C;X4;H2,H3;!$(C-[O,F]):2]>>[nH:1].[C:2]-Br", is_for_large_only=True),
    Rule(
        "condensation of two nitriles with a succinate",
        "[O:1]=[C:2]1-[NH:3]-[C:4](-[c:11])=[C:5]2-[C:6]-1=[C:7](-[c:12])-[NH:8]-[C:9]-2=[O:10]"
        ">>[C:4](#[N:3])-[c:11].[C:7](#[N:8])-[c:12].CC(C)O-[C:2](=[O:1])-[C:6]-[C:5]-[C:9](=[O:10])-OC(C)C",
    ),
    Rule(
        "Cadogan ring closure of a nitro biaryl",
        "[nH:5]1:[c;$(c1ccccc1):1]:[c;$(c1ccccc1):2]:[c:3]:[c;R2:4]:1>>[c:1](-[N+:5](=O)-[O-]):[c:2]-[c:3]:[c:4]",
        is_for_large_only=True,
    ),
)


def apply(rule: Rule, molecule: Chem.Mol) -> Application | None:
    """Carry a transform out wherever it gives the same partners; None where it does not fit."""
    best = min(_outcomes(rule, molecule), default=None, key=_names)
    if best is None:
        return None
    skeleton, partners, n_sites = best[0], list(best[1:]), 1
    wanted = _names(best)[1:]
    while True:
        again = [found for found in _outcomes(rule, skeleton) if _names(found)[1:] == wanted]
        if not again:
            return Application((skeleton, *partners), n_sites)
        skeleton, n_sites = min(again, key=_names)[0], n_sites + 1


def _outcomes(rule: Rule, molecule: Chem.Mol) -> list[tuple[Chem.Mol, ...]]:
    """Whole precursors of each way in which the transform fits; those that are no molecules are left out."""
    found = []
    for products in rule.reaction.RunReactants((molecule,)):
        whole = []
        for product in products:
            if Chem.SanitizeMol(product, catchErrors=True) != Chem.SanitizeFlags.SANITIZE_NONE:
                break
            whole.append(product)
        if len(whole) == len(products):
            found.append(tuple(whole))
    return found


def _names(precursors: tuple[Chem.Mol, ...]) -> tuple[str, ...]:
    skeleton, *partners = (Chem.MolToSmiles(molecule) for molecule in precursors)
    return (skeleton, *sorted(partners))
