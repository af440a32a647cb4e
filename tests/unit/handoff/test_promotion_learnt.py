"""Returned measurements reach the gates; roles beside a named donor; what is not computed is said; rows are checked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from heliosc.errors import InputError
from heliosc.experiments.calibration import LaboratoryStep, write_steps
from heliosc.handoff.device import device_context
from heliosc.handoff.promotion.assessment import assess, facts_of
from heliosc.handoff.promotion.criteria import load_criteria
from heliosc.handoff.promotion.evidence import Evidence, judged_value
from heliosc.handoff.promotion.files import file_ledgers
from heliosc.handoff.promotion.ledger import Decision, GateLedger, Verdict
from heliosc.handoff.promotion.runs import run_criteria
from heliosc.properties import PropertyKey

CRITERIA = load_criteria()
IE, EA = "vertical_ionization_energy", "vertical_electron_affinity"
IE_GAS, IE_CV = PropertyKey(IE, "ipea1//gfn2"), PropertyKey(IE, "experiment-cv")
ACCEPTOR = "CC1(C)c2cc3c(cc2-c2sc(C=C4C(=O)c5ccccc5C4=C(C#N)C#N)cc21)C(C)(C)c1cc(C=C2C(=O)c4ccccc4C2=C(C#N)C#N)sc1-3"


def _judge(role: str, *evidence: Evidence, criteria: object = CRITERIA, smiles: str = "c1ccsc1") -> GateLedger:
    return assess(facts_of("x", smiles, evidence), criteria.role(role), criteria=criteria)  # type: ignore[attr-defined]


def test_a_step_that_the_laboratory_taught_takes_the_place_of_the_shipped_map(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    value = Evidence(IE_GAS, 6.4)  # by the shipped map 5.3 +- 0.4 eV by CV
    untaught = _judge("donor", value, criteria=run_criteria(run)).entries[0]
    assert (untaught.value, untaught.std, untaught.verdict) == (pytest.approx(5.3), pytest.approx(0.4), Verdict.WARN)
    write_steps(tmp_path / "experiments", [LaboratoryStep(IE_CV, IE_GAS, offset=-1.2, std=0.15, n=20)])
    taught = _judge("donor", value, criteria=run_criteria(run)).entries[0]
    assert (taught.value, taught.std) == (pytest.approx(5.2), 0.15)
    assert taught.probability == pytest.approx(0.9050, abs=1e-4)  # Phi(0.4/0.15) - Phi(-0.2/0.15)
    assert taught.verdict is Verdict.PASS
    assert "by 20 molecules measured, step -1.20 eV" in taught.note
    assert taught.tier == "xtb"  # corrected, and still a draft


@pytest.mark.parametrize("changes", [{"measured": PropertyKey(EA, "experiment-cv")}, {"computed": IE_CV}])
def test_a_step_of_another_property_or_level_is_left_alone(changes: dict[str, PropertyKey]) -> None:
    step = replace(LaboratoryStep(IE_CV, IE_GAS, offset=-3.0, std=0.1, n=20), **changes)
    ledger = _judge("donor", Evidence(IE_GAS, 6.4), criteria=replace(CRITERIA, laboratory=(step,)))
    assert ledger.entries[0].value == pytest.approx(5.3)


def test_an_acceptor_for_pm6_is_judged_beside_pm6_and_nothing_else() -> None:
    def offsets(ie: float, ea: float) -> GateLedger:
        level = "experiment-cv"
        values = (Evidence(PropertyKey(IE, level), ie, 0.03), Evidence(PropertyKey(EA, level), ea, 0.03))
        return _judge("acceptor_for_PM6", *values, smiles=ACCEPTOR)

    y6, high = offsets(5.65, 4.10), offsets(5.45, 3.90)  # the second suits P3HT (4.76, 2.74), not PM6 (5.56)
    pair = next(entry for entry in y6.entries if entry.criterion == "offsets to PM6")
    assert (y6.decision, pair.value) == (Decision.PROMOTED, pytest.approx(0.09))
    assert high.decision is Decision.REJECTED
    context = device_context("x", [], role="acceptor", criteria=CRITERIA, kinds=frozenset())
    assert context.role == "acceptor"


def test_hydride_affinity_is_said_to_be_missing_and_decides_nothing() -> None:
    ledger = _judge("n_dopable", Evidence(PropertyKey(EA, "experiment-film"), 4.1, 0.05))
    entry = next(item for item in ledger.entries if item.criterion == "hydride affinity")
    assert (entry.verdict, entry.decides, entry.value) == (Verdict.NOT_EVALUATED, False, None)
    assert ledger.decision is Decision.PROMOTED


def test_replicates_that_agree_to_the_last_digit_are_not_free_of_error() -> None:
    value = Evidence(IE_CV, 5.0, std=0.0)
    assert judged_value(value, criteria=CRITERIA, kinds=frozenset()) == (5.0, 0.1)


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ("c1ccsc1,inf,0.1", "row 1: .* is inf"),
        ("c1ccsc1,5.3,-0.1", "standard error -0.1"),
        ("c1ccsc1,5.3,nan_", "expected a number"),
        (",5.3,0.1", "row 1: empty SMILES"),
        ("c1ccs,5.3,0.1", "row 1: "),
    ],
)
def test_a_bad_row_is_named(tmp_path: Path, cells: str, words: str) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(f"smiles,{IE_CV},{IE_CV} std\n{cells}\n")
    with pytest.raises(InputError, match=words):
        file_ledgers(path, role="donor", criteria=CRITERIA)
