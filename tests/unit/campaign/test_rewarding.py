"""What molecules earn in policy-gradient fine-tuning, and how a campaign asks for it."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from heliosc.campaign.learning import reinforce_generator
from heliosc.campaign.loop import Campaign
from heliosc.campaign.models import SHIPPED_SURROGATE, load_generator
from heliosc.campaign.rewarding import role_reward
from heliosc.campaign.run_folder import RunFolder
from heliosc.config import Config, load_config
from heliosc.generation.jtvae.policy import PolicySettings
from heliosc.properties import PredictionTable, PropertyKey, PropertyTable
from heliosc.selection.objectives import Objective, Window
from heliosc.selection.roles import PropertyWindow, Role

LAMBDA = PropertyKey.parse("lambda_hole@gfn2")
EA = PropertyKey.parse("vertical_electron_affinity@gfn2")
THIENYL, BIPHENYL, BUTANE = "c1ccc(-c2cccs2)cc1", "c1ccc(-c2ccccc2)cc1", "CCCC"


class Told:
    """A surrogate that says what it is told: lambda and EA of each molecule."""

    keys = (LAMBDA, EA)

    def __init__(self, values: dict[str, tuple[float, float]], *, std: float = 0.0) -> None:
        self.values, self.std = values, std
        self.asked: list[str] = []

    def predict(self, smiles) -> PredictionTable:
        self.asked += smiles
        mean = np.array([self.values[text] for text in smiles])
        doubt = np.full_like(mean, self.std)
        return PredictionTable(tuple(smiles), self.keys, mean, doubt, np.zeros_like(mean), "told")


@pytest.fixture
def role() -> Role:
    window = PropertyWindow(EA, Window(lower=2.0), Window(lower=2.0), "gas phase")
    return Role("r", "", "", (window,), (Objective(LAMBDA, "minimise", 0.6, bound=0.0),))


def _reward(role: Role, surrogate: Told):
    library = PropertyTable(("C",), (LAMBDA, EA), np.array([[0.3, 1.0]]))
    return role_reward(role, surrogate, library, sa_scores=np.array([2.0]), config=Config())


def test_rewards_by_hand(role: Role) -> None:
    # (0.6 - 0.3) / 0.6 inside the window, nothing outside, nothing for what a constraint stops, which is not asked for
    surrogate = Told({THIENYL: (0.3, 2.5), BIPHENYL: (0.1, 1.5)})
    assert _reward(role, surrogate)([THIENYL, BUTANE, BIPHENYL]) == pytest.approx([0.5, 0.0, 0.0])
    assert BUTANE not in surrogate.asked
    assert _reward(role, surrogate)([BUTANE]) == pytest.approx([0.0])


def test_doubt_makes_a_window_a_probability(role: Role) -> None:
    surrogate = Told({THIENYL: (0.3, 2.0)}, std=0.2)
    assert _reward(role, surrogate)([THIENYL]) == pytest.approx([0.25])  # half inside


class Reinforced:
    """Stands in for a generator and remembers what was asked of it."""

    def __init__(self) -> None:
        self.asked: list[PolicySettings] = []
        self.saved: list[Path] = []

    def reinforce(self, goals, *, settings: PolicySettings, seed: int) -> None:
        self.asked.append(settings)

    def save(self, folder: Path) -> None:
        self.saved.append(folder)


def test_a_campaign_takes_a_step_for_each_goal_when_its_rounds_have_passed(tmp_path: Path) -> None:
    overrides = ["fine_tuning=policy_gradient", "refresh_every=2", "policy_gradient={batch_size: 8, prior_weight: 0.5}"]
    config = load_config(overrides=[f"generator.{text}" for text in overrides])
    generator = Reinforced()
    goals = [({}, lambda smiles: np.zeros(len(smiles)))] * 6
    for index in range(2):
        reinforce_generator(generator, goals, config=config, index=index, seed=0, folder=tmp_path / str(index))
    assert generator.asked == [PolicySettings(6, batch_size=8, learning_rate=1e-3, prior_weight=0.5)]
    assert [folder.name for folder in generator.saved] == ["0", "1"]


def test_a_campaign_refreshes_its_generator_by_the_rewards_of_its_roles(tmp_path: Path) -> None:
    settings = ["fine_tuning=policy_gradient", "policy_gradient={steps: 1, batch_size: 4}"]
    overrides = [f"generator.{text}" for text in settings]
    config = load_config(overrides=["selection.roles=[p_dopable, n_dopable]", f"campaign.runs={tmp_path}", *overrides])
    run = RunFolder(tmp_path / "r")
    campaign = Campaign(config, run)
    shutil.copytree(SHIPPED_SURROGATE, run.round(0) / "surrogate")
    generator = load_generator(device="cpu")
    goals = campaign._goals(0, generator)
    assert len(goals) == 2
    for conditions, reward in goals:
        assert conditions
        earned = reward(campaign.library.smiles[:20])
        assert ((earned >= 0) & np.isfinite(earned)).all()
        assert earned.max() > 0
    campaign._refresh_generator(0, campaign._candidates_table([]))
    assert load_generator(run.round(0) / "generator", device="cpu").n_refreshes == generator.n_refreshes + 1
