"""A Slurm cluster of one node, started and stopped by the tests: no systemd, no cgroups, root or not."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scontrol", "scancel")
INSTALL = "apt-get install slurm-wlm munge"
_STATE_SAVED_S = 7.0  # changes are written within 5 s (SAVE_MAX_WAIT of Slurm 22.05)
N_CPUS = 8  # more than the machine may have: the fake tasks sleep
CONFIGURATION = """
ClusterName=heliosc
SlurmctldHost={host}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
CryptoType=crypto/munge
AuthInfo=socket={folder}/munge.sock,cred_expire=5
SlurmctldPort={controller_port}
SlurmdPort={node_port}
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
SlurmdParameters=config_overrides
SwitchType=switch/none
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
ReturnToService=2
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=1,batch_sched_delay=0,bf_interval=1,sched_min_interval=0
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
KillWait=2
MinJobAge=600
InactiveLimit=0
SlurmctldTimeout=10
SlurmdTimeout=5
AccountingStorageType=accounting_storage/none
NodeName={host} NodeAddr=127.0.0.1 CPUs={n_cpus} State=UNKNOWN
PartitionName=debug Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


def missing_programs() -> list[str]:
    """Programs that a cluster needs and that are not installed."""
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    return [program for program in PROGRAMS if shutil.which(program, path=path) is None]


class SlurmCluster:
    """Controller and node; both can be killed and started again.

    Parameters
    ----------
    folder : with a short path: it holds a socket
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.configuration = folder / "slurm.conf"
        self._host = socket.gethostname().partition(".")[0]
        self._munged: subprocess.Popen[bytes] | None = None
        self._controller: subprocess.Popen[bytes] | None = None
        self._node: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        for part in ("state", "spool"):
            (self.folder / part).mkdir()
        key = self.folder / "munge.key"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o600)
        self.configuration.write_text(
            CONFIGURATION.format(
                host=self._host,
                user=self.user(),
                folder=self.folder,
                controller_port=free_port(),
                node_port=free_port(),
                n_cpus=N_CPUS,
            )
        )
        self._munged = self._daemon(
            "munged", "--foreground", "--force", f"--socket={self.folder}/munge.sock", f"--key-file={key}",
            f"--pid-file={self.folder}/munged.pid", f"--log-file={self.folder}/munged.log",
            f"--seed-file={self.folder}/munged.seed", "--num-threads=2",
        )  # fmt: skip
        wait_until((self.folder / "munge.sock").exists, "munged")
        self.start_controller()
        self.start_node()
        wait_until(lambda: "idle" in self.ask("sinfo", "--noheader", "--format=%T"), "the node")

    def user(self) -> str:
        return self.ask("id", "--user", "--name").strip()

    def start_controller(self) -> None:
        self._controller = self._daemon("slurmctld", "-D", "-f", str(self.configuration))

    def start_node(self) -> None:
        self._node = self._daemon("slurmd", "-D", "-f", str(self.configuration), "-N", self._host)

    def kill_controller(self) -> None:
        """Kill the controller once it knows on disk which jobs it started.

        Earlier, it would give their numbers again, and Slurm takes a node that is given a number twice out of service.
        """
        time.sleep(_STATE_SAVED_S)
        _kill(self._controller)

    def kill_node(self) -> None:
        """Kill the node's daemon; its jobs go on, as each has a process of its own that watches it."""
        _kill(self._node)

    def stop(self) -> None:
        if self._controller is not None and self._controller.poll() is None:
            self.ask("scancel", f"--user={os.getuid()}")
            wait_until(lambda: not self.ask("squeue", "--noheader"), "the jobs' end")
        for daemon in (self._node, self._controller, self._munged):
            if daemon is not None:
                daemon.terminate()
                daemon.wait(timeout=20)

    def ask(self, *command: str) -> str:
        """Output of a command that speaks to this cluster; empty where it fails."""
        environment = {**os.environ, "SLURM_CONF": str(self.configuration)}
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False).stdout

    def _daemon(self, *command: str) -> subprocess.Popen[bytes]:
        environment = {**os.environ, "PATH": f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"}
        with (self.folder / f"{command[0]}.out").open("ab") as output:
            return subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", *command],  # none survives the tests
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=environment,
                start_new_session=True,
            )


def _kill(daemon: subprocess.Popen[bytes] | None) -> None:
    if daemon is not None:
        daemon.kill()
        daemon.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(condition: Callable[[], object], what: str, *, limit_s: float = 60.0) -> None:
    """Wait for something to become true."""
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline, f"waited {limit_s:g} s for {what}"
        time.sleep(0.05)
