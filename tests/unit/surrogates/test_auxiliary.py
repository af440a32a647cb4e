"""Quantities that follow from the targets."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from heliosc.properties import PropertyKey, PropertyTable
from heliosc.surrogates.auxiliary import auxiliary_targets, without_auxiliary
from heliosc.surrogates.ensemble import SurrogateEnsemble
from heliosc.surrogates.mpnn.config import MPNNConfig
from heliosc.surrogates.mpnn.environments import find_environments, plan_batch
from heliosc.surrogates.mpnn.graphs import build_graphs, parse_rows
from heliosc.surrogates.mpnn.network import Network, to_batch

NAMES = ("vertical_ionization_energy", "adiabatic_ionization_energy", "lambda_hole")


def keys(*names: str, level: str = "gfn2") -> tuple[PropertyKey, ...]:
    return tuple(PropertyKey(name, level) for name in names)


def test_relaxation_energies_of_the_four_point_scheme() -> None:
    # pentacene-like: IE 6.60 vertical, 6.55 adiabatic, so the cation relaxes by 0.05 of the lambda of 0.095
    table = PropertyTable(("C", "CC"), keys(*NAMES), np.array([[6.60, 6.55, 0.095], [7.0, np.nan, 0.2]]))
    assert auxiliary_targets(table)[0] == pytest.approx([0.05, 0.045])
    assert np.isnan(auxiliary_targets(table)[1]).all()  # a part is unknown


def test_anions_relax_upwards_in_affinity() -> None:
    names = ("vertical_electron_affinity", "adiabatic_electron_affinity", "lambda_electron")
    table = PropertyTable(("C",), keys(*names), np.array([[1.20, 1.30, 0.22]]))
    assert auxiliary_targets(table)[0] == pytest.approx([0.10, 0.12])


def test_levels_are_never_mixed_and_known_columns_not_repeated() -> None:
    mixed = (*keys("homo_energy"), *keys("lumo_energy", level="b3lyp/def2-svp"))
    assert auxiliary_targets(PropertyTable(("C",), mixed, np.ones((1, 2)))).shape == (1, 0)
    given = keys("homo_energy", "lumo_energy", "homo_lumo_gap")
    assert auxiliary_targets(PropertyTable(("C",), given, np.ones((1, 3)))).shape == (1, 0)
    assert auxiliary_targets(PropertyTable(("C",), given[:2], np.array([[-5.0, -2.0]]))) == pytest.approx(3.0)


def test_cutting_the_further_heads_changes_no_other() -> None:
    torch.manual_seed(0)
    network = Network(MPNNConfig(hidden=16, head_hidden=16), n_keys=5, n_descriptors=0).eval()
    graphs = build_graphs(parse_rows(("c1ccsc1", "CCO")))
    plan = plan_batch(find_environments(graphs, depth=3), np.arange(2))
    batch = to_batch(plan, torch.zeros(2, 0), device=torch.device("cpu"))
    cut = without_auxiliary(network, keys(*NAMES))
    for whole, kept in zip(network(batch), cut(batch), strict=True):
        torch.testing.assert_close(kept, whole[:, :3])


def test_an_ensemble_taught_with_them_predicts_the_targets_alone(table, split, small_config) -> None:
    names = keys("homo_energy", "lumo_energy")
    values = np.stack([-5 - table.values[:, 0], np.full(len(table.smiles), -5.0)], axis=1)
    values[:, 1] += np.random.default_rng(0).normal(0, 0.1, len(values))
    config = replace(small_config, n_members=1, epochs=4, mean_epochs=2, auxiliary_weight=0.5)
    both = PropertyTable(table.smiles, names, values)
    taught = SurrogateEnsemble.train(both, split=split, config=config, seed=0)
    plain = SurrogateEnsemble.train(both, split=split, config=replace(config, auxiliary_weight=0.0), seed=0)
    assert taught.predict(table.smiles[:3]).mean.shape == (3, 2)
    assert taught.model_id != plain.model_id
