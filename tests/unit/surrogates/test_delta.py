"""Delta-learning from a cheap level."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from heliosc.errors import InputError
from heliosc.properties import PropertyKey, PropertyTable
from heliosc.surrogates.delta import Baseline, DeltaSurrogate
from heliosc.surrogates.ensemble import SurrogateEnsemble

DFT = PropertyKey("homo_lumo_gap", "b3lyp/def2-svp")
CHEAP = (PropertyKey("homo_energy", "gfn2"), PropertyKey("lumo_energy", "gfn2"))


@pytest.fixture(scope="module")
def values(table):
    """DFT = 2 lumo - 2 homo + 0.3 + what follows from the structure; the cheap level knows nothing of the latter."""
    rng = np.random.default_rng(4)
    cheap = np.stack([rng.normal(-10, 1, len(table.smiles)), rng.normal(-8, 1, len(table.smiles))], axis=1)
    expensive = 2 * (cheap[:, 1] - cheap[:, 0]) + 0.3 + table.values[:, 0]
    return PropertyTable(table.smiles, CHEAP, cheap), PropertyTable(table.smiles, (DFT,), expensive[:, None])


@pytest.fixture(scope="module")
def settings(small_config):
    return replace(small_config, n_members=1, epochs=25, mean_epochs=15)


@pytest.fixture(scope="module")
def model(values, split, settings):
    cheap, expensive = values
    return DeltaSurrogate.train(expensive, split=split, cheap=cheap, config=settings, seed=1)


def test_a_linear_law_is_found_by_the_baseline() -> None:
    rng = np.random.default_rng(0)
    cheap = PropertyTable(tuple("C" * n for n in range(1, 51)), CHEAP, rng.normal(size=(50, 2)))
    law = 0.5 * cheap.values[:, 0] - 2 * cheap.values[:, 1] + 7
    law[3] = np.nan  # unknown values are left out
    baseline = Baseline.fit(cheap, PropertyTable(cheap.smiles, (DFT,), law[:, None]))
    assert baseline.coefficients[0] == pytest.approx([0.5, -2.0], abs=1e-3)
    assert baseline(np.zeros((1, 2)))[0] == pytest.approx([7.0], abs=1e-3)


def test_what_the_cheap_level_knows_need_not_be_learnt(model, values, split, settings) -> None:
    cheap, expensive = values
    direct = SurrogateEnsemble.train(expensive, split=split, config=settings, seed=1)
    held_out = expensive.rows(split[2])
    errors = [np.abs(m.predict(held_out.smiles).mean - held_out.values).mean() for m in (model, direct)]
    assert errors[0] < 0.3 * errors[1]
    (first, *_) = held_out.smiles
    moved = replace(cheap, values=cheap.values - [0.1, 0.0])  # a deeper HOMO widens the gap
    change = model.with_cheap(moved).predict([first]).mean - model.predict([first]).mean
    assert change[0, 0] == pytest.approx(0.2, abs=0.02)


def test_saved_and_loaded_is_the_same_model(model, values, tmp_path: Path) -> None:
    cheap, expensive = values
    loaded = DeltaSurrogate.load(model.save(tmp_path / "delta"), cheap=cheap, device="cpu")
    before, after = (m.predict(expensive.smiles[:5]) for m in (model, loaded))
    np.testing.assert_array_equal(before.mean, after.mean)
    np.testing.assert_array_equal(before.std, after.std)
    assert loaded.model_id == model.model_id


def test_a_molecule_without_a_cheap_value_is_refused(model, values, split, settings, tmp_path: Path) -> None:
    cheap, expensive = values
    with pytest.raises(InputError, match=r"row 1 \(CCCCCCCCO\).*heliosc label"):
        model.predict([expensive.smiles[0], "CCCCCCCCO"])
    gaps = cheap.values.copy()
    gaps[5, 1] = np.nan
    with pytest.raises(InputError, match="row 5"):
        DeltaSurrogate.train(expensive, split=split, cheap=replace(cheap, values=gaps), config=settings)
    bare = DeltaSurrogate.load(model.save(tmp_path / "delta"), device="cpu")
    with pytest.raises(InputError, match="row 0"):
        bare.predict(expensive.smiles[:1])
    with pytest.raises(InputError, match="lumo_energy@gfn2 is missing"):
        bare.with_cheap(PropertyTable(cheap.smiles, CHEAP[:1], cheap.values[:, :1]))


def test_damaged_folders_are_refused(model, tmp_path: Path) -> None:
    folder = model.save(tmp_path / "delta")
    text = (folder / "baseline.json").read_text()
    for damage, message in (
        ("{", "damaged"),
        (text.replace("delta surrogate", "other"), "another format"),
        (text.replace('"intercepts": [\n  ', '"intercepts": [\n  1'), "inconsistent"),
    ):
        (folder / "baseline.json").write_text(damage)
        with pytest.raises(InputError, match=message):
            DeltaSurrogate.load(folder)
    (folder / "baseline.json").unlink()
    with pytest.raises(InputError, match="holds no delta surrogate"):
        DeltaSurrogate.load(folder)
