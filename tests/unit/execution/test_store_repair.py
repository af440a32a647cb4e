"""A damaged store is made good: what it still says, what its backup says, and nothing that was never written."""

from __future__ import annotations

import os
import random
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from heliosc.errors import InputError, UsageError
from heliosc.execution import Counts, QCResultStore, TaskRequest, run_tasks
from heliosc.execution.repair import RepairReport, repair
from heliosc.execution.schema import APPLICATION_ID

STORES = Path(__file__).parents[2] / "data" / "stores"
PAGE = 4_096
CLAIM_AND_WAIT = """
import sys
from heliosc.execution import QCResultStore
store = QCResultStore(sys.argv[1])
store.claim("busy", 3600)
print("claimed", flush=True)
sys.stdin.read()
"""
REPAIR = "import sys; from pathlib import Path; from heliosc.execution.repair import repair; repair(Path(sys.argv[1]))"


def fill(path: Path, *, n_tasks: int = 60) -> None:
    """A store with tasks in all states, small and compressed results, and results of many pages."""
    with QCResultStore(path) as store:
        requests = [TaskRequest("m:f", {"x": x, "name": "thiophène" * 10}) for x in range(n_tasks)]
        requests += [TaskRequest("m:f", {"x": x, "folder": "a"}, identity={"x": x}) for x in range(5)]
        keys = store.submit_many(requests).keys
        for n in range(n_tasks):
            task = store.claim("w", 60)
            assert task is not None
            if n % 10 == 3:
                store.fail(task.key, task.token, "convergence", "no convergence")
            else:
                rng = random.Random(n)
                store.complete(task.key, task.token, {"x": n, "random": [rng.random() for _ in range(20 * (n % 40))]})
        store.cancel(keys[-1:])


@pytest.fixture
def path(fast_folder: Path) -> Path:
    return fast_folder / "store.db"


def zero_header(data: bytes) -> bytes:
    return b"\0" * 100 + data[100:]


def overwrite_first_page(data: bytes) -> bytes:
    return b"\x5a" * PAGE + data[PAGE:]


def overwrite_middle_page(data: bytes) -> bytes:
    start = len(data) // PAGE // 2 * PAGE
    return data[:start] + b"\x5a" * PAGE + data[start + PAGE :]


def overwrite_a_tenth(data: bytes) -> bytes:
    pages = [data[start : start + PAGE] for start in range(0, len(data), PAGE)]
    for number in random.Random(5).sample(range(len(pages)), len(pages) // 10):
        pages[number] = b"\0" * PAGE
    return b"".join(pages)


def keep_half(data: bytes) -> bytes:
    return data[: len(data) // 2]


def keep_nothing(data: bytes) -> bytes:
    return b""


def fill_with_text(data: bytes) -> bytes:
    return b"SMILES,name\n" * 100


DAMAGES = [
    zero_header,
    overwrite_first_page,
    overwrite_middle_page,
    overwrite_a_tenth,
    keep_half,
    keep_nothing,
    fill_with_text,
]


def damage(path: Path, change: Callable[[bytes], bytes]) -> bytes:
    data = change(path.read_bytes())
    path.write_bytes(data)
    return data


@pytest.mark.parametrize("change", DAMAGES)
def test_a_store_damaged_after_a_finished_run_loses_nothing(path: Path, change: Callable[[bytes], bytes]) -> None:
    requests = [TaskRequest("fake_calculations:wordy", {"n_words": 50 * x, "x": x}) for x in range(30)]
    with QCResultStore(path) as store:
        store.submit_many(requests)
        assert run_tasks(store, n_workers=2) == Counts(done=30)
        export = store.export()
        last_token = max(attempt.token for key in store.states() for attempt in store.attempts(key))
    damaged = damage(path, change)

    def use() -> None:
        with QCResultStore(path) as store:
            store.check()

    with pytest.raises(InputError, match="heliosc qc repair"):
        use()
    report = repair(path)
    assert report.damaged is not None
    assert report.damaged.read_bytes() == damaged
    assert (report.n_tasks, report.n_results, report.n_requeued) == (30, 30, 0)
    with QCResultStore(path) as store:
        store.check()
        assert store.export() == export
        assert all(len(store.attempts(key)) == 1 for key in store.states())
        store.submit_many(requests)
        assert run_tasks(store, n_workers=1) == Counts(done=30)  # nothing to do
        store.submit("m:f", {"x": "new"})
        task = store.claim("w", 60)
        assert task is not None
        assert task.token > last_token


@pytest.mark.parametrize("change", [zero_header, overwrite_middle_page, overwrite_a_tenth, keep_half])
def test_without_a_backup_what_is_readable_stays_and_the_rest_runs_again(
    path: Path, change: Callable[[bytes], bytes]
) -> None:
    fill(path)
    with QCResultStore(path) as store:
        before = {key: (state, store.results([key])) for key, state in store.states().items()}
    damage(path, change)
    report = repair(path)
    with QCResultStore(path) as store:
        store.check()
        after = {key: (state, store.results([key])) for key, state in store.states().items()}
    lost = {key for key in before if after.get(key) != before[key]}
    assert set(after) <= set(before)
    assert all(after[key] == ("queued", {}) for key in lost if key in after)  # never another answer
    assert report.n_tasks == len(after)
    assert report.n_tasks - report.n_requeued == len(before) - len(lost)
    assert len(lost) == 0 if change is zero_header else 0 < len(lost) < len(before)


def test_each_result_comes_from_where_it_is_sound(path: Path) -> None:
    fill(path)
    with QCResultStore(path) as store:
        backup = path.with_name("store.db.backup")
        store.backups.write(backup)
        before = store.export()
        task = store.claim("w", 60)  # after the backup
        assert task is not None
        store.complete(task.key, task.token, "late")
        after = store.export()
    assert after != before
    done = "SELECT key FROM results WHERE length(data) < 1000 ORDER BY key"
    for file, number in ((path, 0), (backup, 1)):
        with closing(sqlite3.connect(file)) as connection:
            key = connection.execute(done).fetchall()[number][0]
            connection.execute("UPDATE results SET data = '{}' WHERE key = ?", [key])
            connection.commit()
    report = repair(path)
    assert (report.n_results_from_backup, report.n_requeued) == (1, 0)
    with QCResultStore(path) as store:
        assert store.export() == after


def test_a_result_lost_everywhere_is_computed_again(path: Path) -> None:
    with QCResultStore(path) as store:
        keys = store.submit_many([TaskRequest("fake_calculations:square", {"x": x}) for x in range(5)]).keys
        run_tasks(store, n_workers=1)
        export = store.export()
    path.with_name("store.db.backup").unlink()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE results SET data = '{}' WHERE key = ?", [keys[2]])
        connection.commit()
    assert repair(path).n_requeued == 1
    with QCResultStore(path) as store:
        assert store.counts() == Counts(queued=1, done=4)
        run_tasks(store, n_workers=1)
        assert store.export() == export


def test_a_damaged_task_is_not_believed(path: Path) -> None:
    fill(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE tasks SET payload = replace(payload, 'folder', 'holder') WHERE identity IS NOT NULL")
        connection.commit()
    with QCResultStore(path) as store, pytest.raises(InputError, match=r"task .* is damaged"):
        store.check()
    assert repair(path).n_tasks == 60
    with QCResultStore(path) as store:
        assert store.counts().total == 60


def test_what_runs_on_a_cluster_goes_on(path: Path) -> None:
    with QCResultStore(path) as store:
        store.submit_many([TaskRequest("m:f", {"x": x}) for x in range(2)])
        task, other = store.claim("w", 60), store.claim("w", 60)
        assert task is not None
        assert other is not None
        store.jobs.intend("job-1", [task], transport="slurm", folder=path.parent)
    damage(path, zero_header)
    assert repair(path).n_requeued == 1
    with QCResultStore(path) as store:
        assert store.states() == {task.key: "running", other.key: "queued"}
        (job,) = store.jobs.adopt("slurm", lease_s=60)
        assert [(adopted.key, adopted.token) for adopted in job.tasks] == [(task.key, task.token)]
        store.complete(task.key, task.token, 1)


@pytest.mark.parametrize("version", [1, 2])
def test_a_migrated_store_is_read_as_well(path: Path, version: int) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript((STORES / f"v{version}.sql").read_text())
    with QCResultStore(path) as store:
        assert store.release_expired() == 1
        before = store.export()
    damage(path, overwrite_first_page)  # with the definition of the tables
    assert repair(path).n_tasks == 12
    with QCResultStore(path) as store:
        assert store.export() == before


def test_a_sound_store_is_left_alone(path: Path) -> None:
    fill(path)
    before = path.read_bytes()
    assert repair(path) == RepairReport(None, n_tasks=65, n_results=54)
    assert path.read_bytes() == before
    assert [entry.name for entry in path.parent.iterdir()] == ["store.db"]


def test_with_nothing_to_read_it_says_so(path: Path) -> None:
    path.write_bytes(b"nothing" * 1_000)
    with pytest.raises(InputError, match=r"no readable task.*backup of your own"):
        repair(path)
    with pytest.raises(InputError, match="no readable task"):
        repair(path.with_name("missing.db"))


def test_a_store_of_a_newer_heliosc_is_left_to_it(path: Path) -> None:
    fill(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version=99")
    before = path.read_bytes()
    with pytest.raises(InputError, match="the heliosc that wrote it"):
        repair(path)
    assert path.read_bytes() == before


def test_a_store_at_work_is_not_repaired(path: Path) -> None:
    fill(path)
    command = [sys.executable, "-c", CLAIM_AND_WAIT, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        damage(path, zero_header)
        with pytest.raises(UsageError, match=f"process {process.pid} .*stop it"):
            repair(path)
        process.communicate("")
    assert repair(path).damaged is not None


@pytest.mark.parametrize("point", ["store-commit:before", "backup-rename:before", "backup-rename:after"])
def test_a_repair_killed_in_the_middle_is_repeated(path: Path, point: str) -> None:
    fill(path)
    with QCResultStore(path) as store:
        before = store.export()
    damage(path, zero_header)
    environment = {**os.environ, "HELIOSC_FAULT": f"{point}#2" if point.startswith("store") else point}
    assert subprocess.run([sys.executable, "-c", REPAIR, str(path)], env=environment, check=False).returncode == 137
    repair(path)
    with QCResultStore(path) as store:
        assert store.export() == before
    assert [entry.name for entry in path.parent.iterdir() if entry.name.startswith(".")] == []


def test_the_journal_of_a_damaged_store_is_not_played_into_the_new_one(path: Path) -> None:
    fill(path)
    with QCResultStore(path) as store:
        before = store.export()
    damage(path, zero_header)
    path.with_name("store.db-journal").write_bytes(b"\0" * 600)
    report = repair(path)
    assert report.damaged is not None
    assert not path.with_name("store.db-journal").exists()
    with QCResultStore(path) as store:
        assert store.export() == before


def test_a_damaged_store_never_replaces_its_backup(path: Path) -> None:
    fill(path)
    backup = path.with_name("store.db.backup")
    with QCResultStore(path) as store:
        store.backups.write(backup)
        good = backup.read_bytes()
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("UPDATE results SET data = '{}'")
            connection.commit()
        store.submit("m:f", {"x": "new"})
        with pytest.raises(InputError, match=r"result of task .* damaged"):
            store.backups.keep(is_last=True)
    assert backup.read_bytes() == good
    assert sorted(entry.name for entry in path.parent.iterdir()) == ["store.db", "store.db.backup"]


def test_a_backup_is_made_when_it_is_due_and_something_changed(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr("heliosc.execution.backups.time.monotonic", lambda: clock[0])
    backup = path.with_name("store.db.backup")
    with QCResultStore(path) as store:
        made = []
        for now, is_changed in ((299, True), (301, False), (302, True), (500, True), (602, False), (700, True)):
            clock[0] = now
            if is_changed:
                store.submit("m:f", {"x": now})
            backup.unlink(missing_ok=True)
            store.backups.keep()
            made.append(backup.exists())
    assert made == [False, True, False, False, True, False]
    with QCResultStore(path) as reader:
        reader.counts()
        backup.unlink(missing_ok=True)
        reader.backups.keep(is_last=True)
    assert not backup.exists()  # reading changes nothing


def test_a_backup_that_cannot_be_written_stops_nothing(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path.with_name("store.db.backup").mkdir()
    with QCResultStore(path.with_name("other.db")) as other:
        other.submit("m:f", {})
    path.with_name("other.db").replace(path)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
    with QCResultStore(path) as store:
        store.submit("m:f", {"x": 1})
        store.backups.keep(is_last=True)
    assert "no backup was made" in caplog.text
