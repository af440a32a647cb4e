"""Ledgers of whole candidates: decisions, draft label, pairs, structure, files, command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from heliosc.chemistry.alerts import AlertHit
from heliosc.cli.app import app
from heliosc.errors import InputError
from heliosc.handoff.partners import get_partner
from heliosc.handoff.promotion.assessment import assess, decision_of, facts_of
from heliosc.handoff.promotion.criteria import PairCriterion, load_criteria
from heliosc.handoff.promotion.evidence import Evidence
from heliosc.handoff.promotion.files import file_ledgers
from heliosc.handoff.promotion.ledger import Decision, GateEntry, GateLedger, Verdict
from heliosc.handoff.promotion.pairs import Level, judge_pair, pair_entry
from heliosc.handoff.promotion.structure import structure_entries
from heliosc.properties import PropertyKey

CRITERIA = load_criteria()
IE, EA = "vertical_ionization_energy", "vertical_electron_affinity"
SEXITHIOPHENE = "c1csc(c1)-c1ccc(s1)-c1ccc(s1)-c1ccc(s1)-c1ccc(s1)-c1cccs1"
Y6_CORE = (
    "Cc1c(C=C2C(=O)c3cc(F)c(F)cc3C2=C(C#N)C#N)sc2c1sc1c3c4nsnc4c4c5sc6c(C)c(C=C7C(=O)c8cc(F)c(F)cc8C7=C(C#N)C#N)sc6"
    "c5n(C)c4c3n(C)c21"
)


def _evidence(name: str, level: str, value: float, std: float | None = None) -> Evidence:
    return Evidence(PropertyKey(name, level), value, std)


def _ledger(
    role: str, *evidence: Evidence, smiles: str = SEXITHIOPHENE, predicted: tuple[Evidence, ...] = ()
) -> GateLedger:
    return assess(facts_of("x", smiles, evidence, predicted=predicted), CRITERIA.role(role), criteria=CRITERIA)


def test_a_measured_y6_is_promoted_as_acceptor_without_the_draft_label() -> None:
    ledger = _ledger(
        "acceptor",
        _evidence(IE, "experiment-cv", 5.65, 0.05),
        _evidence(EA, "experiment-cv", 4.10, 0.05),
        _evidence("optical_gap", "experiment-film", 1.33),
        smiles=Y6_CORE,
    )
    assert ledger.decision is Decision.PROMOTED, ledger.reasons
    assert ledger.label == ""
    assert ledger.reasons == ()


def test_what_stands_on_xtb_is_a_draft() -> None:
    ledger = _ledger("p_dopable", _evidence(IE, "ipea1//gfn2", 6.01))
    assert ledger.decision is Decision.PROMOTED
    assert ledger.label == "draft, xTB level"
    assert _ledger("p_dopable", _evidence(IE, "experiment-film", 5.1)).label == ""


def test_predictions_rank_and_promote_nothing() -> None:
    sure = _evidence(IE, "ipea1//gfn2", 6.0, 0.01)
    ledger = _ledger("p_dopable", predicted=(sure,))
    assert ledger.decision is Decision.HELD
    assert ledger.predicted_probability == pytest.approx(1.0)
    assert ledger.entries[0].verdict is Verdict.NOT_EVALUATED
    assert _ledger("p_dopable").predicted_probability is None


def test_one_failing_gate_rejects_and_one_warning_holds() -> None:
    passing, warning, failing = (
        GateEntry(v.value, v, decides=True) for v in (Verdict.PASS, Verdict.WARN, Verdict.FAIL)
    )
    shown = GateEntry("shown", Verdict.FAIL, decides=False)
    unknown = GateEntry("unknown", Verdict.NOT_EVALUATED, decides=True)
    assert decision_of([passing, shown]) is Decision.PROMOTED
    assert decision_of([passing, warning]) is Decision.HELD
    assert decision_of([passing, unknown]) is Decision.HELD
    assert decision_of([warning, failing]) is Decision.REJECTED


def test_pm6_and_y6_pass_the_pair_gate_by_cv_both_ways() -> None:
    for name, other, role in (("PM6", "Y6", "donor"), ("Y6", "PM6", "acceptor")):
        shipped = next(c for c in CRITERIA.role(role).criteria if isinstance(c, PairCriterion))
        gate = PairCriterion(shipped.name, role, other, shipped.least, shipped.least_voltage, "test")  # type: ignore[arg-type]
        own = get_partner(name)
        evidence = [
            _evidence(IE, "experiment-cv", own.ionization_energy, 0.03),
            _evidence(EA, "experiment-cv", own.electron_affinity, 0.03),
        ]
        entry = pair_entry(gate, evidence, criteria=CRITERIA, kinds=frozenset())
        assert entry.value == pytest.approx(0.09)  # 5.65 - 5.56
        assert entry.verdict is Verdict.PASS
        assert other in entry.note


@pytest.mark.parametrize(
    ("scale", "offset", "verdict"),
    # film: about 0.5 eV; CV: about 0.1 eV; levels read to 0.05 and 0.03 eV
    [
        ("film", 0.5, Verdict.PASS), ("film", 0.3, Verdict.FAIL), ("film", 0.1, Verdict.FAIL),
        ("CV", 0.1, Verdict.PASS), ("CV", 0.05, Verdict.WARN), ("CV", -0.1, Verdict.FAIL),
    ],
)  # fmt: skip
def test_a_pair_is_judged_on_the_scale_of_its_levels(scale: str, offset: float, verdict: Verdict) -> None:
    std = {"film": 0.05, "CV": 0.03}[scale]
    donor = (Level(5.2, std), Level(3.0, std))
    entry = judge_pair(donor, (Level(5.2 + offset, std), Level(3.9, std)), scale=scale, criteria=CRITERIA)
    assert entry.verdict is verdict
    assert entry.value == pytest.approx(offset)
    assert entry.scale == scale


def test_a_pair_on_a_scale_without_a_limit_is_not_evaluated() -> None:
    levels = (Level(6.5, 0.1), Level(1.0, 0.1))
    assert judge_pair(levels, levels, scale="gas phase", criteria=CRITERIA).verdict is Verdict.NOT_EVALUATED


def test_a_donor_that_no_known_acceptor_suits_fails_the_pair_gate() -> None:
    entries = _ledger(
        "donor", _evidence(IE, "experiment-cv", 6.3, 0.05), _evidence(EA, "experiment-cv", 3.0, 0.05)
    ).entries
    pair = next(entry for entry in entries if entry.criterion == "offsets to an acceptor")
    assert pair.verdict is Verdict.FAIL


def test_rejecting_alerts_decide_and_warning_alerts_do_not() -> None:
    hits = [AlertHit("peroxide", "reject", "O-O", 1), AlertHit("aldehyde", "warn", "oxidises", 1)]
    entries = structure_entries(alerts=hits, sa_core=5.5, structures=[], limits=CRITERIA.structure)
    found = {entry.criterion: (entry.verdict, entry.decides) for entry in entries}
    assert found["structural alerts: reject"] == (Verdict.FAIL, True)
    assert found["structural alerts: to know"] == (Verdict.WARN, False)
    assert found["SA score of the core"] == (Verdict.WARN, True)  # 5 to 6: a person decides
    assert found["weakest bond"] == (Verdict.NOT_EVALUATED, False)
    assert found["torsion change on charging"] == (Verdict.NOT_EVALUATED, False)


def test_the_document_is_json_with_nulls_for_what_is_not_known() -> None:
    document = json.loads(json.dumps(_ledger("n_dopable").to_document()))
    assert document["decision"] == "held"
    first = document["entries"][0]
    assert (first["verdict"], first["value"], first["probability"]) == ("not evaluated", None, None)
    assert document["criteria_digest"] == CRITERIA.digest()


def _table(tmp_path: Path, *rows: str) -> Path:
    path = tmp_path / "candidates.csv"
    predicted = [f"predicted {IE}@ipea1//gfn2 {part}" for part in ("mean", "std")]
    header = ",".join(["id", "smiles", "role", f"{IE}@ipea1//gfn2", f"computed {EA}@gfn2", *predicted])
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def test_a_file_is_read_with_its_roles_values_and_predictions(tmp_path: Path) -> None:
    path = _table(tmp_path, f"a,{SEXITHIOPHENE},p_dopable,6.01,,6.1,0.2", f"b,{SEXITHIOPHENE},,,1.87,,")
    first, second = file_ledgers(path, role="n_dopable", criteria=CRITERIA)
    assert (first.decision, first.predicted_probability is None) == (Decision.PROMOTED, False)
    assert (second.role, second.decision) == ("n_dopable", Decision.REJECTED)  # 1.87 +- 0.21 against 2.4 eV


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (f"a,{SEXITHIOPHENE},p_dopable,high,,,", "'high', expected a number"),
        (f"a,{SEXITHIOPHENE},,6.0,,,", "names no role"),
        ("a,c1ccc,p_dopable,6.0,,,", "c1ccc"),
        (f"a,{SEXITHIOPHENE},p_dopabel,6.0,,,", "did you mean 'p_dopable'"),
    ],
)
def test_mistakes_in_a_file_are_named(tmp_path: Path, row: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        file_ledgers(_table(tmp_path, row), role=None, criteria=CRITERIA)


def test_the_command_ends_with_zero_when_one_is_promoted_and_with_six_when_none_is(tmp_path: Path) -> None:
    good, poor = f"good,{SEXITHIOPHENE},p_dopable,6.01,,,", f"poor,{SEXITHIOPHENE},p_dopable,8.5,,,"
    runner = CliRunner()
    both = runner.invoke(app, ["promote", str(_table(tmp_path, good, poor)), "--json"])
    assert both.exit_code == 0
    assert [row["decision"] for row in json.loads(both.stdout)] == ["promoted", "rejected"]
    shown = runner.invoke(app, ["promote", str(_table(tmp_path, poor))])
    assert shown.exit_code == 6
    assert "8.50 ± 0.17" in shown.stdout
    assert "rejected" in shown.stdout
