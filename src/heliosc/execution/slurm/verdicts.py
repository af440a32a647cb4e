"""What the end of a job means for those of its tasks that left no result.

==================================  =====================================  ======================
the cluster says                    a task that was running                one that had not begun
==================================  =====================================  ======================
TIMEOUT, DEADLINE                   error "timeout" where it had all of    lost
                                    the job's time, else lost
OUT_OF_MEMORY                       error "resource"                       lost
FAILED, COMPLETED                   error "transient"                      lost
CANCELLED (not by this driver)      error "transient"                      error "transient"
NODE_FAIL, BOOT_FAIL, PREEMPTED,    lost                                   lost
REVOKED, nothing (job unknown)
==================================  =====================================  ======================

Lost tasks are queued again, which costs them no try. A task that was running when its job was lost for the tenth time
gets an error "transient" in place: it may be what takes the nodes down. A job that someone cancels on the cluster is
tried again once at most, by the usual rule for transient errors.
"""

from __future__ import annotations

from heliosc.execution.tasks import TIMEOUT, TRANSIENT, AttemptCost, Task
from heliosc.execution.transport import TaskError, TaskLost

UNKNOWN_JOB = "unknown to the cluster"
NEVER_CAME = "never seen by the cluster"
ENDED_STATES = frozenset(
    {
        "BOOT_FAIL",
        "CANCELLED",
        "COMPLETED",
        "DEADLINE",
        "FAILED",
        "LAUNCH_FAILED",
        "NODE_FAIL",
        "OUT_OF_MEMORY",
        "PREEMPTED",
        "RECONFIG_FAIL",
        "REVOKED",
        "TIMEOUT",
        UNKNOWN_JOB,
    }
)
# ends that come from the job itself; where no task had begun, the setup is wrong
OWN_ENDS = frozenset({"COMPLETED", "DEADLINE", "FAILED", "OUT_OF_MEMORY", "TIMEOUT"})
MAX_LOSSES = 10
_OUT_OF_TIME = frozenset({"DEADLINE", "TIMEOUT"})
_RESOURCE = "resource"
_NO_COST = AttemptCost()
_ERRORS_OF_RUNNING = {
    "TIMEOUT": (TIMEOUT, "its job ran past its time limit; raise the task's limit or the margin"),
    "DEADLINE": (TIMEOUT, "its job ran past its deadline"),
    "OUT_OF_MEMORY": (_RESOURCE, "its job ran out of memory; ask for more memory"),
    "FAILED": (TRANSIENT, "its job failed"),
    "COMPLETED": (TRANSIENT, "its job ended without its result"),
}


def verdict(
    task: Task, state: str, *, has_started: bool, had_all_time: bool = True, log_tail: str = ""
) -> TaskError | TaskLost:
    """What to tell of a task whose job has ended in this state without its result.

    Parameters
    ----------
    had_all_time : whether it ran from the start of its job; with others before it, it had less than was asked for
    log_tail : last words of the job outside its tasks
    """
    said = f"; last words of the job: {log_tail}" if log_tail else ""
    if state == "CANCELLED":
        return TaskError(task, TRANSIENT, "cancelled on the cluster", None, _NO_COST)
    if has_started and state in _ERRORS_OF_RUNNING and (had_all_time or state not in _OUT_OF_TIME):
        error_class, reason = _ERRORS_OF_RUNNING[state]
        return TaskError(task, error_class, f"{reason} ({state}){said}", None, _NO_COST)
    if has_started and task.attempt >= MAX_LOSSES:
        reason = f"lost with its job in {task.attempt} attempts, now: {state}{said}"
        return TaskError(task, TRANSIENT, reason, None, _NO_COST)
    return TaskLost(task, f"its job ended before its result: {state}{said}")
