"""Keeps as many blocks of workers as there is work for, and ends them all.

Parsl's own scaling lives in its DataFlowKernel and gives an executor up for good once a single block has failed; here
a block that was killed or reached its wall time is replaced.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from parsl.executors import HighThroughputExecutor
    from parsl.jobs.states import JobStatus

_LOOK_EVERY_S = 1.0
_IDLE_S = 120.0  # unused blocks are given back after so long
_SUBMIT_AGAIN_S = 10.0
_MAX_IN_VAIN = 3

_log = logging.getLogger(__name__)


class BlockKeeper:
    """A thread that asks the scheduler for blocks, replaces those that ended, and gives idle ones back.

    Parameters
    ----------
    executor : started executor of Parsl

    Attributes
    ----------
    n_slots : tasks that can run at once with all blocks there may be
    n_answered : number of tasks answered so far, kept by the owner
    failure : why no block comes to life; None while there is hope
    """

    def __init__(self, executor: HighThroughputExecutor) -> None:
        provider = executor.provider
        if provider is None:  # only Parsl's types allow it
            raise ValueError("executor without a provider")
        self._executor = executor
        self._provider = provider
        self._slots_per_block = int(executor.workers_per_node) * provider.nodes_per_block
        self.n_slots = provider.max_blocks * self._slots_per_block
        self.n_answered = 0
        self.failure: str | None = None
        self._answered_before = 0
        self._ended: set[str] = set()
        self._cancelled: set[str] = set()
        self._in_vain: list[str] = []  # what is known of blocks that ended since the last answer
        self._wanted_at_least = provider.init_blocks
        self._busy_at = time.monotonic()
        self._ask_at = self._submit_at = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="heliosc-parsl-blocks", daemon=True)
        self._thread.start()

    def look_soon(self) -> None:
        """Ask the scheduler before its turn: a task was lost, so a block may have ended."""
        self._ask_at = 0.0

    def close(self, *, limit_s: float) -> bool:
        """Cancel all blocks; returns whether the scheduler took it in time."""
        self._stop.set()
        self._thread.join(limit_s)
        return not self._thread.is_alive()

    def _keep(self) -> None:
        interval_s = min(_LOOK_EVERY_S, self._provider.status_polling_interval)
        statuses: dict[str, JobStatus] = {}
        while True:
            try:
                if time.monotonic() >= self._ask_at:
                    self._ask_at = time.monotonic() + self._poll_interval_s()
                    statuses = self._statuses()
                    self._note_ended(statuses)
                self._adjust(statuses)
            except Exception as error:  # noqa: BLE001 - a scheduler that does not answer now may do so later
                _log.warning("Parsl's provider could not be asked: %s", error)
            if self._stop.wait(interval_s):
                break
        try:
            self._cancel([block for block in self._executor.blocks_to_job_id if block not in self._ended])
        except Exception as error:  # noqa: BLE001 - they end by themselves without an interchange
            _log.warning("the jobs named parsl.heliosc could not be cancelled: %s", error)

    def _poll_interval_s(self) -> float:
        """A scheduler is asked as seldom as Parsl would; looking at processes of this machine costs nothing."""
        interval_s = float(self._provider.status_polling_interval)
        return _LOOK_EVERY_S if self._provider.label == "local" else interval_s

    def _statuses(self) -> dict[str, JobStatus]:
        from parsl.executors.status_handling import BlockProviderExecutor

        return BlockProviderExecutor.status(self._executor)  # that of the subclass waits for the interchange

    def _alive(self, statuses: dict[str, JobStatus]) -> list[str]:
        known = [block for block, status in statuses.items() if not status.terminal]
        new = [block for block in self._executor.blocks_to_job_id if block not in statuses]
        return [block for block in [*known, *new] if block not in self._cancelled]

    def _note_ended(self, statuses: dict[str, JobStatus]) -> None:
        if self.n_answered > self._answered_before:
            self._answered_before = self.n_answered
            self._in_vain.clear()
        for block, status in statuses.items():
            if status.terminal and block not in self._ended:
                self._ended.add(block)
                if block not in self._cancelled:
                    self._in_vain.append(_told(block, status))
        if len(self._in_vain) >= _MAX_IN_VAIN and not self._alive(statuses):
            self.failure = (
                f"{len(self._in_vain)} blocks of workers in a row ended without an answer; {self._in_vain[-1]}"
            )

    def _adjust(self, statuses: dict[str, JobStatus]) -> None:
        n_open = self._executor.outstanding()
        now = time.monotonic()
        if n_open:
            self._busy_at = now
        alive = self._alive(statuses)
        n_useful = math.ceil(n_open * self._provider.parallelism / self._slots_per_block)
        n_wanted = min(self._provider.max_blocks, max(n_useful, self._provider.min_blocks, self._wanted_at_least))
        self._wanted_at_least = 0
        if len(alive) < n_wanted and self.failure is None and now >= self._submit_at:
            started = self._executor.scale_out_facade(n_wanted - len(alive))
            if len(started) < n_wanted - len(alive):  # refused, perhaps only for now: a limit of jobs in the queue
                self._submit_at = now + _SUBMIT_AGAIN_S
                self.look_soon()
        elif now > self._busy_at + _IDLE_S:
            self._cancel(alive[self._provider.min_blocks :])

    def _cancel(self, blocks: list[str]) -> None:
        jobs = [self._executor.blocks_to_job_id[block] for block in blocks if block in self._executor.blocks_to_job_id]
        self._cancelled.update(blocks)
        if jobs:
            self._provider.cancel(jobs)


def _told(block: str, status: JobStatus) -> str:
    said = [status.message, status.stderr_summary, status.stdout_summary]
    words = " | ".join(text.strip() for text in said if text)
    code = "" if status.exit_code is None else f", exit code {status.exit_code}"
    return f"block {block} is {status.status_name}{code}: {words[-1000:] or 'no message'}"
