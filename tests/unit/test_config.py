from pathlib import Path

import pytest

from heliosc.config import Config, check_inputs, load_config
from heliosc.errors import InputError, UsageError

CONFIGS = Path(__file__).parents[2] / "configs"


def test_defaults_run_the_two_dopable_roles() -> None:
    assert load_config().selection.roles == ("p_dopable", "n_dopable")


def test_yaml_round_trip_keeps_identity(tmp_path: Path) -> None:
    config = load_config(overrides=["campaign.rounds=7", "selection.roles=[donor]"])
    file = tmp_path / "config.yaml"
    file.write_text(config.to_yaml())
    assert load_config(file) == config
    assert load_config(file).digest() == config.digest() != Config().digest()


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("campaign.ruonds=3", "did you mean 'rounds'"),
        ("campain.rounds=3", "did you mean 'campaign'"),
        ("campaign.rounds=zero", "campaign.rounds"),
        ("campaign.rounds=0", "campaign.rounds"),
        ("seed.x=1", "seed"),
        ("rounds", "dotted.key=value"),
        ("surrogate.compute.device=gpu", "surrogate.compute.device"),
    ],
)
def test_wrong_keys_and_values_are_explained(override: str, expected: str) -> None:
    with pytest.raises(UsageError, match=expected):
        load_config(overrides=[override])


@pytest.mark.parametrize(("text", "expected"), [("", "empty"), ("- a", "list"), ("a: [", "not valid YAML")])
def test_bad_files_are_explained(tmp_path: Path, text: str, expected: str) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(text)
    with pytest.raises(InputError, match=expected):
        load_config(file)


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"absent\.yaml"):
        load_config(tmp_path / "absent.yaml")


@pytest.mark.parametrize("file", sorted(CONFIGS.glob("*.yaml")), ids=lambda path: path.name)
def test_shipped_configurations_say_what_the_defaults_are(file: Path) -> None:
    master_table = Path("data/raw/all_mols.csv")
    named = {
        "qc_pipeline.yaml": ["qc.max_workers=0", "qc.molecules=null"],
        "train_conf.yaml": ["surrogate.data=null"],
        "gen_conf.yaml": ["generator.data=null"],
        "active_learn.yaml": ["campaign.library=null"],
        "pipeline.yaml": [
            *("data.targets=[]", "surrogate.target_columns=[]", "surrogate.data=null", "surrogate.weights=null"),
            *("generator.data=null", "generator.weights=null", "campaign.library=null", "execution.store=null"),
        ],
    }
    assert load_config(file, named.get(file.name, ())) == Config()  # in all but what they are there to name
    loaded = load_config(file)
    if file.name == "qc_pipeline.yaml":
        assert loaded.qc.max_workers == 2
    inputs = (loaded.surrogate.data, loaded.generator.data, loaded.campaign.library, loaded.qc.molecules)
    assert inputs.count(master_table) == 1


def test_every_missing_input_is_named_at_the_start(tmp_path: Path) -> None:
    there = tmp_path / "there.csv"
    there.touch()
    config = load_config(None, [f"surrogate.data={there}", "generator.data=nowhere.csv", "surrogate.weights=no/model"])
    with pytest.raises(InputError) as caught:
        check_inputs(config)
    message = str(caught.value)
    assert "generator.data = nowhere.csv (written by heliosc data merge" in message
    assert "surrogate.weights = no/model (written by heliosc train surrogate" in message
    assert "there.csv" not in message
    check_inputs(load_config())


def test_choices_that_came_later_leave_earlier_runs_their_name() -> None:
    assert Config().digest() == load_config(overrides=["selection.max_per_scaffold=2"]).digest()
    for changed in ("max_per_scaffold=3", "max_per_fragment=2", "diversity=0", "min_log_p=1", "max_log_p=9"):
        assert load_config(overrides=[f"selection.{changed}"]).digest() != Config().digest()
    with pytest.raises(UsageError, match="exceeds max_log_p"):
        load_config(overrides=["selection.min_log_p=5", "selection.max_log_p=2"])
