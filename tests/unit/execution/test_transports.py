"""From one section of the configuration to what runs the tasks."""

from __future__ import annotations

from pathlib import Path

import pytest

from heliosc.config import Config, ExecutionSettings, load_config
from heliosc.errors import InputError, MissingDependencyError, UsageError
from heliosc.execution import Counts, QCResultStore, run_tasks, transport_factory
from heliosc.execution.pool import WorkerPool

EXAMPLES = sorted((Path(__file__).parents[3] / "configs" / "execution").glob("*.yaml"))


def execution(*overrides: str) -> ExecutionSettings:
    return load_config(overrides=[f"execution.{override}" for override in overrides]).execution


def test_by_default_tasks_run_on_this_machine_with_the_configured_scratch(store: QCResultStore, tmp_path: Path) -> None:
    settings = execution(f"scratch={tmp_path / 'scratch'}", "keep_scratch=always")
    key = store.submit("fake_calculations:reports_environment", {})
    assert run_tasks(store, transport=transport_factory(settings, n_workers=1, n_threads=3)) == Counts(done=1)
    assert store.result(key)["OMP_NUM_THREADS"] == "3"
    assert Path(store.attempts(key)[0].scratch or "").is_relative_to(tmp_path / "scratch")
    with transport_factory(ExecutionSettings(), n_workers=3)(store) as pool:
        assert isinstance(pool, WorkerPool)
        assert pool.n_free == 3


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda path: path.name)
def test_shipped_examples_are_valid_and_change_no_run(file: Path) -> None:
    pytest.importorskip("parsl", reason="pip install 'heliosc[cluster]'")
    config = load_config(file)
    assert config.digest() == Config().digest()  # the same run goes on elsewhere
    transport_factory(config.execution, n_workers=1)  # every option is known to its scheduler


def test_a_configuration_survives_its_run_folder(tmp_path: Path) -> None:
    config = load_config(EXAMPLES[0])
    (tmp_path / "config.yaml").write_text(config.to_yaml())
    assert load_config(tmp_path / "config.yaml") == config


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        (["trnsport=slurm"], "did you mean 'transport'"),
        (["transport=ssh"], "'local', 'slurm' or 'parsl'"),
        (["transport=parsl"], "no section execution.parsl"),
        (["slurm.folder=/shared", "slurm.max_jbos=3"], "did you mean 'max_jobs'"),
        (["slurm.folder=/shared", "slurm.max_jobs=0"], "max_jobs is 0"),
        (["slurm.partition=short"], "execution.slurm.folder: Field required"),
        (["parsl.workers_per_node=2", "parsl.provder=pbs"], "did you mean 'provider'"),
        (["parsl.workers_per_node=many"], "execution.parsl.workers_per_node"),
        (["lease_s=1"], "execution.lease_s"),
    ],
)
def test_wrong_keys_and_values_are_explained(overrides: list[str], expected: str) -> None:
    with pytest.raises(UsageError, match=expected):
        execution(*overrides)


def test_an_option_that_its_scheduler_does_not_know_is_refused_before_any_task() -> None:
    pytest.importorskip("parsl", reason="pip install 'heliosc[cluster]'")
    settings = execution("transport=parsl", "parsl.workers_per_node=2", "parsl.provider=pbs", "parsl.options.que=long")
    with pytest.raises(UsageError, match="did you mean 'queue'"):
        transport_factory(settings, n_workers=1)


def test_slurm_is_told_to_be_missing_and_gets_the_common_scratch(
    store: QCResultStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    settings = execution("transport=slurm", f"slurm.folder={tmp_path}", "scratch=/local")
    with pytest.raises(MissingDependencyError, match="sbatch"):
        transport_factory(settings, n_workers=1)(store)


def test_nobody_works_on_nothing() -> None:
    with pytest.raises(UsageError, match="expected 1 or more"):
        transport_factory(ExecutionSettings(), n_workers=0)


def test_a_campaign_moves_from_laptop_to_cluster_and_back(tmp_path: Path) -> None:
    from heliosc.campaign.run_folder import RunFolder

    laptop = load_config(overrides=["campaign.batch_size=3"])
    cluster = load_config(
        overrides=["campaign.batch_size=3", "qc.max_workers=64", "execution.transport=slurm",
                   "execution.slurm.folder=/shared"]
    )  # fmt: skip
    folder = RunFolder(tmp_path / "run")
    folder.create(laptop)
    folder.create(cluster)
    assert folder.read_config() == cluster
    with pytest.raises(InputError, match="another configuration"):
        folder.create(load_config(overrides=["campaign.batch_size=4"]))


def test_the_store_of_a_run_is_the_configured_one(tmp_path: Path) -> None:
    from heliosc.campaign.run_folder import RunFolder

    own, shared = RunFolder(tmp_path / "own"), RunFolder(tmp_path / "shared")
    own.create(Config())
    assert (own.store_location(), own.has_store()) == (tmp_path / "own" / "store.sqlite", False)
    shared.create(load_config(overrides=[f"execution.store={tmp_path / 'all.db'}"]))
    assert not shared.has_store()
    with QCResultStore(tmp_path / "all.db"):
        assert shared.has_store()
    assert shared.store_location() == str(tmp_path / "all.db")
