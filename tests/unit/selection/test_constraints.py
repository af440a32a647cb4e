import re

import pytest

from heliosc.selection.constraints import Constraints, apply_constraints

REJECTED = {
    "readable": ("c1ccsc", "cannot parse"),
    "single_fragment": ("c1ccc2ccccc2c1.O", "2 separate fragments"),
    "neutral": ("C[n+]1ccc(-c2ccccc2)cc1", r"net charge \+1"),
    "elements": ("c1ccc2ccccc2c1[Sn](C)(C)C", "contains Sn"),
    "size": ("c1ccsc1", "5 heavy atoms; expected 8 to 75"),
    "conjugation": ("C1CCCCC1C1CCCCC1", "largest conjugated system has 0 atoms"),
    "alerts": ("[N-]=[N+]=Nc1ccc2ccccc2c1", "azide: "),
    "synthesizability": ("C1(C2C3CC4C5CC6C(C24)C1C5N36)=Cc1ccc2cc3ccccc3cc2c1", "SA score of the core"),
}
GOOD = ("c1ccc2cc3cc4cc5ccccc5cc4cc3cc2c1", "CCCCCCCCCCCCc1ccc(s1)-c1ccc(s1)-c1ccc(CCCCCCCCCCCC)s1")


@pytest.mark.parametrize("constraint", REJECTED)
def test_each_constraint_stops_with_its_reason(constraint: str) -> None:
    smiles, reason = REJECTED[constraint]
    report = apply_constraints([smiles])
    assert [(item.constraint, item.smiles) for item in report.rejected] == [(constraint, smiles)]
    assert sum(report.counts.values()) == report.counts[constraint] == 1
    assert re.search(reason, report.rejected[0].reason)


def test_the_funnel_adds_up_and_keeps_rows() -> None:
    smiles = [GOOD[0], *(s for s, _ in REJECTED.values()), GOOD[1]]
    report = apply_constraints(smiles)
    assert [item.index for item in report.kept] == [0, len(smiles) - 1]
    assert [item.index for item in report.rejected] == list(range(1, len(smiles) - 1))
    assert list(report.counts) == [
        *list(REJECTED)[:6],
        "log_p",
        *list(REJECTED)[6:],
        "solubility",
    ]  # in the order applied
    assert sum(report.counts.values()) + len(report.kept) == len(smiles)


def test_kept_molecules_carry_core_score_and_warnings() -> None:
    report = apply_constraints(GOOD)
    pentacene, dodecyl = report.kept
    assert [hit.name for hit in pentacene.warnings] == ["linear_acene"]
    assert dodecyl.warnings == ()
    methyl = apply_constraints(["Cc1ccc(s1)-c1ccc(s1)-c1ccc(C)s1"]).kept[0]
    assert dodecyl.core_sa_score == methyl.core_sa_score  # chains do not count, nor do they against conjugation


def test_limits_are_the_users_and_inclusive() -> None:
    naphthalene = "c1ccc2ccccc2c1"
    assert apply_constraints([naphthalene], Constraints(min_heavy_atoms=10, max_heavy_atoms=10)).kept
    assert not apply_constraints([naphthalene], Constraints(min_heavy_atoms=11)).kept
    assert not apply_constraints([naphthalene], Constraints(min_conjugated_atoms=11)).kept
    assert not apply_constraints([naphthalene], Constraints(allowed_elements=frozenset("C"))).kept
    assert not apply_constraints([naphthalene], Constraints(max_core_sa_score=0.9)).kept


def test_core_must_be_conjugated_in_its_larger_part() -> None:
    diluted = "c1ccc2ccccc2c1C1CCC(CC1)C1CCC(CC1)C1CCCCC1"  # 10 of 28 atoms
    report = apply_constraints([diluted])
    assert report.rejected[0].reason == "36% of the core is conjugated; expected at least 40%"


def test_log_p_is_limited_on_either_side() -> None:
    naphthalene, dodecyl = "c1ccc2ccccc2c1", GOOD[1]  # Crippen 2.84, and about 14
    limits = Constraints(min_log_p=2.0, max_log_p=8.0)
    report = apply_constraints([naphthalene, dodecyl, "O=C1NC(=O)c2cc3c(cc21)C(=O)NC3=O"], limits)
    assert [item.smiles for item in report.kept] == [naphthalene]
    assert [item.constraint for item in report.rejected] == ["log_p", "log_p"]
    assert re.search(r"log P 1\d\.\d+; expected 2 to 8", report.rejected[0].reason)
    assert apply_constraints([dodecyl]).kept  # no limit unless asked for
