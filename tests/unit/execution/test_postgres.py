"""What only a store in PostgreSQL does: servers that go away, roles that may not, schemas that hold something else."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from heliosc.errors import InputError, MissingDependencyError, ResourceError, TransientError, UsageError
from heliosc.execution import Counts, QCResultStore, TaskRequest, postgres, run_tasks

SERVER = pytest.mark.program


@pytest.fixture
def store(postgres_url: str) -> Iterator[QCResultStore]:
    with QCResultStore(postgres_url) as opened:
        yield opened


def schema_of(url: str) -> str:
    return parse_qs(urlsplit(url).query)["options"][0].rpartition("=")[2]


def fill(store: QCResultStore) -> None:
    store.submit_many([TaskRequest("m:f", {"x": x, "text": "\u00e9\0"}, identity={"x": x}) for x in range(40)])
    for n in range(30):
        task = store.claim("w", 60)
        assert task is not None
        if n % 3:
            store.complete(task.key, task.token, {"words": ["w" * n] * 200, "x": 0.1 + n})
        else:
            store.fail(task.key, task.token, "convergence", "no\0convergence", traceback="\0")


@SERVER
def test_the_export_is_that_of_a_file(store: QCResultStore, tmp_path: Path) -> None:
    with QCResultStore(tmp_path / "store.db") as file_store:
        fill(file_store)
        fill(store)
        assert store.export() == file_store.export()
    store.check()
    assert store.failures()[0].reason == "no\N{SYMBOL FOR NULL}convergence"


@SERVER
def test_tasks_run_as_from_a_file(store: QCResultStore) -> None:
    keys = store.submit_many([TaskRequest("fake_calculations:square", {"x": x}) for x in range(6)]).keys
    assert run_tasks(store, n_workers=2) == Counts(done=6)
    assert [store.result(key)["square"] for key in keys] == [x**2 for x in range(6)]


@SERVER
def test_readers_wait_for_no_writer(store: QCResultStore, postgres_url: str) -> None:
    with QCResultStore(postgres_url) as reader, store.transaction():
        store.submit("m:f", {})
        assert reader.counts() == Counts()
    assert store.counts() == Counts(queued=1)


@SERVER
def test_a_writer_waits_for_the_one_before_it_and_sees_what_it_did(store: QCResultStore, postgres_url: str) -> None:
    store.submit("m:f", {})
    taken = []
    with QCResultStore(postgres_url) as other:
        late = threading.Thread(target=lambda: taken.append(other.claim("late", 60)))
        with store.transaction():
            assert store.claim("early", 60) is not None
            late.start()
            late.join(0.2)
            assert late.is_alive()
        late.join()
    assert taken == [None]


@SERVER
def test_a_server_that_was_restarted_is_found_again(postgres_server: Any, store: QCResultStore) -> None:
    key = store.submit("m:f", {})
    for mode in ("fast", "immediate"):
        postgres_server.stop(mode)
        postgres_server.start()
        assert store.states() == {key: "queued"}  # a read
        postgres_server.stop(mode)
        postgres_server.start()
        task = store.claim("w", 60)  # a transaction
        assert task is not None
        store.release(key, task.token, "again")


@SERVER
def test_a_server_lost_in_a_transaction_undoes_it(postgres_server: Any, store: QCResultStore) -> None:
    def submit_then_lose_the_server() -> None:
        with store.transaction():
            store.submit("m:f", {"x": 1})
            postgres_server.stop("immediate")
            postgres_server.start()
            store.submit("m:f", {"x": 2})

    with pytest.raises(TransientError, match=r"lost the connection.*same command again"):
        submit_then_lose_the_server()
    assert store.counts() == Counts()
    store.submit("m:f", {"x": 1})
    assert store.counts() == Counts(queued=1)


@SERVER
def test_a_server_that_stays_away_is_waited_for_and_named(
    postgres_server: Any, store: QCResultStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "RECONNECT_S", 0.5)
    postgres_server.stop()
    try:
        with pytest.raises(TransientError, match="lost the connection") as caught:
            store.counts()
    finally:
        postgres_server.start()
    assert caught.value.exit_code == 75
    assert store.counts() == Counts()


@SERVER
def test_a_stopped_process_does_not_hold_the_others_up(
    store: QCResultStore, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(postgres._SETTINGS, "idle_in_transaction_session_timeout", "200ms")
    key = store.submit("m:f", {"x": 1})
    with QCResultStore(postgres_url) as stopped:

        def stop_in_a_transaction() -> None:
            with stopped.transaction():
                assert stopped.claim("stopped", 60) is not None
                store.submit("m:f", {"x": 2})  # waits until the server has given the other up
                stopped.submit("m:f", {"x": 3})

        with pytest.raises(TransientError, match="lost the connection"):
            stop_in_a_transaction()
    assert store.counts() == Counts(queued=2)
    assert store.attempts(key) == []


@SERVER
def test_another_programs_tables_are_refused(postgres_server: Any, postgres_url: str) -> None:
    postgres_server.ask(f"CREATE TABLE {schema_of(postgres_url)}.molecules (smiles text)")
    with pytest.raises(InputError, match="no heliosc store; name an empty"):
        QCResultStore(postgres_url)


@SERVER
def test_a_newer_schema_is_refused_and_left_alone(
    postgres_server: Any, store: QCResultStore, postgres_url: str
) -> None:
    fill(store)
    before = store.export()
    table = f"{schema_of(postgres_url)}.heliosc_store"
    postgres_server.ask(f"UPDATE {table} SET version = 99")  # noqa: S608 - a test's own name
    with pytest.raises(InputError, match=r"schema version 99.*upgrade heliosc"):
        QCResultStore(postgres_url)
    assert store.export() == before
    assert postgres_server.ask(f"SELECT version FROM {table}") == "99\n"  # noqa: S608 - a test's own name


@SERVER
def test_a_schema_that_is_not_there_is_named(postgres_url: str) -> None:
    with pytest.raises(InputError, match="CREATE SCHEMA"):
        QCResultStore(postgres_url + "_not")


@SERVER
def test_a_read_only_role_reads_but_cannot_write(store: QCResultStore, postgres_url: str) -> None:
    fill(store)
    with QCResultStore(postgres_url + "%20-cdefault_transaction_read_only%3Don") as reader:
        assert reader.export() == store.export()
        with pytest.raises(ResourceError, match="cannot write the store"):
            reader.submit("m:f", {})
        assert reader.counts() == store.counts()  # the refused transaction is over


@SERVER
def test_a_full_disk_at_the_server_loses_nothing(
    postgres_server: Any, postgres_url: str, small_disk: Callable[..., Path]
) -> None:
    postgres_server.ask(f"CREATE TABLESPACE small LOCATION '{small_disk('1m', 'postgres')}'")
    with QCResultStore(postgres_url + "%20-cdefault_tablespace%3Dsmall") as store:
        fill(store)
        before = store.export()
        big = [TaskRequest("m:f", {"x": x, "text": "t" * 200}) for x in range(20_000)]
        with pytest.raises(ResourceError, match=r"disk full at the server.*free some space"):
            store.submit_many(big)
        assert store.export() == before
        store.submit("m:f", {"x": "small"})
    postgres_server.ask(f"DROP SCHEMA {schema_of(postgres_url)} CASCADE")
    postgres_server.ask("CHECKPOINT")
    postgres_server.ask("DROP TABLESPACE small")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://user:s3cret%21@127.0.0.1:9/store",
        "postgresql://user:s3cret%21@127.0.0.1:9/store?nonsense=1",
        "postgresql://user:s3cret!@x@127.0.0.1:9/store",
        "postgresql://user@127.0.0.1:9/store?password=s3cret!",
        "postgresql://user:s3cret!@[::1/store",
    ],
)
def test_a_server_that_cannot_be_reached_is_named_without_the_password(url: str) -> None:
    pytest.importorskip("psycopg")
    with pytest.raises(ResourceError, match="check the URL") as caught:
        QCResultStore(url)
    assert "127.0.0.1" in str(caught.value) or "::1" in str(caught.value)
    assert "user" in str(caught.value)
    assert "s3cret" not in str(caught.value)
    assert caught.value.__suppress_context__  # what libpq says may quote it


def test_without_the_client_the_install_command_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'heliosc\[cluster\]'"):
        QCResultStore("postgresql://localhost/store")


def test_a_url_that_became_a_path_is_noticed() -> None:
    with pytest.raises(UsageError, match="hand it over as text"):
        QCResultStore(Path("postgresql://localhost/store"))


@SERVER
def test_it_has_no_file(store: QCResultStore, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is no file"):
        _ = store.path
