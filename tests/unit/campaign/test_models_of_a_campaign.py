"""What the surrogate of a campaign must be able to predict."""

from pathlib import Path

import pytest

from heliosc.campaign.loop import Campaign
from heliosc.campaign.models import check_predicted
from heliosc.campaign.run_folder import RunFolder
from heliosc.config import load_config
from heliosc.errors import InputError
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
