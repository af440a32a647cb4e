"""Search of the generator's settings, with the shipped models."""

from __future__ import annotations

import pytest

from heliosc.campaign.assembly_tuning import AssemblyTrial, tune_assembly
from heliosc.config import load_config
from heliosc.errors import InputError

CONFIG = load_config(overrides=["generator.n_samples=24", "campaign.batch_size=4", "selection.max_heavy_atoms=30"])


@pytest.fixture(scope="module")
def trials() -> list[AssemblyTrial]:
    return tune_assembly(CONFIG, "p_dopable", n_trials=6, seed=1)


def test_settings_are_ordered_by_what_they_lead_to(trials: list[AssemblyTrial]) -> None:
    scores = [trial.score for trial in trials]
    assert scores == sorted(scores, reverse=True)
    assert len({tuple(trial.settings.values()) for trial in trials}) == len(trials) > 1  # none tried twice
    assert all(0 <= trial.score <= 1 and 0 <= trial.n_usable <= 24 for trial in trials)
    assert len(set(scores)) > 1  # the settings matter


def test_the_configured_settings_are_among_them(trials: list[AssemblyTrial]) -> None:
    configured = {name: getattr(CONFIG.generator, name) for name in trials[0].settings}
    assert configured in [trial.settings for trial in trials]


def test_a_beam_is_searched_without_chance(trials: list[AssemblyTrial]) -> None:
    for trial in trials:
        if trial.settings["beam_width"] > 1:
            assert trial.settings["temperature"] == 0
            assert trial.settings["samples_per_latent"] == 1


def test_the_same_seed_finds_the_same(trials: list[AssemblyTrial]) -> None:
    again = tune_assembly(CONFIG, "p_dopable", n_trials=2, seed=1)
    assert all(trial in trials for trial in again)


def test_an_unknown_role_is_refused() -> None:
    with pytest.raises(InputError, match="role"):
        tune_assembly(CONFIG, "donour", n_trials=1)
