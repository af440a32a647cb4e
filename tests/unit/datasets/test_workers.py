"""Worker processes: an item that hangs or crashes costs itself, not its job and not the run."""

import os
import sys
from multiprocessing import active_children
from pathlib import Path

import pytest

from heliosc.datasets.workers import WorkerPool
from heliosc.errors import InputError, ResourceError

FUNCTIONS = """
import os, signal
from heliosc.errors import InputError

def square(job, watch):
    answer = []
    for index, number in enumerate(job):
        reason = watch(index)
        if reason is not None:
            answer.append(reason)
            continue
        while number == -1:
            pass
        if number == -2:
            os.kill(os.getpid(), signal.SIGSEGV)
        if number == -3:
            raise InputError("the whole file is wrong")
        if number == -4:
            raise KeyError("a bug")
        if number == -5:
            os.kill(os.getpid(), signal.SIGKILL)
        answer.append(number * number)
    watch.rest()
    if job[-1] == -6:
        os._exit(9)
    return answer

def environment(job, watch):
    return os.environ["POLARS_MAX_THREADS"], os.getpid()
"""


@pytest.fixture(scope="module")
def functions(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("functions")
    (folder / "heliosc_test_jobs.py").write_text(FUNCTIONS)
    sys.path.insert(0, str(folder))
    import heliosc_test_jobs

    yield heliosc_test_jobs
    sys.path.remove(str(folder))


@pytest.fixture
def pool():
    with WorkerPool(n_workers=2, item_seconds=0.3) as workers:
        yield workers


def test_every_job_comes_back_with_its_result_and_workers_are_kept(pool, functions) -> None:
    jobs = [(i, i + 1) for i in range(20)]
    assert dict(pool.run(functions.square, jobs)) == {job: [n * n for n in job] for job in jobs}
    pids = {pid for _, (_, pid) in pool.run(functions.environment, range(10))}
    assert 1 <= len(pids) <= 2
    assert os.getpid() not in pids


def test_hanging_and_crashing_items_are_left_out_of_their_job(pool, functions) -> None:
    ((_, answer),) = pool.run(functions.square, [(2, -1, 3, -2, 4)])
    assert answer[0::2] == [4, 9, 16]
    assert "took over 0.3 s of CPU time" in answer[1]
    assert "crashed its reader" in answer[3]


def test_an_error_of_the_job_reaches_the_caller(pool, functions) -> None:
    with pytest.raises(InputError, match="the whole file is wrong"):
        list(pool.run(functions.square, [(-3,)]))


def test_a_bug_in_the_job_is_shown_and_not_taken_for_a_bad_row(pool, functions) -> None:
    with pytest.raises(RuntimeError, match="KeyError: 'a bug'"):
        list(pool.run(functions.square, [(-4,)]))


@pytest.mark.parametrize("job", [(-5,), (1, -6)])
def test_workers_killed_again_and_again_end_the_run(pool, functions, job: tuple[int, ...]) -> None:
    with pytest.raises(ResourceError, match="memory"):
        list(pool.run(functions.square, [job]))


def test_jobs_are_drawn_only_when_a_worker_is_free(functions) -> None:
    drawn = []

    def jobs():
        for i in range(50):
            drawn.append(i)
            yield (i,)

    with WorkerPool(n_workers=1) as workers:
        results = workers.run(functions.square, jobs())
        next(results)
        assert len(drawn) <= 3


def test_no_worker_outlives_the_pool(functions) -> None:
    with WorkerPool(n_workers=2) as workers:
        pids = {pid for _, (_, pid) in workers.run(functions.environment, range(4))}
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)


def test_a_stage_with_fewer_workers_ends_the_others(pool: WorkerPool, functions) -> None:
    """What rests holds memory: on sixteen cores more than the two tables at work."""
    rows = [[number] * 300_000 for number in (1, 2)]  # long enough that both workers get one
    list(pool.run(functions.square, rows))
    before = {process.pid for process in active_children()}
    ((_, (_, survivor)),) = pool.run(functions.environment, ["any"], at_most=1)
    assert len(before) == 2
    assert {process.pid for process in active_children()} == {survivor}
