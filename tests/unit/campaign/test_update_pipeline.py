"""``dvc.yaml`` and its settings belong together; the data stages do what the configuration says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from heliosc.campaign.update.stages import fetch_sources, merge_sources
from heliosc.config import DataSettings, load_config
from heliosc.errors import InputError

REPOSITORY = Path(__file__).parents[3]
SETTINGS = REPOSITORY / "configs" / "pipeline.yaml"


def _stages() -> dict[str, Any]:
    return dict(yaml.safe_load((REPOSITORY / "dvc.yaml").read_text())["stages"])


def test_every_parameter_of_a_stage_is_a_setting() -> None:
    settings = yaml.safe_load(SETTINGS.read_text())
    for stage in _stages().values():
        for parameters in stage.get("params", ()):
            for name in parameters["configs/pipeline.yaml"]:
                node = settings
                for part in name.split("."):
                    node = node[part]


def test_stages_read_what_others_write() -> None:
    stages = _stages()
    outputs = {out if isinstance(out, str) else next(iter(out)) for stage in stages.values() for out in stage["outs"]}
    for stage in stages.values():
        for path in stage.get("deps", ()):
            assert any(path == out or path.startswith(f"{out}/") for out in outputs), path


def test_paths_of_the_stages_are_those_of_the_settings() -> None:
    config, stages = load_config(SETTINGS), _stages()
    assert str(config.data.table) in stages["merge"]["outs"]
    assert str(config.data.prepared) in stages["split"]["outs"]
    assert [str(config.surrogate.out), str(config.generator.out)] == [
        *stages["train-surrogate"]["outs"], *stages["train-generator"]["outs"]
    ]  # fmt: skip
    assert (config.surrogate.weights, config.generator.weights) == (config.surrogate.out, config.generator.out)
    assert str(config.surrogate.data) in stages["train-surrogate"]["deps"]
    assert str(config.generator.data) in stages["train-generator"]["deps"]
    assert set(config.surrogate.target_columns) == set(config.data.targets)


def test_the_library_needs_no_download(tmp_path: Path) -> None:
    assert fetch_sources(DataSettings(downloads=tmp_path / "downloads")) == {}
    assert (tmp_path / "downloads" / "fetched.json").read_text().strip() == "{}"


def test_an_unknown_source_is_an_error_with_the_list(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="ocelot"):
        merge_sources(DataSettings(sources=("nonsense",), store=tmp_path / "store", downloads=tmp_path))
