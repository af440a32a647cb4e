"""What a cluster is asked for, and that nothing else gets into its arguments and scripts."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from heliosc.errors import UsageError
from heliosc.execution import Task
from heliosc.execution.slurm import SlurmSettings
from heliosc.execution.slurm.commands import QueueEntry, _accounted_entry, _queue_entry, _shown_entry
from heliosc.execution.slurm.folder import JobFolder
from heliosc.execution.slurm.script import job_plan, job_script, packed, submission

HOSTILE = "x'; touch /tmp/owned; $(touch /tmp/owned) `touch /tmp/owned`\n#SBATCH --wrap=owned"


def task(number: int, **fields: Any) -> Task:
    return Task(f"{number:064x}", "package.module:function", {"smiles": HOSTILE}, number, 1, **fields)


@pytest.mark.parametrize(
    "changes",
    [
        {"setup": ("module load xtb; rm -rf /",)},
        {"setup": ("module load $(touch /tmp/owned)",)},
        {"setup": ("module load `id`",)},
        {"setup": ("module load xtb\ntouch /tmp/owned",)},
        {"setup": ("module load xtb\n",)},
        {"setup": ("#SBATCH --wrap=owned",)},
        {"setup": ("touch /tmp/owned",)},
        {"setup": ("export A=1 touch",)},
        {"setup": ("source x | sh",)},
        {"extra_options": {"wrap": "touch /tmp/owned"}},
        {"extra_options": {"export": "ALL"}},
        {"extra_options": {"constraint": "a b"}},
        {"extra_options": {"comment": "x\n--wrap=owned"}},
        {"partition": "debug --wrap=owned"},
        {"account": ""},
        {"qos": "-q;"},
        {"folder": Path("/shared/100%j")},
        {"folder": Path("/shared/$HOME")},
        {"python": Path("/opt/py'thon")},
        {"scratch": Path("/scratch\n/x")},
        {"tasks_per_job": 0},
        {"max_jobs": 0},
        {"poll_s": 0.0},
        {"grace_s": -1.0},
        {"max_time_s": float("inf")},
    ],
)
def test_what_could_run_something_else_or_nothing_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=r"expected|characters"):
        SlurmSettings(**{"folder": Path("/shared/jobs"), **changes})


def test_what_clusters_need_is_accepted() -> None:
    settings = SlurmSettings(
        Path("/shared/my jobs"),
        partition="cpu,long",
        setup=(
            "module purge",
            "module load intel/2024.1 xtb/6.7.1",
            "ml gcc",
            "source /etc/profile.d/modules.sh",
            ". $HOME/env.sh",
            "export OMP_STACKSIZE=4G",
            "export TMPDIR=${SLURM_TMPDIR}/x",
            "ulimit -s unlimited",
            "umask 077",
        ),
        extra_options={"constraint": "[rack1*2&rack2*4]", "exclusive": "", "gres": "tmp:10G"},
    )
    assert settings.max_jobs == 100


def test_tasks_of_equal_resources_come_together() -> None:
    tasks = [task(number, cores=1 + number % 2, timeout_s=60.0) for number in range(7)]
    settings = SlurmSettings(Path("/shared"), tasks_per_job=2, max_array_size=1)
    arrays = [[[each.token for each in element] for element in array] for array in packed(tasks, settings)]
    assert arrays == [[[0, 2]], [[4, 6]], [[1, 3]], [[5]]]
    settings = SlurmSettings(Path("/shared"), tasks_per_job=2)
    arrays = [[[each.token for each in element] for element in array] for array in packed(tasks, settings)]
    assert arrays == [[[0, 2], [4, 6]], [[1, 3], [5]]]


def test_the_arguments_of_a_packed_array() -> None:
    elements = [[task(number, cores=2, memory_mb=1000, timeout_s=100.0) for number in range(5)], [task(5)]]
    settings = SlurmSettings(
        Path("/shared"),
        partition="debug",
        cores_per_job=5,
        extra_options={"exclusive": "", "constraint": "fast"},
    )
    plan = job_plan("0123456789ab-1", elements, settings)
    assert plan.n_parallel == 2  # pairs of cores that fit into five
    # three turns of 100 s and the margin of 300 s are ten minutes; twice 1000 MiB and the margin of 256 MiB
    assert submission(JobFolder(Path("/shared/x")), plan, settings) == [
        "--job-name=0123456789ab-1",
        "--chdir=/shared/x",
        "--output=/shared/x/log-%a.txt",
        "--open-mode=append",
        "--requeue",
        "--nodes=1",
        "--ntasks=1",
        "--cpus-per-task=4",
        "--array=0-1",
        "--mem=2256M",
        "--time=10",
        "--partition=debug",
        "--constraint=fast",
        "--exclusive",
        "/shared/x/job.sh",
    ]


def test_a_single_task_without_limits_is_a_plain_job() -> None:
    settings = SlurmSettings(Path("/shared"))
    arguments = submission(JobFolder(Path("/shared/x")), job_plan("n", [[task(1)]], settings), settings)
    assert "--output=/shared/x/log-0.txt" in arguments
    assert not [argument for argument in arguments if re.match("--(array|mem|time|partition)", argument)]


def test_the_longest_time_is_a_ceiling() -> None:
    settings = SlurmSettings(Path("/shared"), max_time_s=3600)
    assert job_plan("n", [[task(1, timeout_s=9_000.0)]], settings).time_limit_s == 3600
    assert job_plan("n", [[task(1)]], settings).time_limit_s == 3600
    assert job_plan("n", [[task(1, timeout_s=60.0)]], settings).time_limit_s == 360


def test_no_text_of_a_task_gets_into_the_script(tmp_path: Path) -> None:
    folder = JobFolder(tmp_path / "a folder; with 'quotes")
    settings = SlurmSettings(tmp_path, setup=("export A=1",))
    script = job_script(folder, settings)
    assert HOSTILE[:8] not in script
    check = script.replace("exec ", "printf '%s\\n' ")
    said = subprocess.run(["bash", "-c", check], capture_output=True, text=True, check=True).stdout.splitlines()
    assert said[1:] == ["-P", "-m", "heliosc.execution.slurm.node", str(folder.path), "0"]


# lines as Slurm 22.05 wrote them on a cluster of one node
def test_answers_of_the_commands_are_read() -> None:
    assert _queue_entry("1|0|TIMEOUT|TimeLimit|abc-1|/jobs/a b|c") == QueueEntry(
        "1", 0, "TIMEOUT", "TimeLimit", "abc-1", "/jobs/a b|c"
    )
    assert _queue_entry("2|N/A|PENDING|Resources|abc-2|/jobs") == QueueEntry(
        "2", None, "PENDING", "Resources", "abc-2", "/jobs"
    )
    assert _queue_entry("slurm_load_jobs error") is None
    shown = (
        "JobId=3 ArrayJobId=1 ArrayTaskId=0 JobName=abc-1 UserId=root(0) Account=(null) JobState=RUNNING Reason=None "
        "Restarts=0 Command=/jobs/job.sh WorkDir=/jobs StdErr=/jobs/o-0.txt Power="
    )
    assert _shown_entry(shown) == QueueEntry("1", 0, "RUNNING", "None", "abc-1", "/jobs")
    plain = "JobId=2 JobName=abc-2 JobState=PENDING Reason=Resources WorkDir=/jobs"
    assert _shown_entry(plain) == QueueEntry("2", None, "PENDING", "Resources", "abc-2", "/jobs")
    assert _shown_entry("No jobs in the system") is None
    assert _accounted_entry("4_1|CANCELLED by 0|abc-1|/jobs") == QueueEntry("4", 1, "CANCELLED", "", "abc-1", "/jobs")
    assert _accounted_entry("5|OUT_OF_MEMORY|n|/j") == QueueEntry("5", None, "OUT_OF_MEMORY", "", "n", "/j")
