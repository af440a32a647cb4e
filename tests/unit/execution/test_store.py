"""The store: keys, leases, fencing, retries, exactly one result."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from heliosc.errors import InputError, UsageError
from heliosc.execution import Counts, QCResultStore, StaleLeaseError, TaskRequest

SUBMIT_200 = """
import sys
from heliosc.execution import QCResultStore, TaskRequest
store = QCResultStore(sys.argv[1])
for start in range(0, 200, 20):
    store.submit_many([TaskRequest("fake_calculations:square", {"x": x}) for x in range(start, start + 20)])
claimed = []
while len(claimed) < 20:
    claimed.append(store.claim(sys.argv[2], 60).key)
print("\\n".join(claimed))
"""
FIFTY_SUBMIT_1000 = """
import os, sys
from heliosc.execution import QCResultStore, TaskRequest
children = []
for n in range(50):
    if not (pid := os.fork()):
        code = 1
        try:
            with QCResultStore(sys.argv[1]) as store:
                for start in range(0, 1000, 100):
                    numbers = [(start + 20 * n + x) % 1000 for x in range(100)]
                    store.submit_many([TaskRequest("m:f", {"x": x}) for x in numbers])
            code = 0
        except Exception as error:
            print(repr(error), file=sys.stderr, flush=True)
        finally:
            os._exit(code)
    children.append(pid)
sys.exit(sum(os.waitpid(pid, 0)[1] != 0 for pid in children))
"""
CLAIM_AND_DIE = """
import os, sys
from heliosc.execution import QCResultStore
QCResultStore(sys.argv[1]).claim("dying", 3600)
os._exit(137)
"""


BACKENDS = ["sqlite", pytest.param("postgresql", marks=pytest.mark.program)]


@pytest.fixture(params=BACKENDS)
def location(request: pytest.FixtureRequest, fast_folder: Path) -> str:
    """Where a new store may be made, in a file and in a real server: every test here holds for both."""
    if request.param == "sqlite":
        return str(fast_folder / "store.db")
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
def store(location: str) -> Iterator[QCResultStore]:
    with QCResultStore(location) as opened:
        yield opened


def test_eight_processes_submitting_the_same_keys_make_one_row_each_and_claim_apart(location: str) -> None:
    processes = [
        subprocess.Popen([sys.executable, "-c", SUBMIT_200, location, str(n)], stdout=subprocess.PIPE, text=True)
        for n in range(8)
    ]
    claimed = [key for process in processes for key in process.communicate(timeout=60)[0].split()]
    assert [process.returncode for process in processes] == [0] * 8
    assert len(set(claimed)) == len(claimed) == 160
    with QCResultStore(location) as store:
        assert store.counts() == Counts(queued=40, running=160)


def test_fifty_processes_submitting_the_same_thousand_keys_make_a_thousand_rows(location: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", FIFTY_SUBMIT_1000, location], timeout=120, check=False, capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stderr
    with QCResultStore(location) as store:
        assert store.counts() == Counts(queued=1_000)
        assert len(set(store.states())) == 1_000
        store.check()


def test_same_identity_is_the_same_row_whatever_the_payload(store: QCResultStore) -> None:
    first = store.submit("package.module:f", {"x": 1, "folder": "a"}, identity={"x": 1})
    assert store.submit("package.module:f", {"x": 1, "folder": "b"}, identity={"x": 1}) == first
    assert store.submit("package.module:f", {"x": 1, "folder": "b"}) != first
    report = store.submit_many([TaskRequest("package.module:f", {"x": x}) for x in (1, 2, 1)])
    assert report.keys[0] == report.keys[2]
    assert report.n_new == 2
    assert store.counts().total == 4


def test_a_batch_with_one_bad_request_submits_nothing(store: QCResultStore) -> None:
    with pytest.raises(InputError):
        store.submit_many([TaskRequest("m:f", {"x": x}) for x in (1.0, float("nan"))])
    assert store.counts().total == 0


@pytest.mark.parametrize("name", ["os.system", "os:", ":f", "__main__:f", "m:f()", "m f:g", "../m:f"])
def test_names_that_no_worker_can_import_are_refused(store: QCResultStore, name: str) -> None:
    with pytest.raises(UsageError, match=r"package\.module:function"):
        store.submit(name, {})


def test_what_no_database_takes_as_text_is_spelt_out(store: QCResultStore) -> None:
    key = store.submit("fake_calculations:square", {"x": 1})
    task = store.claim("w", 60)
    assert task is not None
    store.release(key, task.token, "node \udcff")
    task = store.claim("w", 60)
    assert task is not None
    store.fail(key, task.token, "unexpected", "a\0b \udce9", traceback="\0")
    assert store.attempts(key)[-1].traceback == "\N{SYMBOL FOR NULL}"
    failure = store.failure(key)
    assert failure is not None
    assert failure.reason == "a\N{SYMBOL FOR NULL}b \\udce9"


@pytest.mark.parametrize("url", ["http://host/store", "mysql://user@host/name", "sqlite:///store.sqlite"])
def test_a_url_of_another_kind_makes_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="no known kind"):
        QCResultStore(url)
    assert list(tmp_path.iterdir()) == []


def test_claims_follow_priority_then_age(store: QCResultStore) -> None:
    keys = [store.submit("m:f", {"x": x}, priority=priority) for x, priority in enumerate([0, 5, 0, 5])]
    tasks = [store.claim("w", 60) for _ in range(4)]
    assert [task.payload["x"] for task in tasks if task] == [1, 3, 0, 2]
    assert store.claim("w", 60) is None
    assert list(store.states()) == [keys[1], keys[3], keys[0], keys[2]]


def test_a_claim_among_keys_takes_no_other(store: QCResultStore) -> None:
    store.submit("m:f", {"x": 0}, priority=9)
    key = store.submit("m:f", {"x": 1})
    task = store.claim("w", 60, keys=[key])
    assert task is not None
    assert task.key == key
    assert store.claim("w", 60, keys=[key]) is None


def test_a_worker_declared_dead_changes_nothing_when_it_comes_back(store: QCResultStore) -> None:
    key = store.submit("m:f", {})
    late = store.claim("slow", -1.0)  # its lease has ended already
    assert late is not None
    assert store.release_expired() == 1
    new = store.claim("fast", 60)
    assert new is not None
    assert new.token > late.token
    for attempt in (
        lambda: store.complete(key, late.token, "late"),
        lambda: store.fail(key, late.token, "bug", "late"),
        lambda: store.release(key, late.token, "late"),
    ):
        with pytest.raises(StaleLeaseError):
            attempt()
    assert store.heartbeat({key: late.token}, lease_s=60) == {key}
    assert store.heartbeat({key: new.token}, lease_s=60) == set()
    store.complete(key, new.token, "new")
    with pytest.raises(StaleLeaseError):
        store.complete(key, new.token, "twice")
    assert store.result(key) == "new"
    assert [kind for _, kind, _ in store.events(key)] == ["released", "refused", "refused", "refused", "refused"]
    assert [attempt.outcome for attempt in store.attempts(key)] == ["interrupted", "done"]


def test_a_heartbeat_keeps_the_lease(store: QCResultStore) -> None:
    key = store.submit("m:f", {})
    task = store.claim("w", -1.0)
    assert task is not None
    store.heartbeat({key: task.token}, lease_s=60)
    assert store.release_expired() == 0


def test_leases_of_a_dead_process_end_at_once(store: QCResultStore, location: str) -> None:
    key = store.submit("m:f", {})
    ended = subprocess.run([sys.executable, "-c", CLAIM_AND_DIE, location], check=False)
    assert ended.returncode == 137
    assert store.counts().running == 1
    assert store.release_expired() == 1
    assert "died" in (store.attempts(key)[0].reason or "")


@pytest.mark.parametrize(
    ("error_class", "max_attempts", "n_tries"),
    [
        ("transient", 3, 3),
        ("timeout", 3, 2),
        ("crash", 3, 2),
        ("timeout", 1, 1),
        ("convergence", 3, 1),
        ("input", 3, 1),
    ],
)
def test_only_what_may_pass_is_tried_again(
    store: QCResultStore, error_class: str, max_attempts: int, n_tries: int
) -> None:
    key = store.submit("m:f", {}, max_attempts=max_attempts)
    n_done = 0
    while (task := store.claim("w", 60)) is not None:
        store.fail(key, task.token, error_class, "reason", traceback="trace")
        n_done += 1
    assert n_done == n_tries
    failure = store.failure(key)
    assert failure is not None
    assert (failure.error_class, failure.reason, failure.n_attempts) == (error_class, "reason", n_tries)


def test_interruptions_cost_no_attempts(store: QCResultStore) -> None:
    key = store.submit("m:f", {}, max_attempts=1)
    for _ in range(5):
        task = store.claim("w", 60)
        assert task is not None
        store.release(key, task.token, "driver stopped")
    assert store.states([key]) == {key: "queued"}


def test_retry_gives_a_fresh_budget_and_keeps_the_history(store: QCResultStore) -> None:
    key = store.submit("m:f", {}, max_attempts=2)
    for _ in range(2):
        while (task := store.claim("w", 60)) is not None:
            store.fail(key, task.token, "transient", "busy")
        assert store.failure(key) is not None
        assert store.retry([key]) == 1
        assert store.failure(key) is None
    assert [attempt.number for attempt in store.attempts(key)] == [1, 2, 3, 4]
    assert store.retry([key]) == 0


def test_a_cancelled_running_task_refuses_its_result(store: QCResultStore) -> None:
    key, other = store.submit("m:f", {"x": 1}, priority=1), store.submit("m:f", {"x": 2})
    task = store.claim("w", 60)
    assert task is not None
    assert store.cancel([key, other, "unknown"]) == 2
    assert store.cancel([key]) == 0
    with pytest.raises(StaleLeaseError):
        store.complete(key, task.token, 1)
    assert store.counts() == Counts(cancelled=2)
    assert store.retry([key]) == 1


@pytest.mark.parametrize("result", [None, 0.1 + 0.2, {"energies": [0.1] * 5_000}, "é" * 2_000])
def test_results_come_back_as_they_went_in(store: QCResultStore, result: object) -> None:
    key = store.submit("m:f", {})
    task = store.claim("w", 60)
    assert task is not None
    store.complete(key, task.token, result)
    assert store.result(key) == result
    assert store.results([key, "unknown"]) == {key: result}
    store.check()


def test_asking_for_a_result_that_is_not_there_says_why(store: QCResultStore) -> None:
    key = store.submit("m:f", {})
    with pytest.raises(UsageError, match="queued"):
        store.result(key)
    with pytest.raises(UsageError, match="unknown to this store"):
        store.result("0" * 64)


def test_export_depends_on_contents_only(tmp_path: Path) -> None:
    hashes = set()
    for name, order in (("a", [1, 2, 3]), ("b", [3, 1, 2])):
        with QCResultStore(tmp_path / name) as store:
            store.submit_many([TaskRequest("m:f", {"x": x}) for x in order])
            while (task := store.claim(name, 60)) is not None:
                if task.payload["x"] == 2:
                    store.fail(task.key, task.token, "convergence", f"in {name}")
                else:
                    store.complete(task.key, task.token, task.payload["x"] * 10)
            hashes.add(store.export(tmp_path / f"{name}.jsonl"))
            hashes.add(store.export())
    assert len(hashes) == 1
    lines = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text().splitlines()]
    assert sorted((line["payload"]["x"], line["state"], line["result"], line["error_class"]) for line in lines) == [
        (1, "done", 10, None),
        (2, "failed", None, "convergence"),
        (3, "done", 30, None),
    ]


def test_a_transaction_is_all_or_nothing(store: QCResultStore) -> None:
    key = store.submit("m:f", {})
    task = store.claim("w", 60)
    assert task is not None

    def complete_then_break() -> None:
        with store.transaction():
            store.complete(key, task.token, 1)
            raise RuntimeError("power cut")

    with pytest.raises(RuntimeError):
        complete_then_break()
    assert store.states([key]) == {key: "running"}
    store.complete(key, task.token, 2)
    assert store.result(key) == 2
