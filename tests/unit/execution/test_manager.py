"""Futures on top of the store."""

from __future__ import annotations

import sys
from concurrent.futures import CancelledError
from pathlib import Path

import pytest

from heliosc.errors import ResourceError, UsageError
from heliosc.execution import AsyncQCManager, Counts, DFTInterface, QCResultStore, TaskFailedError, TaskRequest
from heliosc.execution.manager import TaskFuture


def test_futures_fetch_and_as_completed(store: QCResultStore) -> None:
    with AsyncQCManager(store, max_workers=2) as manager:
        futures = [manager.submit("fake_calculations:square", {"x": x}) for x in range(6)]
        keys = [future.key for future in futures]
        assert sorted(manager.as_completed(keys)) == sorted(keys)
        assert [future.result()["square"] for future in futures] == [0, 1, 4, 9, 16, 25]
        again = manager.submit("fake_calculations:square", {"x": 5})  # known already
        assert again.key == keys[5]
        assert again.result(timeout=0)["square"] == 25
        assert manager.fetch(keys[2], timeout_s=0)["square"] == 4
    assert all(len(store.attempts(key)) == 1 for key in keys)


def test_failures_and_retry(store: QCResultStore, tmp_path: Path) -> None:
    with AsyncQCManager(store, n_workers=1) as manager:
        failed = manager.submit("fake_calculations:fails", {"how": "convergence"})
        with pytest.raises(TaskFailedError, match="class convergence: no SCF"):
            failed.result()
        with pytest.raises(TaskFailedError):
            manager.fetch(failed.key)
        payload = {"marker": str(tmp_path / "marker")}
        once = manager.submit("fake_calculations:fails_once", payload, max_attempts=1)
        with pytest.raises(TaskFailedError):
            once.result()
        assert manager.retry(once.key).result() == {"second": True}


def test_cancelling_a_queued_and_a_running_task(store: QCResultStore, tmp_path: Path) -> None:
    with AsyncQCManager(store, n_workers=1) as manager:
        first, second = (
            manager.submit("fake_calculations:wait_for_file", {"path": str(tmp_path / "gate"), "x": x}) for x in (1, 2)
        )
        assert manager.cancel(second.key)
        assert manager.cancel(first.key)
        for future in (first, second):
            with pytest.raises(CancelledError):
                future.result(timeout=20)
        assert not manager.cancel(first.key)
        (tmp_path / "gate").touch()
        assert manager.retry(first.key).result(timeout=20)["found"]


def test_a_task_deep_in_the_queue_is_cancelled_or_hurried_at_once(store: QCResultStore, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    with AsyncQCManager(store, n_workers=1) as manager:
        first = manager.submit("fake_calculations:wait_for_file", {"path": str(gate)})
        later = manager.submit_many([TaskRequest("fake_calculations:square", {"x": x}) for x in range(250)])
        urgent = manager.submit("fake_calculations:square", {"x": 999}, priority=1.0)
        assert manager.cancel(later[200].key)
        with pytest.raises(CancelledError):
            later[200].result(timeout=20)
        store.cancel([later[201].key])  # as another process does
        with pytest.raises(CancelledError):
            later[201].result(timeout=20)
        assert not first.done()
        gate.touch()
    token_urgent, token_later = (store.attempts(future.key)[0].token for future in (urgent, later[0]))
    assert token_urgent < token_later


def test_giving_up_one_future_stops_nothing(store: QCResultStore) -> None:
    with AsyncQCManager(store, n_workers=1) as manager:
        futures = [manager.submit("fake_calculations:square", {"x": x}) for x in (1, 2)]
        assert not futures[0].cancel()
        assert [future.result(timeout=20)["square"] for future in futures] == [1, 4]


def test_a_callback_may_submit_where_there_is_no_room(store: QCResultStore) -> None:
    more: list[TaskFuture] = []

    def submit_more(future: object) -> None:
        more.extend(manager.submit("fake_calculations:square", {"x": x}) for x in (2, 3))

    with AsyncQCManager(store, n_workers=1, max_pending=1) as manager:
        first = manager.submit("fake_calculations:square", {"x": 1})
        first.add_done_callback(submit_more)
        last = manager.submit("fake_calculations:square", {"x": 4})
        assert last.result(timeout=20)["square"] == 16
    assert [future.result(timeout=0)["square"] for future in more] == [4, 9]


def test_leaving_early_keeps_the_work_for_the_next_manager(store: QCResultStore, tmp_path: Path) -> None:
    gate = tmp_path / "gate"

    def leave() -> None:
        with AsyncQCManager(store, n_workers=1) as manager:
            future = manager.submit("fake_calculations:wait_for_file", {"path": str(gate)})
            futures.append(future)
            raise KeyboardInterrupt

    futures = []
    with pytest.raises(KeyboardInterrupt):
        leave()
    with pytest.raises(CancelledError):
        futures[0].result(timeout=0)
    assert store.counts() == Counts(queued=1)
    gate.touch()
    with AsyncQCManager(store, n_workers=1) as manager:
        assert manager.fetch(futures[0].key)["found"] == str(gate)


def test_a_closed_manager_still_reads_but_takes_no_work(store: QCResultStore) -> None:
    with AsyncQCManager(store, n_workers=1) as manager:
        key = manager.submit("fake_calculations:square", {"x": 7}).key
    assert manager.fetch(key)["square"] == 49
    with pytest.raises(UsageError, match="closed"):
        manager.submit("fake_calculations:square", {"x": 8})


def test_trouble_in_the_background_reaches_whoever_waits(store: QCResultStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    manager = AsyncQCManager(store, n_workers=1)
    future = manager.submit("fake_calculations:square", {"x": 1})
    with pytest.raises(ResourceError, match="cannot start"):
        future.result(timeout=20)
    with pytest.raises(ResourceError, match="cannot start"):
        manager.close()


@pytest.mark.parametrize("counts", [{}, {"n_workers": 1, "max_workers": 2}, {"n_workers": 0}])
def test_the_number_of_workers_must_be_clear(store: QCResultStore, counts: dict[str, int]) -> None:
    with pytest.raises(UsageError):
        AsyncQCManager(store, **counts)


def test_dft_interface_adds_its_level(store: QCResultStore) -> None:
    with AsyncQCManager(store, max_workers=1) as manager:
        dft = DFTInterface(manager, "fake_calculations:square", defaults={"x": 3, "level": "fake"})
        assert dft.submit({}).result()["square"] == 9
        special = dft.submit({"x": 4})
        assert list(dft.as_completed([special.key])) == [special.key]
        assert dft.fetch(special.key)["square"] == 16
        assert not dft.cancel(special.key)
        assert dft.retry(special.key).result()["square"] == 16
        manager.store.submit("fake_calculations:square", {"x": 3, "level": "fake"})
    assert store.counts() == Counts(done=2)
