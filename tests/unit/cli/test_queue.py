"""``heliosc qc status``, ``retry`` and ``cancel`` on a store with tasks in every state."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from heliosc.cli.app import app
from heliosc.execution import AttemptCost, Counts, QCResultStore, TaskRequest


@pytest.fixture
def store_file(tmp_path: Path) -> Path:
    return tmp_path / "store.sqlite"


@pytest.fixture
def store(store_file: Path) -> Iterator[QCResultStore]:
    """One done (1 h), one out of time (0.5 h), two that did not converge, one running, one cancelled, one queued."""
    with QCResultStore(store_file) as store:
        keys = store.submit_many(TaskRequest("m:f", {"x": x}, max_attempts=1) for x in range(7)).keys
        tasks = [store.claim("worker", 60, keys=[key]) for key in keys[:5]]
        for task, error_class in zip(tasks, (None, "timeout", "convergence", "convergence", "running"), strict=True):
            assert task is not None
            if error_class is None:
                store.complete(task.key, task.token, 1, cost=AttemptCost(wall_s=4_000, cpu_s=3_600))
            elif error_class != "running":
                reason = f"[bold]{error_class}[/] of {task.payload}"
                store.fail(task.key, task.token, error_class, reason, cost=AttemptCost(wall_s=2_000, cpu_s=600))
        store.cancel(keys[5:6])
        yield store


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["qc", *arguments])


def test_status_tells_states_causes_and_core_hours(store: QCResultStore, store_file: Path) -> None:
    answer = run("status", "--store", str(store_file))
    assert answer.exit_code == 0
    shown = answer.stdout
    assert "1.5 core-hours used, 0.5 of them in attempts without a result" in shown
    assert "[bold]convergence[/] of {'x': 3}" in shown  # the newest of its class, not taken for markup
    data = json.loads(run("status", "--store", str(store_file), "--json").stdout)
    assert data["counts"] == {"queued": 1, "running": 1, "done": 1, "failed": 3, "cancelled": 1}
    assert data["failures"] == {"convergence": 2, "timeout": 1}
    assert [task["callable"] for task in data["running"]] == ["m:f"]
    assert len(data["failed"]) == 3


def test_time_left_follows_from_what_was_finished_lately(store: QCResultStore, store_file: Path) -> None:
    left_s = json.loads(run("status", "--store", str(store_file), "--json").stdout)["eta_s"]
    assert 0 < left_s < 60  # four attempts ended within the last seconds, two are open


def test_retry_by_class_by_key_and_all(store: QCResultStore, store_file: Path) -> None:
    assert run("retry", "--class", "timeout", "--store", str(store_file)).exit_code == 0
    assert store.counts().failed == 2
    key = store.failures()[0].key
    assert run("retry", key[:10], "--store", str(store_file)).exit_code == 0
    assert store.states([key]) == {key: "queued"}
    assert run("retry", "--class", "all", "--store", str(store_file)).exit_code == 0
    assert store.counts() == Counts(queued=4, running=1, done=1, cancelled=1)


def test_cancel_one_and_all(store: QCResultStore, store_file: Path) -> None:
    queued = next(key for key, state in store.states().items() if state == "queued")
    assert run("cancel", queued, "--store", str(store_file)).exit_code == 0
    assert store.states([queued]) == {queued: "cancelled"}
    assert run("cancel", "--all", "--store", str(store_file)).exit_code == 0
    assert store.counts() == Counts(done=1, failed=3, cancelled=3)


@pytest.mark.parametrize(
    ("arguments", "message", "code"),
    [
        (["retry"], "nothing chosen", 2),
        (["cancel"], "nothing chosen", 2),
        (["retry", "--class", "weather"], "there is: convergence, timeout", 3),
        (["retry", "zzzzzzzz"], "names 0 tasks of 7", 3),
        (["cancel", "a"], "names", 3),
        (["status", "--store", "/nowhere/store.sqlite"], "no store at", 3),
    ],
)
def test_what_cannot_be_meant_is_explained(
    store: QCResultStore, store_file: Path, arguments: list[str], message: str, code: int
) -> None:
    chosen = arguments if "--store" in arguments else [*arguments, "--store", str(store_file)]
    answer = run(*chosen)
    assert answer.exit_code == code
    assert message in answer.stderr


def test_watching_ends_when_nothing_is_open(store_file: Path) -> None:
    with QCResultStore(store_file) as store:
        key = store.submit("m:f", {})
        store.cancel([key])
    answer = run("status", "--store", str(store_file), "--watch")
    assert answer.exit_code == 0
    assert "time left: 0 s" in answer.stdout


def test_a_damaged_store_is_repaired_from_what_is_whole(store: QCResultStore, store_file: Path) -> None:
    store.backups.write(store_file.with_name("store.sqlite.backup"))
    store.close()
    sound = run("repair", str(store_file), "--json")
    assert json.loads(sound.stdout)["damaged"] is None
    data = bytearray(store_file.read_bytes())
    data[:100] = b"\0" * 100
    store_file.write_bytes(data)
    assert run("status", "--store", str(store_file)).exit_code == 3
    repaired = run("repair", str(store_file))
    assert repaired.exit_code == 0
    assert "7 tasks and 1 results now" in repaired.stderr
    with QCResultStore(store_file) as again:
        assert again.counts().done == 1
        assert again.counts().total == 7
    assert run("repair", str(store_file.with_name("absent"))).exit_code == 3
