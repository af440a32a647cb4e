"""How many blocks are asked for, and when hope is given up; before a scheduler that does as it is told."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from heliosc.execution.parsl.blocks import BlockKeeper

pytest.importorskip("parsl", reason="pip install 'heliosc[cluster]'")
from parsl.jobs.states import JobState, JobStatus


class Provider:
    """A scheduler in memory."""

    label = "fake"
    status_polling_interval = 0.01
    nodes_per_block, parallelism = 2, 1.0

    def __init__(self, *, init_blocks: int = 1, min_blocks: int = 0, max_blocks: int = 3) -> None:
        self.init_blocks, self.min_blocks, self.max_blocks = init_blocks, min_blocks, max_blocks
        self.states: dict[str, JobState] = {}
        self.refuses = False

    def status(self, jobs: list[str]) -> list[JobStatus]:
        return [JobStatus(self.states[job]) for job in jobs]

    def cancel(self, jobs: list[str]) -> list[bool]:
        self.states.update(dict.fromkeys(jobs, JobState.CANCELLED))
        return [True] * len(jobs)

    @property
    def n_running(self) -> int:
        return list(self.states.values()).count(JobState.RUNNING)


class Executor:
    """What the keeper uses of Parsl's."""

    workers_per_node = 4

    def __init__(self, provider: Provider) -> None:
        self.provider = self._provider = provider
        self.blocks_to_job_id: dict[str, str] = {}
        self._simulated_status: dict[str, JobStatus] = {}
        self.n_open = 0

    def outstanding(self) -> int:
        return self.n_open

    def _get_block_and_job_ids(self) -> tuple[list[str], list[str]]:
        return list(self.blocks_to_job_id), list(self.blocks_to_job_id.values())

    def _make_status_dict(self, blocks: list[str], statuses: list[JobStatus]) -> dict[str, JobStatus]:
        return dict(zip(blocks, statuses, strict=True))

    def scale_out_facade(self, n: int) -> list[str]:
        if self.provider.refuses:
            block = f"refused {len(self._simulated_status)}"
            self._simulated_status[block] = JobStatus(JobState.FAILED, "too many jobs")
            return []
        blocks = [str(len(self.blocks_to_job_id) + k) for k in range(n)]
        for block in blocks:
            self.blocks_to_job_id[block] = f"job {block}"
            self.provider.states[f"job {block}"] = JobState.RUNNING
        return blocks


@pytest.fixture
def keep(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Provider], tuple[Executor, BlockKeeper]]]:
    for name in ("_LOOK_EVERY_S", "_SUBMIT_AGAIN_S"):
        monkeypatch.setattr(f"heliosc.execution.parsl.blocks.{name}", 0.01)
    monkeypatch.setattr("heliosc.execution.parsl.blocks._IDLE_S", 0.2)
    keepers: list[BlockKeeper] = []

    def make(provider: Provider) -> tuple[Executor, BlockKeeper]:
        executor: Any = Executor(provider)
        keepers.append(BlockKeeper(executor))
        return executor, keepers[-1]

    yield make
    assert all(keeper.close(limit_s=10) for keeper in keepers)


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_blocks_follow_the_work_and_all_end(keep: Callable[[Provider], tuple[Executor, BlockKeeper]]) -> None:
    provider = Provider()
    executor, keeper = keep(provider)
    wait_until(lambda: provider.n_running == 1)  # asked for at once, before there is work
    assert keeper.n_slots == 3 * 2 * 4
    executor.n_open = 9  # one more than a block takes
    wait_until(lambda: provider.n_running == 2)
    executor.n_open = 1_000
    wait_until(lambda: provider.n_running == 3)
    executor.n_open = 0
    wait_until(lambda: provider.n_running == 0)  # given back
    executor.n_open = 1
    wait_until(lambda: provider.n_running == 1)
    assert keeper.failure is None
    keeper.close(limit_s=10)
    assert provider.n_running == 0


def test_a_block_that_ended_is_replaced_as_long_as_tasks_are_answered(
    keep: Callable[[Provider], tuple[Executor, BlockKeeper]],
) -> None:
    provider = Provider(max_blocks=1)
    executor, keeper = keep(provider)
    executor.n_open = 8
    for n_blocks in range(1, 7):
        wait_until(lambda n_blocks=n_blocks: len(provider.states) == n_blocks and provider.n_running == 1)
        keeper.n_answered += 1
        provider.states[f"job {n_blocks - 1}"] = JobState.TIMEOUT
    wait_until(lambda: len(provider.states) == 7)
    assert keeper.failure is None
    for n_blocks in range(7, 10):  # and now none is answered any more
        wait_until(lambda n_blocks=n_blocks: keeper.failure is not None or len(provider.states) >= n_blocks)
        provider.states[f"job {len(provider.states) - 1}"] = JobState.COMPLETED
    wait_until(lambda: keeper.failure is not None)
    assert "COMPLETED" in (keeper.failure or "")


def test_refused_blocks_matter_only_without_others(keep: Callable[[Provider], tuple[Executor, BlockKeeper]]) -> None:
    provider = Provider()
    executor, keeper = keep(provider)
    wait_until(lambda: provider.n_running == 1)
    provider.refuses, executor.n_open = True, 1_000
    wait_until(lambda: len(executor._simulated_status) > 5)
    assert keeper.failure is None
    provider.states["job 0"] = JobState.FAILED
    wait_until(lambda: keeper.failure is not None)
    assert "blocks of workers in a row ended without an answer" in (keeper.failure or "")
