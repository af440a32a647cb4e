"""Damaged, foreign, newer, unwritable and full stores: one clear message each."""

from __future__ import annotations

import logging
import random
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from heliosc.errors import HelioscError, InputError, ResourceError
from heliosc.execution import Counts, QCResultStore, TaskRequest, run_tasks

WRITERS = """
import os, sys
from pathlib import Path
from heliosc.execution import QCResultStore
children = []
for writer in range(32):
    if not (pid := os.fork()):
        code = 1
        try:
            with QCResultStore(Path(sys.argv[1])) as store:
                for n in range(int(sys.argv[2])):
                    store.submit("m:f", {"writer": writer, "n": n})
            code = 0
        except Exception as error:
            print(repr(error), file=sys.stderr, flush=True)
        finally:
            os._exit(code)
    children.append(pid)
sys.exit(sum(os.waitpid(pid, 0)[1] != 0 for pid in children))
"""


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    path = tmp_path / "filled.db"
    with QCResultStore(path) as store:
        store.submit_many([TaskRequest("m:f", {"x": x, "text": "t" * 200}) for x in range(200)])
        task = store.claim("w", 60)
        assert task is not None
        store.complete(task.key, task.token, {"text": [f"{n}" for n in range(2_000)]})
    return path


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    path.write_text("SMILES,name\nc1ccsc1,thiophene\n" * 50)
    with pytest.raises(InputError, match=r"damaged or no SQLite file.*heliosc qc repair"):
        QCResultStore(path)


def test_another_programs_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE molecules (smiles TEXT)")
    connection.close()
    with pytest.raises(InputError, match="no heliosc store"):
        QCResultStore(path)


def test_a_newer_schema_is_refused_and_left_alone(filled: Path) -> None:
    connection = sqlite3.connect(filled)
    connection.execute("PRAGMA user_version=99")
    connection.close()
    before = filled.read_bytes()
    with pytest.raises(InputError, match=r"schema version 99.*upgrade heliosc"):
        QCResultStore(filled)
    assert filled.read_bytes() == before


def test_a_truncated_store_is_noticed(filled: Path) -> None:
    data = filled.read_bytes()
    filled.write_bytes(data[: len(data) // 2])

    def use() -> None:
        with QCResultStore(filled) as store:
            store.check()

    with pytest.raises(InputError, match=r"damaged.*heliosc qc repair"):
        use()


def test_overwritten_pages_are_noticed(filled: Path) -> None:
    data = bytearray(filled.read_bytes())
    data[4_096:] = b"\x5a" * (len(data) - 4_096)  # all but the header page
    filled.write_bytes(data)

    def use() -> None:
        with QCResultStore(filled) as store:
            store.submit("m:f", {"x": "new"})

    with pytest.raises(InputError, match=r"damaged.*heliosc qc repair"):
        use()


@pytest.mark.parametrize("change", ["substr(data, 1, 40) || x'00' || substr(data, 42)", "x'00'", "'{\"text\":[]}'"])
def test_a_changed_result_is_noticed(filled: Path, change: str) -> None:
    connection = sqlite3.connect(filled)
    connection.execute(f"UPDATE results SET data = CAST({change} AS BLOB)")  # noqa: S608 - constants above
    connection.commit()
    (key,) = connection.execute("SELECT key FROM results").fetchone()
    connection.close()
    with QCResultStore(filled) as store:
        with pytest.raises(InputError, match=r"result of task .* (damaged|checksum)"):
            store.result(key)
        with pytest.raises(InputError):
            store.check()


@pytest.mark.parametrize("folder", ["/proc/heliosc", "a_file"])
def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, folder: str) -> None:
    (tmp_path / "a_file").write_text("")
    path = tmp_path / folder / "store.db"  # an absolute folder replaces tmp_path
    with pytest.raises(ResourceError, match="writable folder") as caught:
        QCResultStore(path)
    assert str(path) in str(caught.value)
    assert caught.value.exit_code == 75


def test_a_store_in_place_of_a_folder_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(ResourceError, match="cannot open or write the store"):
        QCResultStore(tmp_path)


def test_a_read_only_store_says_so(store: QCResultStore) -> None:
    store._db.execute("PRAGMA query_only=1")  # as root, file permissions would not stop it
    with pytest.raises(ResourceError, match="cannot open or write"):
        store.submit("m:f", {})


def test_a_full_disk_loses_nothing_that_was_committed(store: QCResultStore) -> None:
    key = store.submit("m:f", {"x": 1})
    task = store.claim("w", 60)
    assert task is not None
    store._db.execute("PRAGMA max_page_count=1")  # SQLite answers as on a full disk
    with pytest.raises(ResourceError, match=r"disk full.*free some space"):
        store.complete(key, task.token, ["x" * 50] * 10_000 + list(range(20_000)))
    assert store.states([key]) == {key: "running"}
    store._db.execute("PRAGMA max_page_count=1000000")
    store.complete(key, task.token, 1)
    assert store.result(key) == 1


def remount(disk: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", disk], check=True)


def wordy_tasks(store: QCResultStore) -> list[str]:
    return store.submit_many(
        [TaskRequest("fake_calculations:wordy", {"n_words": 1_500, "x": x}) for x in range(20)]
    ).keys


def test_a_run_on_a_disk_that_is_full_goes_on_when_there_is_room(
    small_disk: Callable[..., Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with QCResultStore(tmp_path / "undisturbed.db") as store:
        wordy_tasks(store)
        run_tasks(store, n_workers=1)
        undisturbed = store.export()
    disk = small_disk("200k")
    path = disk / "store.db"
    with QCResultStore(path) as store:
        keys = wordy_tasks(store)
        with pytest.raises(ResourceError, match=r"disk full.*free some space") as caught:
            run_tasks(store, n_workers=1, lease_s=1)
        assert caught.value.exit_code == 75
    with QCResultStore(path) as store:  # the next start
        store.check()
        n_done = store.counts().done
        assert 0 < n_done < 20
        remount(disk, "size=500k")  # room for the rest, but for no copy of it
        with caplog.at_level(logging.WARNING):
            assert run_tasks(store, keys, n_workers=1, lease_s=1) == Counts(done=20)
        assert "no backup was made" in caplog.text
        assert store.export() == undisturbed
    assert [entry.name for entry in disk.iterdir()] == ["store.db"]


def test_a_read_only_disk_can_be_read_and_nothing_is_written(filled: Path, small_disk: Callable[..., Path]) -> None:
    disk = small_disk("4m")
    path = disk / "store.db"
    path.write_bytes(filled.read_bytes())
    remount(disk, "ro")
    with QCResultStore(path) as store:
        store.check()
        before = store.export()
        with pytest.raises(ResourceError, match="cannot open or write the store"):
            store.submit("m:f", {"x": "new"})
        with pytest.raises(ResourceError, match="cannot open or write the store"):
            run_tasks(store, n_workers=1)
    with pytest.raises(ResourceError, match="cannot open or write the store"):
        QCResultStore(disk / "new.db")
    remount(disk, "rw")
    with QCResultStore(path) as store:
        assert store.export() == before
        store.submit("m:f", {"x": "new"})


@pytest.fixture
def small(fast_folder: Path) -> Path:
    """A store of few pages, with tasks in all states that last, with and without an identity of their own."""
    path = fast_folder / "small.db"
    with QCResultStore(path) as store:
        store.submit_many([TaskRequest("m:f", {"x": x, "name": "thiophène"}) for x in range(8)])
        store.submit_many([TaskRequest("m:f", {"x": x, "folder": "a"}, identity={"x": x}) for x in range(8)])
        for n in range(11):
            task = store.claim("w", 60)
            assert task is not None
            if n % 4 == 3:
                store.fail(task.key, task.token, "convergence", "no convergence")
            else:
                store.complete(task.key, task.token, {"values": [k / 7 for k in range(300 if n % 4 == 2 else 3)]})
        store.cancel(list(store.states())[-2:])
    return path


def what_becomes_of(data: bytes, *, at: Path, sound_export: str) -> str:
    """Whether a changed file is noticed, by a HelioscError and nothing else, or says what it said."""
    for left in at.parent.glob(f"{at.name}*"):
        left.unlink()
    at.write_bytes(data)
    try:
        with QCResultStore(at) as store:
            store.check()
            return "harmless" if store.export() == sound_export else "unnoticed"
    except HelioscError:
        return "noticed"


@pytest.mark.parametrize("n_flips", [150, pytest.param(3_000, marks=pytest.mark.slow)])
def test_no_flipped_bit_passes_unnoticed(small: Path, n_flips: int) -> None:
    with QCResultStore(small) as store:
        export = store.export()
    sound, rng = small.read_bytes(), random.Random(n_flips)
    outcomes: Counter[str] = Counter()
    for _ in range(n_flips):
        data, place, bit = bytearray(sound), rng.randrange(len(sound)), rng.randrange(8)
        data[place] ^= 1 << bit
        outcome = what_becomes_of(bytes(data), at=small.with_name("flipped.db"), sound_export=export)
        assert outcome != "unnoticed", f"bit {bit} of byte {place}"
        outcomes[outcome] += 1
    assert outcomes["noticed"] > n_flips / 10


def test_no_truncation_passes_unnoticed(small: Path) -> None:
    with QCResultStore(small) as store:
        export = store.export()
    data = small.read_bytes()
    lengths = [1, 99, 100, 511, 512, 4_095, 4_097, *range(4_096, len(data), 4_096)]
    outcomes = {what_becomes_of(data[:n], at=small.with_name("cut.db"), sound_export=export) for n in lengths}
    assert outcomes == {"noticed"}


def test_an_emptied_store_is_not_started_anew_while_its_backup_is_there(small: Path) -> None:
    with QCResultStore(small) as store:
        store.backups.write(small.with_name("small.db.backup"))
    for lose in (lambda: small.write_bytes(b""), small.unlink):
        lose()
        with pytest.raises(InputError, match=r"gone or empty.*small\.db\.backup.*heliosc qc repair"):
            QCResultStore(small)


def test_a_damaged_task_is_not_handed_out(filled: Path) -> None:
    connection = sqlite3.connect(filled)
    connection.execute("UPDATE tasks SET payload = replace(payload, 't', 'u')")
    connection.commit()
    connection.close()
    with QCResultStore(filled) as store:
        with pytest.raises(InputError, match=r"task .* is damaged.*heliosc qc repair"):
            store.claim("w", 60)
        assert store.counts().queued == 199


def test_writers_and_a_reader_never_see_a_locked_store(fast_folder: Path) -> None:
    path = fast_folder / "store.db"
    with QCResultStore(path) as reader:
        command = [sys.executable, "-c", WRITERS, str(path), "40"]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as writers:
            while writers.poll() is None:  # as a dashboard does, without a pause
                reader.counts()
                reader.running()
                reader.failures()
            errors = writers.communicate()[1]
        assert (writers.returncode, errors) == (0, "")
        assert reader.counts() == Counts(queued=32 * 40)
