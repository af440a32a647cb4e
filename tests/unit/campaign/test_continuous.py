"""Between the rounds of a continuous run: intake, waiting, pausing, what is new from the laboratory."""

from __future__ import annotations

from pathlib import Path

import pytest

from heliosc.campaign.continuous import BetweenRounds, add_promoted, read_promoted, waiting_candidates
from heliosc.campaign.laboratory import change_state, laboratory_journal
from heliosc.campaign.loop import Campaign
from heliosc.campaign.measured import measured_digest, measured_of_run, with_measured
from heliosc.campaign.records import CandidateRecord, read_candidates
from heliosc.campaign.run_folder import RunFolder, RunState, Stage
from heliosc.config import Config, ContinuousSettings, load_config
from heliosc.errors import ParseError
from heliosc.experiments.form import HEADER, form_rows
from heliosc.experiments.states import State
from heliosc.properties import PropertyKey

PCE = PropertyKey.parse("power_conversion_efficiency@experiment-device")


@pytest.fixture
def run(make_run_folder) -> RunFolder:
    return RunFolder(make_run_folder(n_rounds=1, batch=3))


def _between(run: RunFolder, *, waiting: int = 1, sleep=lambda seconds: None, told: list[str] | None = None):
    said = [] if told is None else told
    return BetweenRounds(run, ContinuousSettings(waiting=waiting), who="tester", tell=said.append, sleep=sleep)


def _drop(run: RunFolder, candidate: CandidateRecord, name: str = "form.csv", **answers: str) -> None:
    lines = [",".join(HEADER)]
    for field, known, unit, _guidance in form_rows(candidate.id, candidate.smiles, candidate.inchikey):
        lines.append(f"{field},{answers.get(field, known)},{unit},")
    run.inbox.mkdir(exist_ok=True)
    (run.inbox / name).write_text("\n".join(lines) + "\n")


def test_a_form_is_taken_in_once_and_kept(run: RunFolder) -> None:
    candidate = read_candidates(run.path)[0]
    between = _between(run)
    assert between.take_in() == []
    _drop(run, candidate, made="yes")
    assert [(form.status, form.candidate_id) for form in between.take_in()] == [("imported", candidate.id)]
    _drop(run, candidate, made="yes")  # as after a kill between the journal and the move
    assert [form.status for form in between.take_in()] == ["already imported"]
    assert sorted(file.name for file in (run.inbox / "taken").iterdir()) == ["form-2.csv", "form.csv"]
    assert [file for file in run.inbox.iterdir() if file.is_file()] == []


def test_what_is_no_form_is_taken_in_as_unreadable(run: RunFolder) -> None:
    run.inbox.mkdir()
    (run.inbox / "notes.xlsx").write_text("not a workbook")
    told: list[str] = []
    assert [form.status for form in _between(run, told=told).take_in()] == ["unreadable"]
    assert "notes.xlsx: unreadable" in told[0]


def test_no_round_begins_while_the_laboratory_is_full(run: RunFolder) -> None:
    first, second, _third = read_candidates(run.path)
    assert add_promoted(run, [first.id, second.id]) == [first.id, second.id]
    assert add_promoted(run, [second.id]) == []
    naps: list[float] = []

    def lab_answers(seconds: float) -> None:
        naps.append(seconds)
        if len(naps) == 2:
            _drop(run, first, made="failed", failure_reason="insoluble")

    told: list[str] = []
    assert _between(run, waiting=2, sleep=lab_answers, told=told).wait()
    assert naps == [60, 60]
    assert sum("2 candidates wait" in text for text in told) == 1
    assert waiting_candidates(run) == [second.id]
    change_state(run.path.parent, second.id, State.ABANDONED, who="tester")
    assert waiting_candidates(run) == []


def test_a_pause_ends_the_wait(run: RunFolder) -> None:
    add_promoted(run, [read_candidates(run.path)[0].id])
    assert not _between(run, sleep=lambda seconds: run.pause_file.touch()).wait()


def test_a_damaged_list_of_promoted_candidates_is_told(run: RunFolder) -> None:
    assert read_promoted(run) == []
    (run.path / "to_laboratory.json").write_text("{")
    with pytest.raises(ParseError, match="judges all"):
        read_promoted(run)


def test_measured_values_stand_beside_computed_ones(run: RunFolder) -> None:
    records = read_candidates(run.path)
    assert measured_digest(measured_of_run(run.path, records, [PCE])) == ""
    field = next(row[0] for row in form_rows("x", "C", "K") if "pce" in row[0].lower())
    _drop(run, records[0], made="yes", **{field: "11.5"})
    _between(run).take_in()
    events = laboratory_journal(run.path.parent).events()
    keys = {item.key for event in events for item in getattr(event, "measurements", ())}
    measured = measured_of_run(run.path, records, keys)
    assert set(measured) == {records[0].id}
    (value,) = measured[records[0].id].values()
    assert value == 11.5
    merged = with_measured(records, measured)
    assert {**records[0].computed, **measured[records[0].id]} == merged[0].computed
    assert merged[1:] == records[1:]
    assert measured_digest(measured) != ""
    assert measured_of_run(run.path, records, []) == {}  # nothing that the campaign asks for


def test_the_budget_of_a_continuous_run_is_no_other_run() -> None:
    assert load_config(overrides=["campaign.continuous={rounds: 5, waiting: 3}"]).digest() == Config().digest()


def test_another_fine_tuning_is_another_run() -> None:
    assert load_config(overrides=["generator.fine_tuning=policy_gradient"]).digest() != Config().digest()
    unused = load_config(overrides=["generator.policy_gradient.steps=3"])
    assert unused.digest() == Config().digest()


def test_pausing_needs_a_run_in_progress(run: RunFolder) -> None:
    from heliosc.cli.commands.continuous import pause_run
    from heliosc.errors import InputError

    with pytest.raises(InputError, match="not in progress"):
        pause_run(run.path.parent, run.id)
    with run.locked():
        assert run.is_in_progress()
        assert "stops before its next stage" in pause_run(run.path.parent, run.id)
    assert run.pause_file.exists()


@pytest.mark.parametrize("stage", [Stage.PROPOSE, Stage.FINISHED])
def test_learning_again_is_written_down_before_it_begins(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = load_config(overrides=["campaign.continuous={rounds: 1}", f"campaign.runs={tmp_path}"])
    run = RunFolder(tmp_path / "r")
    campaign = Campaign(config, run, between=_between(run))
    run.write_state(RunState(1 if stage is Stage.PROPOSE else 0, stage))

    def killed(*_arguments: object) -> RunState:
        raise KeyboardInterrupt

    monkeypatch.setattr(Campaign, "_has_news", lambda self, index: True)
    monkeypatch.setattr(Campaign, "_advance", killed)
    with pytest.raises(KeyboardInterrupt):
        campaign.run()
    assert run.read_state() == RunState(0, Stage.LEARN)


def test_a_pause_is_seen_before_the_next_stage_and_ends_with_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = load_config(overrides=[f"campaign.runs={tmp_path}"])
    run = RunFolder(tmp_path / "r")
    campaign = Campaign(config, run)

    def paused_meanwhile(self: Campaign, state: RunState, store: object) -> RunState:
        run.pause_file.touch()
        return RunState(state.round, Stage.SELECT if state.stage is Stage.PROPOSE else Stage.COMPUTE)

    monkeypatch.setattr(Campaign, "_advance", paused_meanwhile)
    assert "paused before stage select of round 1" in (campaign.run() or "")
    assert run.read_state() == RunState(0, Stage.SELECT)
    assert "paused before stage compute" in (campaign.run() or "")  # it had begun: one more stage is done


def test_taken_forms_keep_their_place(run: RunFolder, tmp_path: Path) -> None:
    """A name in the inbox cannot lead elsewhere: only plain files of the folder itself are read."""
    run.inbox.mkdir()
    (run.inbox / "sub").mkdir()
    (run.inbox / "sub" / "form.csv").write_text("x")
    (run.inbox / ".part").write_text("half a form")
    assert _between(run).take_in() == []
