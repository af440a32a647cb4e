"""Damaged, foreign, newer, unwritable and full stores: one clear message each."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from heliosc.errors import InputError, ResourceError
from heliosc.execution import QCResultStore, TaskRequest


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
    with pytest.raises(InputError, match=r"damaged or no SQLite file.*backup"):
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

    with pytest.raises(InputError, match=r"damaged.*backup"):
        use()


def test_overwritten_pages_are_noticed(filled: Path) -> None:
    data = bytearray(filled.read_bytes())
    data[4_096:] = b"\x5a" * (len(data) - 4_096)  # all but the header page
    filled.write_bytes(data)

    def use() -> None:
        with QCResultStore(filled) as store:
            store.submit("m:f", {"x": "new"})

    with pytest.raises(InputError, match=r"damaged.*backup"):
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
