"""Parsl's providers by name: what they do not take is refused before anything starts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from heliosc.errors import MissingDependencyError, UsageError
from heliosc.execution.parsl.executor import make_executor
from heliosc.execution.parsl.providers import LAUNCHERS, PROVIDERS, check_provider, make_provider
from heliosc.execution.parsl.settings import ParslSettings
from heliosc.execution.parsl.transport import ParslTransport
from heliosc.execution.pool import WorkerSettings

pytest.importorskip("parsl", reason="pip install 'heliosc[cluster]'")

MARK = "mark."


@pytest.mark.parametrize(
    ("provider", "options", "expected"),
    [
        ("slrum", {}, "did you mean 'slurm'"),
        ("nomad", {}, "expected one of: local, slurm, pbs"),
        ("slurm", {"partitoin": "short"}, "did you mean 'partition'"),
        ("pbs", {"partition": "short"}, "no option 'partition'"),
        ("local", {"self": 1}, "no option 'self'"),
        ("kubernetes", {}, "needs the option.* image"),
        ("slurm", {"launcher": "srunn"}, "did you mean 'srun'"),
    ],
)
def test_what_a_provider_does_not_take_is_named(provider: str, options: dict[str, Any], expected: str) -> None:
    with pytest.raises(UsageError, match=expected):
        check_provider(provider, options)


def test_every_provider_and_launcher_exists_in_parsl() -> None:
    from parsl import launchers, providers

    assert all(hasattr(providers, kind.class_name) for kind in PROVIDERS.values())
    assert all(hasattr(launchers, name) for name in LAUNCHERS.values())


def test_a_scheduler_that_is_not_here_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(MissingDependencyError, match=r"qsub is not on the PATH.*login node"):
        make_provider("pbs", {}, worker_init="")


def test_a_value_of_the_wrong_type_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "sbatch").touch(mode=0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(UsageError, match=r"refused its options.*nodes_per_block"):
        make_provider("slurm", {"nodes_per_block": "two"}, worker_init="")


def test_workers_are_pinned_marked_and_prepared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "qsub").touch(mode=0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    options = {"worker_init": "module load chemistry", "queue": "long", "max_blocks": 3}
    settings = ParslSettings(provider="pbs", options=options, workers_per_node=8, python="/opt/py thon")
    executor = make_executor(settings, token=MARK, folder=tmp_path / "run", n_threads=4)
    assert executor.provider.worker_init.split("\n") == [
        "module load chemistry",
        "export OMP_NUM_THREADS=4",
        "export OPENBLAS_NUM_THREADS=4",
        "export MKL_NUM_THREADS=4",
        "export OMP_STACKSIZE=2G",
        f"export HELIOSC_WORKER_TOKEN={MARK}",
    ]
    assert (executor.provider.queue, executor.provider.max_blocks) == ("long", 3)
    assert executor.workers_per_node == 8
    assert executor.launch_cmd.startswith("'/opt/py thon' -P -m parsl.")
    assert "127.0.0.1" in executor.all_addresses  # besides those that nodes reach
    assert executor.address is None
    local = make_executor(ParslSettings(1), token=MARK, folder=tmp_path / "local", n_threads=1)
    assert (local.address, local.all_addresses) == ("127.0.0.1", {"127.0.0.1"})  # open to nobody else
    assert "export PYTHONPATH=" in local.provider.worker_init


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"workers_per_node": 0}, "workers_per_node is 0"),
        ({"heartbeat_s": 9, "lost_after_s": 5}, "heartbeat_s is 9 and lost_after_s is 5"),
    ],
)
def test_numbers_without_sense_are_refused(settings: dict[str, Any], expected: str) -> None:
    with pytest.raises(UsageError, match=expected):
        ParslSettings(**{"workers_per_node": 1, **settings})


def test_a_folder_that_a_shell_would_split_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="shell scripts do not quote"):
        ParslTransport(ParslSettings(1, folder=tmp_path / "two words"), WorkerSettings())
    assert list(tmp_path.iterdir()) == []
