"""The Slurm transport before a fake Slurm: unclear answers, rare ends, lost drivers. Nothing is ever doubled."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from slurm_helpers import (
    LEASE_S,
    FakeSlurm,
    claimed,
    events_of,
    quiet_until,
    run_script,
    silence_of,
    slurm_settings,
    started_script,
)

from heliosc.errors import MissingDependencyError, ResourceError
from heliosc.execution import Counts, QCResultStore, StaleLeaseError, Task, run_tasks
from heliosc.execution.slurm import SlurmTransport
from heliosc.execution.slurm.folder import DRIVER, JobFolder
from heliosc.execution.slurm.verdicts import MAX_LOSSES, NEVER_CAME, verdict
from heliosc.execution.transport import TaskError, TaskLost, TaskStarted, TaskSuccess

DRIVER_THAT_DIES = """
import sys
from pathlib import Path
sys.path[:0] = [sys.argv[2]]
from slurm_helpers import slurm_settings
from heliosc.execution import QCResultStore, run_tasks
from heliosc.execution.slurm import SlurmTransport
settings = slurm_settings(Path(sys.argv[1]), tasks_per_job=2)
store = QCResultStore(Path(sys.argv[1]) / "store.db")
run_tasks(store, transport=lambda store: SlurmTransport(settings, store))
"""


@pytest.fixture
def slurm(fast_folder: Path, monkeypatch: pytest.MonkeyPatch) -> FakeSlurm:
    fake = FakeSlurm(fast_folder / "fake")
    monkeypatch.setenv("PATH", f"{fake.programs}{os.pathsep}{os.environ['PATH']}")
    return fake


def transport_of(store: QCResultStore, **changes: Any) -> SlurmTransport:
    return SlurmTransport(slurm_settings(store.path.parent, **changes), store)


def job_folder(slurm: FakeSlurm) -> Path:
    """Folder of the first job."""
    return Path(slurm.jobs()[0]["folder"])


def commit(store: QCResultStore, events: list[Any]) -> None:
    """Write down what a transport told, as the driver does."""
    for event in events:
        key, token = event.task.key, event.task.token
        if isinstance(event, TaskSuccess):
            store.complete(key, token, event.result, cost=event.cost)
        elif isinstance(event, TaskError):
            store.fail(key, token, event.error_class, event.reason)
        elif isinstance(event, TaskLost):
            store.release(key, token, event.reason)


def open_jobs(store: QCResultStore) -> list[tuple[Any, ...]]:
    return store._db.rows("SELECT name, external_id FROM jobs WHERE state = 'open'")


def test_a_packed_array_runs_and_leaves_nothing(store: QCResultStore, slurm: FakeSlurm) -> None:
    transport = transport_of(store, tasks_per_job=2, keep_folders="failed", max_jobs=3)
    assert transport.n_free == 6
    tasks = claimed(store, 4)
    transport.start(tasks)
    assert transport.n_free == 2
    assert [job["element"] for job in slurm.jobs()] == [0, 1]
    assert slurm.jobs()[0]["name"] == f"{tasks[0].key[:12]}-1"
    silence_of(transport)
    folder = job_folder(slurm)
    for element in (0, 1):
        assert run_script(folder, "1", element).returncode == 0
    slurm.put(state="COMPLETED")
    events = events_of(transport, 4)
    assert sorted(event.result["square"] for event in events if isinstance(event, TaskSuccess)) == [0, 1, 4, 9]
    assert all(event.cost.wall_s is not None for event in events if isinstance(event, TaskSuccess))
    assert transport.wait(0.0) == []
    assert folder.exists()  # until the answers are in the store
    assert transport.close() == {task.key for task in tasks}
    commit(store, events)
    assert transport.wait(0.0) == []
    assert not folder.exists()
    assert open_jobs(store) == []
    assert transport.close() == set()
    assert len(slurm.calls("sbatch")) == 1


def test_a_job_that_was_queued_with_an_unclear_answer_is_found_by_name(
    store: QCResultStore, slurm: FakeSlurm, caplog: pytest.LogCaptureFixture
) -> None:
    transport = transport_of(store, grace_s=30)
    slurm.answer("queues-and-times-out")
    transport.start(claimed(store, 1))
    assert "looking for job" in caplog.text
    assert transport.n_free == 0  # nothing more before it is clear
    assert open_jobs(store)[0][1] is None
    slurm.answer("ok")
    quiet_until(transport, lambda: open_jobs(store)[0][1] == "1")
    assert transport.n_free > 0
    run_script(job_folder(slurm), "1")
    assert [type(event) for event in events_of(transport)] == [TaskSuccess]
    assert len(slurm.jobs()) == 1


def test_sbatch_that_hangs_is_as_unclear(store: QCResultStore, slurm: FakeSlurm) -> None:
    transport = transport_of(store, command_timeout_s=1.0, grace_s=30)
    slurm.answer("queues-and-hangs")
    transport.start(claimed(store, 1))
    slurm.answer("ok")
    quiet_until(transport, lambda: open_jobs(store)[0][1] == "1")
    assert len(slurm.calls("sbatch")) == 1


def test_a_job_given_up_before_it_arrives_cannot_run_any_more(store: QCResultStore, slurm: FakeSlurm) -> None:
    transport = transport_of(store)
    slurm.answer("times-out")
    [task] = claimed(store, 1)
    transport.start([task])
    slurm.answer("ok")
    assert events_of(transport) == [TaskLost(task, f"its job ended before its result: {NEVER_CAME}")]
    [folder] = (store.path.parent / "jobs").iterdir()
    assert (folder / "claim").read_text() == DRIVER
    late = run_script(folder, "77")
    assert late.returncode == 0
    assert "second copy" in late.stdout
    assert JobFolder(folder).started() == set()
    commit(store, [TaskLost(task, "lost")])
    transport.wait(0.0)
    assert open_jobs(store) == []
    assert store.states([task.key]) == {task.key: "queued"}


def test_while_no_controller_answers_nothing_is_decided(
    store: QCResultStore, slurm: FakeSlurm, caplog: pytest.LogCaptureFixture
) -> None:
    transport = transport_of(store, max_jobs=2)
    [first, second] = claimed(store, 2)
    transport.start([first])
    slurm.answer("down")
    transport.start([second])
    quiet_until(transport, lambda: "waiting for the controller" in caplog.text)
    silence_of(transport)
    assert sum("waiting for the controller" in message for message in caplog.messages) == 1
    slurm.answer("ok")
    assert [event.task for event in events_of(transport) if isinstance(event, TaskLost)] == [second]
    assert len(slurm.jobs()) == 1


def test_two_copies_of_one_job_the_claim_decides(store: QCResultStore, slurm: FakeSlurm) -> None:
    transport = transport_of(store)
    transport.start(claimed(store, 1))
    folder = job_folder(slurm)
    run_script(folder, "9")  # a copy under another id was faster
    assert "belongs to 9" in run_script(folder, "1").stdout
    slurm.put(state="COMPLETED")
    assert [type(event) for event in events_of(transport)] == [TaskSuccess]


def test_the_copy_that_holds_the_claim_is_the_one_that_is_watched(store: QCResultStore, slurm: FakeSlurm) -> None:
    transport = transport_of(store)
    transport.start(claimed(store, 1, function="wait_for_file"))
    folder = job_folder(slurm)
    assert JobFolder(folder).take_claim("9") == "9"
    slurm.put(state="COMPLETED")
    slurm.put(id=9, state="RUNNING")
    quiet_until(transport, lambda: open_jobs(store)[0][1] == "9")
    silence_of(transport)


def test_a_requeued_job_goes_on_with_what_has_no_result(store: QCResultStore, slurm: FakeSlurm) -> None:
    transport = transport_of(store, tasks_per_job=3)
    tasks = claimed(store, 3, function="reports_environment")
    transport.start(tasks)
    folder = job_folder(slurm)
    JobFolder(folder).take_claim("1")
    JobFolder(folder).write_answer(tasks[1].token, {"event": "done", "result": "from before", "host": "n1"})
    run_script(folder, "1")
    events = events_of(transport, 3)
    results = {event.task.token: event.result for event in events if isinstance(event, TaskSuccess)}
    assert results[tasks[1].token] == "from before"
    assert len(results) == 3


def test_a_cluster_that_refuses_ends_the_run_and_frees_the_tasks(store: QCResultStore, slurm: FakeSlurm) -> None:
    slurm.answer("refuses")
    key = store.submit("fake_calculations:square", {"x": 1})
    with pytest.raises(ResourceError, match=r"Invalid partition name specified; mend"):
        run_tasks(store, transport=lambda store: transport_of(store))
    assert store.states([key]) == {key: "queued"}
    assert open_jobs(store) == []
    assert list((store.path.parent / "jobs").iterdir()) == []


def test_a_silent_controller_gets_nothing_new_until_it_answers(store: QCResultStore, slurm: FakeSlurm) -> None:
    transport = transport_of(store)
    transport.start(claimed(store, 1))
    slurm.answer("down")
    quiet_until(transport, lambda: transport.n_free == 0)
    run_script(job_folder(slurm), "1")  # a result comes all the same
    commit(store, events_of(transport))
    silence_of(transport)
    assert transport.n_free == 0
    slurm.answer("ok")
    quiet_until(transport, lambda: transport.n_free > 0)


def test_a_full_queue_is_waited_for(store: QCResultStore, slurm: FakeSlurm) -> None:
    transport = transport_of(store)
    slurm.answer("limit")
    transport.start(claimed(store, 1))
    assert transport.n_free == 0
    quiet_until(transport, lambda: len(slurm.calls("sbatch")) > 2)
    assert slurm.jobs() == []
    slurm.answer("ok")
    quiet_until(transport, lambda: open_jobs(store)[0][1] == "1")
    assert len(slurm.jobs()) == 1


def test_tasks_of_a_postponed_job_are_free_when_the_driver_ends(store: QCResultStore, slurm: FakeSlurm) -> None:
    transport = transport_of(store, grace_s=60)
    slurm.answer("limit")
    transport.start(claimed(store, 1))
    assert transport.close() == set()
    assert open_jobs(store) == []


def test_a_dropped_task_is_not_started_and_an_empty_element_is_cancelled(
    store: QCResultStore, slurm: FakeSlurm
) -> None:
    transport = transport_of(store, tasks_per_job=2)
    tasks = claimed(store, 4)
    transport.start(tasks)
    transport.drop(tasks[0].key)
    silence_of(transport)
    assert slurm.calls("scancel") == []
    run_script(job_folder(slurm), "1", 0)
    assert [event.task for event in events_of(transport)] == [tasks[1]]
    transport.drop(tasks[2].key)
    slurm.answer("down")  # told again until the controller answers
    transport.drop(tasks[3].key)
    silence_of(transport)
    slurm.answer("ok")
    quiet_until(transport, lambda: slurm.calls("scancel"))
    assert slurm.calls("scancel") == ["1_1"]


@pytest.mark.parametrize("state", ["PENDING", "RUNNING", "COMPLETING", "SUSPENDED", "REQUEUED", "A_NEW_STATE"])
def test_a_job_that_lives_is_waited_for(store: QCResultStore, slurm: FakeSlurm, state: str) -> None:
    transport = transport_of(store)
    transport.start(claimed(store, 1))
    slurm.put(state=state)
    silence_of(transport)


@pytest.mark.parametrize(
    ("state", "of_running", "of_waiting"),
    [
        ("TIMEOUT", "timeout", "lost"),
        ("DEADLINE", "timeout", "lost"),
        ("OUT_OF_MEMORY", "resource", "lost"),
        ("FAILED", "transient", "lost"),
        ("COMPLETED", "transient", "lost"),
        ("CANCELLED", "transient", "transient"),
        ("NODE_FAIL", "lost", "lost"),
        ("BOOT_FAIL", "lost", "lost"),
        ("PREEMPTED", "lost", "lost"),
        ("GONE", "lost", "lost"),
    ],
)
def test_what_an_end_without_a_result_means(
    store: QCResultStore, slurm: FakeSlurm, state: str, of_running: str, of_waiting: str
) -> None:
    transport = transport_of(store, tasks_per_job=2)
    [running, waiting] = tasks = claimed(store, 2)
    transport.start(tasks)
    folder = JobFolder(job_folder(slurm))
    folder.take_claim("1")
    folder.mark_started(running.token)
    assert events_of(transport) == [TaskStarted(running)]
    slurm.put(state=state)
    events = events_of(transport, 2)
    found = {
        event.task.token: "lost" if isinstance(event, TaskLost) else event.error_class
        for event in events
        if isinstance(event, (TaskLost, TaskError))
    }
    assert found == {running.token: of_running, waiting.token: of_waiting}
    assert folder.is_dropped(running.token)  # should the job come back


def test_the_accounting_is_asked_where_the_controller_has_forgotten(store: QCResultStore, slurm: FakeSlurm) -> None:
    transport = transport_of(store)
    [task] = claimed(store, 1)
    transport.start([task])
    JobFolder(job_folder(slurm)).mark_started(task.token)
    (slurm.folder / "accounting").write_text("1|OUT_OF_MEMORY|name|/folder\n")
    slurm.put(state="GONE")
    errors = [event for event in events_of(transport, 2) if isinstance(event, TaskError)]
    assert [error.error_class for error in errors] == ["resource"]


def test_without_accounting_it_is_asked_once(store: QCResultStore, slurm: FakeSlurm) -> None:
    transport = transport_of(store, grace_s=0.5)
    transport.start(claimed(store, 1))
    slurm.put(state="GONE")
    assert isinstance(events_of(transport)[0], TaskLost)
    assert len(slurm.calls("sacct")) == 1
    assert len(slurm.calls("scontrol")) > 1


def test_a_result_that_comes_with_the_end_counts(store: QCResultStore, slurm: FakeSlurm) -> None:
    transport = transport_of(store, look_s=3600.0, grace_s=0)
    transport.start(claimed(store, 1))
    transport.wait(0.0)  # looked, and not again for an hour
    run_script(job_folder(slurm), "1")
    slurm.put(state="NODE_FAIL")
    assert [type(event) for event in events_of(transport) if not isinstance(event, TaskStarted)] == [TaskSuccess]


def test_a_task_that_is_lost_again_and_again_fails_in_the_end() -> None:
    def ended(attempt: int) -> TaskError | TaskLost:
        task = Task("0" * 64, "m:f", {}, 1, attempt)
        return verdict(task, "NODE_FAIL", has_started=True)

    assert isinstance(ended(MAX_LOSSES - 1), TaskLost)
    last = ended(MAX_LOSSES)
    assert isinstance(last, TaskError)
    assert last.error_class == "transient"


def test_who_had_not_all_of_the_job_s_time_has_not_timed_out() -> None:
    task = Task("0" * 64, "m:f", {}, 1, MAX_LOSSES)
    packed_last = verdict(task, "TIMEOUT", has_started=False, had_all_time=False)
    assert isinstance(packed_last, TaskLost)  # however often: others of its job went on
    came_later = verdict(Task("0" * 64, "m:f", {}, 1, 1), "TIMEOUT", has_started=True, had_all_time=False)
    assert isinstance(came_later, TaskLost)


def test_a_job_that_needs_a_person_is_named(
    store: QCResultStore, slurm: FakeSlurm, caplog: pytest.LogCaptureFixture
) -> None:
    transport = transport_of(store)
    transport.start(claimed(store, 1))
    slurm.put(reason="launch failed requeued held")
    quiet_until(transport, lambda: caplog.messages)
    silence_of(transport)
    assert sum("may never start: launch failed requeued held" in message for message in caplog.messages) == 1


def test_jobs_that_fail_before_they_begin_end_the_run(store: QCResultStore, slurm: FakeSlurm) -> None:
    transport = transport_of(store)
    transport.start(claimed(store, 2))
    slurm.put(state="FAILED")
    (job_folder(slurm) / "log-0.txt").write_text("module: no such module: xtb\n")
    commit(store, events_of(transport, 2))
    transport.start([task for task in [store.claim("test", LEASE_S)] if task is not None])
    slurm.put(state="FAILED")
    assert isinstance(events_of(transport)[0], TaskLost)
    with pytest.raises(ResourceError, match=r"3 jobs in a row ended .* mend the setup"):
        transport.wait(0.0)


def test_a_damaged_answer_is_tried_again(store: QCResultStore, slurm: FakeSlurm) -> None:
    transport = transport_of(store)
    [task] = claimed(store, 1)
    transport.start([task])
    (job_folder(slurm) / "results" / f"{task.token}.json").write_text('{"event": "done", "resu')
    [event] = events_of(transport)
    assert isinstance(event, TaskError)
    assert event.error_class == "transient"


def test_an_answer_that_cannot_be_read_now_is_read_later(store: QCResultStore, slurm: FakeSlurm) -> None:
    transport = transport_of(store)
    [task] = claimed(store, 1)
    transport.start([task])
    answer = job_folder(slurm) / "results" / f"{task.token}.json"
    answer.mkdir()  # reading it fails
    silence_of(transport)
    answer.rmdir()
    run_script(job_folder(slurm), "1")
    assert [type(event) for event in events_of(transport)] == [TaskSuccess]


# drivers that die and those that follow


def test_the_next_driver_takes_up_what_the_last_one_left(store: QCResultStore, slurm: FakeSlurm) -> None:
    last = transport_of(store, tasks_per_job=2)
    tasks = claimed(store, 4)
    last.start(tasks)
    leases = {task.key: task.token for task in tasks}
    assert last.close() == set(leases)
    store.let_go(leases)
    run_script(job_folder(slurm), "1", 0)  # while no driver lives
    transport = transport_of(store)
    assert transport.adopt() == leases
    commit(store, events_of(transport, 2))
    run_script(job_folder(slurm), "1", 1)
    commit(store, events_of(transport, 2))
    assert store.counts() == Counts(done=4)
    transport.wait(0.0)
    assert open_jobs(store) == []
    assert len(slurm.calls("sbatch")) == 1


def test_a_job_whose_tasks_were_all_cancelled_meanwhile_is_cancelled(store: QCResultStore, slurm: FakeSlurm) -> None:
    last = transport_of(store)
    [task] = claimed(store, 1)
    last.start([task])
    store.let_go({task.key: task.token})
    store.cancel([task.key])
    transport = transport_of(store)
    assert transport.adopt() == {}
    quiet_until(transport, lambda: slurm.calls("scancel"))
    assert slurm.calls("scancel") == ["1"]
    assert open_jobs(store) == []


def test_what_was_cancelled_while_no_driver_lived_is_not_started(store: QCResultStore, slurm: FakeSlurm) -> None:
    last = transport_of(store, tasks_per_job=2)
    tasks = claimed(store, 4)
    last.start(tasks)
    store.let_go({task.key: task.token for task in tasks})
    store.cancel([tasks[0].key, tasks[2].key, tasks[3].key])
    transport = transport_of(store)
    assert transport.adopt() == {tasks[1].key: tasks[1].token}
    quiet_until(transport, lambda: slurm.calls("scancel"))
    assert slurm.calls("scancel") == ["1_1"]
    run_script(job_folder(slurm), "1", 0)
    assert JobFolder(job_folder(slurm)).started() == {tasks[1].token}


def test_a_driver_dies_before_the_folder_is_made(store: QCResultStore, slurm: FakeSlurm) -> None:
    [task] = claimed(store, 1)
    folder = store.path.parent / "jobs" / "never-made"
    store.jobs.intend(f"{task.key[:12]}-1", [task], transport="slurm", folder=folder)
    store.let_go({task.key: task.token})
    transport = transport_of(store, grace_s=60)
    assert transport.adopt() == {task.key: task.token}
    assert isinstance(events_of(transport, limit_s=5)[0], TaskLost)
    with pytest.raises(ResourceError, match="File exists"):  # the dead one was only stopped, and goes on
        JobFolder(folder).write(None, [], "")  # type: ignore[arg-type]


@pytest.mark.parametrize("fault", ["job-submit:before", "job-submit:after", "file-rename:before"])
def test_a_driver_dies_around_the_submission(store: QCResultStore, slurm: FakeSlurm, fault: str) -> None:
    keys = [task.key for task in claimed(store, 3)]
    store._db.execute("UPDATE tasks SET state = 'queued', fence = NULL, lease_until = NULL")
    arguments = [str(store.path.parent), str(Path(__file__).parent)]
    command = [sys.executable, "-c", DRIVER_THAT_DIES, *arguments]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)}
    died = subprocess.run(command, env={**environment, "HELIOSC_FAULT": fault}, check=False, timeout=60)
    assert died.returncode == 137
    was_submitted = fault == "job-submit:after"
    assert len(slurm.jobs()) == (2 if was_submitted else 0)
    assert [external_id for _, external_id in open_jobs(store)] == [None]
    transport = transport_of(store, tasks_per_job=2, grace_s=30 if was_submitted else 0.2)
    leases = transport.adopt()
    assert set(leases) == set(keys)
    if was_submitted:
        for element in (0, 1):
            run_script(job_folder(slurm), "1", element)
        events = [event for event in events_of(transport, 3) if not isinstance(event, TaskStarted)]
        assert {type(event) for event in events} == {TaskSuccess}
        quiet_until(transport, lambda: open_jobs(store)[0][1] == "1")
    else:
        assert {type(event) for event in events_of(transport, 3)} == {TaskLost}
    assert len(slurm.calls("sbatch")) == was_submitted


def test_a_job_of_the_same_name_in_another_folder_is_another_store_s(store: QCResultStore, slurm: FakeSlurm) -> None:
    transport = transport_of(store)
    [task] = claimed(store, 1)
    slurm.put(id=5, element="N/A", state="RUNNING", reason="None", name=f"{task.key[:12]}-1", folder="/elsewhere")
    slurm.answer("times-out")
    transport.start([task])
    slurm.answer("ok")
    assert isinstance(events_of(transport)[0], TaskLost)


def test_a_job_that_was_given_up_and_comes_back_changes_nothing(
    store: QCResultStore, slurm: FakeSlurm, tmp_path: Path
) -> None:
    transport = transport_of(store)
    gate = tmp_path / "gate"
    key = store.submit("fake_calculations:wait_for_file", {"path": str(gate)})
    first = store.claim("test", LEASE_S)
    assert first is not None
    transport.start([first])
    folder = job_folder(slurm)
    with started_script(folder, "1") as stopped:
        assert events_of(transport) == [TaskStarted(first)]
        stopped.send_signal(signal.SIGSTOP)
        slurm.put(state="GONE")  # for the cluster its node has vanished
        commit(store, events_of(transport))
        second = store.claim("test", LEASE_S)
        assert second is not None
        transport.start([second])
        slurm.put(state="COMPLETED")
        gate.touch()
        stopped.send_signal(signal.SIGCONT)  # and now the first one ends too
        assert stopped.wait(timeout=30) == 0
    late = JobFolder(folder).answer(first.token)["result"]
    with pytest.raises(StaleLeaseError):
        store.complete(key, first.token, late)
    assert "refused" in [kind for _, kind, _ in store.events(key)]
    new = next(Path(job["folder"]) for job in slurm.jobs() if job["folder"] != str(folder))
    run_script(new, "2")
    commit(store, events_of(transport))
    assert [attempt.outcome for attempt in store.attempts(key)] == ["interrupted", "done"]


def test_waiting_is_cut_short(store: QCResultStore, slurm: FakeSlurm) -> None:
    transport = transport_of(store, look_s=3600.0)
    transport.wake()
    assert transport.wait(3600) == []


def test_where_there_is_no_slurm_the_install_command_is_named(
    store: QCResultStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(MissingDependencyError, match="apt-get install"):
        transport_of(store)


def test_nothing_secret_is_handed_to_the_cluster(
    store: QCResultStore, slurm: FakeSlurm, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = slurm.programs / "sbatch"
    program.write_text(f'#!/bin/sh\nenv > "{slurm.folder}/environment"\necho 1\n')
    monkeypatch.setenv("DATABASE_PASSWORD", "secret")
    monkeypatch.setenv("SLURM_MEM_PER_CPU", "17")
    transport_of(store).start(claimed(store, 1))
    seen = (slurm.folder / "environment").read_text()
    assert "PATH=" in seen
    assert "secret" not in seen
    assert "SLURM_MEM_PER_CPU" not in seen
