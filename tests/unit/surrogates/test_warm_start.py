"""Training that begins with the weights of another model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from heliosc.errors import InputError
from heliosc.properties import PropertyKey, PropertyTable
from heliosc.surrogates.ensemble import SurrogateEnsemble
from heliosc.surrogates.mpnn.config import MPNNConfig
from heliosc.surrogates.mpnn.network import Network
from heliosc.surrogates.protocol import Split
from heliosc.surrogates.warm_start import check_unseen, take_over

GAP, DFT_GAP, IE = (
    PropertyKey("homo_lumo_gap", "gfn2"),
    PropertyKey("homo_lumo_gap", "b3lyp/def2-svp"),
    PropertyKey("vertical_ionization_energy", "ipea1//gfn2"),
)


def test_trunk_and_heads_of_the_same_property_are_taken_over() -> None:
    torch.manual_seed(0)
    config = MPNNConfig(hidden=8, head_hidden=8)
    source = Network(config, n_keys=2, n_descriptors=0)
    network = Network(config, n_keys=3, n_descriptors=0)
    before = network.predictor.last_layer.weight.detach().clone()
    take_over(network, keys=(IE, DFT_GAP), source=source, known=(GAP, PropertyKey("dipole_moment", "gfn2")))
    assert torch.equal(network.message_passing.W_h.weight, source.message_passing.W_h.weight)
    now, given = network.predictor.last_layer.weight, source.predictor.last_layer.weight
    assert torch.equal(now[1], given[0])  # the mean of the gap, from the other level
    assert torch.equal(now[3 + 1], given[2 + 0])  # and its variance
    for row in (0, 2, 3, 5):  # another property, and a head behind the keys
        assert torch.equal(now[row], before[row])


def test_it_learns_more_from_few_values(table, split, small_config) -> None:
    config = replace(small_config, n_members=1, epochs=40, mean_epochs=20)
    cheap = PropertyTable(table.smiles, (GAP,), table.values[:, :1])
    start = SurrogateEnsemble.train(cheap, split=split, config=config, seed=1)
    dft = PropertyTable(table.smiles, (DFT_GAP,), 1.1 * table.values[:, :1] + 0.5)
    few = (split[0][:15], split[1], split[2])
    short = replace(config, epochs=6, mean_epochs=4)
    warm = SurrogateEnsemble.train(dft, split=few, config=short, seed=2, start=start)
    cold = SurrogateEnsemble.train(dft, split=few, config=short, seed=2)
    assert warm.metrics["test"][str(DFT_GAP)]["mae"] < 0.7 * cold.metrics["test"][str(DFT_GAP)]["mae"]
    assert warm.provenance["started_from"] == start.model_id
    np.testing.assert_array_equal(warm.scaling.descriptor_mean, start.scaling.descriptor_mean)


def test_another_shape_is_refused(table, split, small_config) -> None:
    gaps = PropertyTable(table.smiles, (GAP,), table.values[:, :1])
    start = SurrogateEnsemble.train(gaps, split=split, config=replace(small_config, epochs=1, n_members=1), seed=0)
    for change in ({"hidden": 40}, {"use_descriptors": not small_config.use_descriptors}):
        with pytest.raises(InputError, match=f"{next(iter(change))} is"):
            SurrogateEnsemble.train(gaps, split=split, config=replace(small_config, **change), seed=0, start=start)


def test_a_start_that_has_seen_the_held_out_molecules_is_refused() -> None:
    smiles = tuple("C" * n for n in range(1, 7))
    table = PropertyTable(smiles, (GAP, IE), np.arange(12.0).reshape(6, 2))
    mine = Split(*(np.array(rows) for rows in ([0, 1, 2], [3], [4, 5])))
    other = {"train": [0, 1, 4], "validation": [2], "test": [3, 5]}
    only_gaps = PropertyTable(smiles, (GAP,), table.values[:, :1])
    with pytest.raises(InputError, match=r"1 molecules that are held out here, e.g. CCCCC:"):
        check_unseen(table, mine, start_test=only_gaps.rows([3, 5]), start_split=other)
    same = {name: rows.tolist() for name, rows in mine._asdict().items()}
    check_unseen(table, mine, start_test=only_gaps.rows([4, 5]), start_split=same)
    dft = PropertyTable(smiles, (DFT_GAP,), table.values[:, :1])  # another level gives none of these values away
    check_unseen(table, mine, start_test=dft.rows([3, 5]), start_split=other)
    elsewhere = PropertyTable(tuple(f"{text}O" for text in smiles), (GAP,), table.values[:, :1])
    check_unseen(table, mine, start_test=elsewhere.rows([3, 5]), start_split=other)


def test_the_check_is_made_when_training(table, split, small_config) -> None:
    gaps = PropertyTable(table.smiles, (GAP,), table.values[:, :1])
    config = replace(small_config, epochs=1, n_members=1)
    start = SurrogateEnsemble.train(gaps, split=split, config=config, seed=0)
    with pytest.raises(InputError, match="held out here"):
        SurrogateEnsemble.train(gaps, split=(split[2], split[1], split[0]), config=config, seed=0, start=start)
