"""What is refused before a campaign begins."""

from pathlib import Path

import pytest

from heliosc.campaign.loop import Campaign
from heliosc.campaign.models import check_predicted
from heliosc.campaign.run_folder import RunFolder
from heliosc.config import load_config
from heliosc.errors import InputError, MissingDependencyError
from heliosc.selection.roles import load_roles

ROLE = """
flat:
  description: d
  source: s
  windows: []
  objectives:
    - {property: adiabatic_electron_affinity@gfn2, scale: gas phase, direction: maximise, reference: 1.0}
    - {property: lambda_hole@gfn2, direction: minimise, reference: 0.6}
"""


def test_the_shipped_surrogate_serves_every_shipped_role() -> None:
    check_predicted(None, list(load_roles().values()))


def test_what_nobody_predicts_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    (tmp_path / "roles.yaml").write_text(ROLE)
    settings = [f"selection.role_file={tmp_path / 'roles.yaml'}", "selection.roles=[flat]"]
    with pytest.raises(InputError, match="role flat needs adiabatic_electron_affinity@gfn2, and the surrogate"):
        Campaign(load_config(None, settings), RunFolder(tmp_path / "run"))
    assert not (tmp_path / "run").exists()


def test_a_folder_that_holds_no_surrogate(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not a surrogate that can be read"):
        check_predicted(tmp_path, [])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["selection.roles=[acceptor_for_PM6]"], "2 to 4 objectives, got 5"),
        (["campaign.batch_size=40"], "batches up to 16, got 20"),
    ],
)
def test_an_acquisition_that_cannot_be_asked_is_refused_at_once(
    tmp_path: Path, settings: list[str], message: str
) -> None:
    pytest.importorskip("botorch", reason="BoTorch is not installed; run: pip install 'heliosc[bo]'")
    with pytest.raises(InputError, match=message):
        Campaign(load_config(None, ["selection.acquisition=qlognehvi", *settings]), RunFolder(tmp_path / "run"))
    assert not (tmp_path / "run").exists()


def test_a_missing_botorch_is_told_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("heliosc.selection.acquisition.bayesian.find_spec", lambda _: None)
    with pytest.raises(MissingDependencyError, match=r"heliosc\[bo\]"):
        Campaign(load_config(None, ["selection.acquisition=parego"]), RunFolder(tmp_path / "run"))
