"""Disconnections of materials whose syntheses are published: the same building blocks must come out."""

from __future__ import annotations

import pytest
from rdkit import Chem

from heliosc.chemistry.disconnection import Disconnection, disconnect
from heliosc.errors import InputError

Y6 = (
    "Cc1c(C=C2C(=O)c3cc(F)c(F)cc3C2=C(C#N)C#N)sc2c1sc1c3c4nsnc4c4c5sc6c(C)c(C=C7C(=O)c8cc(F)c(F)cc8C7=C(C#N)C#N)"
    "sc6c5n(C)c4c3n(C)c21"
)
PM6_UNIT = (
    "[*]c1ccc(-c2sc(-c3ccc(-c4cc5c(-c6cc(F)c(C)s6)c6sc([*])cc6c(-c6cc(F)c(C)s6)c5s4)s3)c3c2C(=O)c2c(C)sc(C)c2C3=O)s1"
)
SPIRO_OMETAD = (
    "COc1ccc(cc1)N(c1ccc(OC)cc1)c1ccc2c(c1)C1(c3cc(ccc3-2)N(c2ccc(OC)cc2)c2ccc(OC)cc2)c2cc(ccc2-c2ccc(cc21)"
    "N(c1ccc(OC)cc1)c1ccc(OC)cc1)N(c1ccc(OC)cc1)c1ccc(OC)cc1"
)


def _names(proposal: Disconnection) -> list[str]:
    return [step.name for step in proposal.steps]


def _blocks(*smiles: str) -> set[str]:
    return {Chem.CanonSmiles(text) for text in smiles}


def test_y6_comes_from_the_dinitro_benzothiadiazole_and_the_end_group() -> None:
    # Yuan et al., Joule 2019, 3, 1140: Stille, Cadogan, alkylation, Vilsmeier, Knoevenagel
    proposal = disconnect(Y6)
    assert _names(proposal) == [
        "Stille coupling",
        "Cadogan ring closure of a nitro biaryl",
        "N-alkylation",
        "Vilsmeier-Haack formylation",
        "Knoevenagel condensation",
    ]
    assert [step.n_sites for step in proposal.steps] == [2, 2, 2, 2, 2]
    assert set(proposal.building_blocks) >= _blocks(
        "O=[N+]([O-])c1c([N+](=O)[O-])c(Br)c2nsnc2c1Br", "O=C1CC(=C(C#N)C#N)c2cc(F)c(F)cc21"
    )


@pytest.mark.parametrize(
    ("smiles", "dianhydride"),
    [
        ("CCCCN1C(=O)c2ccc3c4c2c(ccc4C(=O)N(CCCC)C3=O)C1=O", "O=C1OC(=O)c2ccc3c4c2c1ccc4C(=O)OC3=O"),
        (
            "CCCCN1C(=O)c2ccc3c4ccc5c6c(ccc(c7ccc(c2c37)C1=O)c46)C(=O)N(CCCC)C5=O",
            "O=C1OC(=O)c2ccc3c4ccc5c6c(ccc(c7ccc1c2c73)c64)C(=O)OC5=O",
        ),
    ],
)
def test_rylene_diimides_come_from_the_dianhydride_and_the_amine(smiles: str, dianhydride: str) -> None:
    proposal = disconnect(smiles)
    assert (_names(proposal), proposal.steps[0].n_sites) == (["imide condensation"], 2)
    assert set(proposal.building_blocks) == _blocks(dianhydride, "CCCCN")


def test_spiro_ometad_is_four_aminations_in_one_step() -> None:
    proposal = disconnect(SPIRO_OMETAD)
    assert (_names(proposal), proposal.steps[0].n_sites) == (["Buchwald-Hartwig amination"], 4)
    assert set(proposal.building_blocks) == _blocks(
        "COc1ccc(Nc2ccc(OC)cc2)cc1", "Brc1ccc2c(c1)C1(c3cc(Br)ccc3-2)c2cc(Br)ccc2-c2ccc(Br)cc21"
    )


def test_dpp_comes_from_a_nitrile_and_a_succinate() -> None:
    proposal = disconnect("CCCCCCN1C(=O)C2=C(c3cccs3)N(CCCCCC)C(=O)C2=C1c1cccs1")
    assert _names(proposal) == ["condensation of two nitriles with a succinate", "N-alkylation"]
    assert set(proposal.building_blocks) == _blocks("N#Cc1cccs1", "CC(C)OC(=O)CCC(=O)OC(C)C", "CCCCCCBr")


def test_tips_pentacene_comes_from_the_quinone() -> None:
    alkyne = "C#C[Si](C(C)C)(C(C)C)C(C)C"
    proposal = disconnect(f"c1c2cc3ccccc3cc2c({alkyne})c2cc3ccccc3cc12".replace("c1c2", f"c1({alkyne})c2", 1))
    assert set(proposal.building_blocks) == _blocks(alkyne, "O=C1c2cc3ccccc3cc2C(=O)c2cc3ccccc3cc21")


def test_pm6_is_a_polycondensation_of_two_monomers_with_the_halide_on_the_dione() -> None:
    proposal = disconnect(PM6_UNIT)
    last = proposal.steps[-1]
    assert last.name == "polycondensation by Stille coupling"
    (dione,) = (name for name in last.precursors if "C(=O)" in name)
    (donor,) = (name for name in last.precursors if "C(=O)" not in name)
    assert (dione.count("Br"), donor.count("Sn")) == (2, 2)
    assert "[Sn]" not in dione


def test_a_homopolymer_comes_from_its_dihalide() -> None:
    proposal = disconnect("[*]c1cc(CCCCCC)c([*])s1")
    assert proposal.building_blocks == (Chem.CanonSmiles("Brc1cc(CCCCCC)c(Br)s1"),)


def test_six_membered_rings_are_joined_by_suzuki_and_thiophenes_by_stille_or_direct_arylation() -> None:
    (suzuki,) = disconnect("c1ccncc1-c1ccccc1").steps
    assert suzuki.name == "Suzuki coupling"
    assert not suzuki.alternative
    assert _blocks("Brc1cccnc1") < set(suzuki.precursors)  # the electron-poor side has the halide
    (stille,) = disconnect("c1ccncc1-c1cccs1").steps
    assert stille.name == "Stille coupling"
    assert "direct (hetero)arylation" in stille.alternative


def test_a_chain_is_halved_and_equal_steps_count_once() -> None:
    proposal = disconnect("c1csc(-c2ccc(-c3ccc(-c4ccc(-c5ccc(-c6cccs6)s5)s4)s3)s2)c1")
    assert (proposal.n_steps, proposal.longest_sequence) == (4, 3)
    assert len(proposal.building_blocks) == 2


def test_every_precursor_can_be_read_and_steps_come_after_what_they_need() -> None:
    proposal = disconnect(Y6)
    made = set(proposal.building_blocks)
    for step in proposal.steps:
        assert set(step.precursors) <= made
        assert all(Chem.MolFromSmiles(name) is not None for name in step.precursors)
        made.add(step.product)
    assert proposal.target in made


def test_what_no_rule_fits_is_its_own_building_block() -> None:
    proposal = disconnect("c1ccc2cc3ccccc3cc2c1")
    assert (proposal.n_steps, proposal.longest_sequence) == (0, 0)
    assert proposal.building_blocks == (proposal.target,)


def test_rubbish_is_refused() -> None:
    with pytest.raises(InputError, match="cannot parse"):
        disconnect("c1ccc")
