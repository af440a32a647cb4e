"""Sources of proposals: shares, mixing, pools, breeding."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliosc.campaign.shares import parts_by_share
from heliosc.campaign.sources import GeneticSource, MixedSource, PoolSource, Wish, make_source
from heliosc.chemistry.identity import parse_smiles, skeleton_key
from heliosc.config import Config, load_config
from heliosc.errors import InputError, UsageError
from heliosc.properties import PredictionTable, PropertyKey, PropertyTable
from heliosc.selection.roles import get_role

KEYS = tuple(get_role("p_dopable").keys)
THIOPHENES = tuple("c1csc(" + "-c2ccc(" * n + "-c2cccs2" + ")s2" * n + ")c1" for n in range(5))


class Weigher:
    """A surrogate that predicts numbers of atoms."""

    keys = tuple(key for key in KEYS if key.level != "structure")

    def predict(self, smiles: Sequence[str]) -> PredictionTable:
        sizes = np.array([[float(parse_smiles(text).GetNumAtoms())] * len(self.keys) for text in smiles])
        sizes = sizes.reshape(len(smiles), len(self.keys))
        return PredictionTable(tuple(smiles), self.keys, sizes, np.ones_like(sizes), np.ones_like(sizes), "weigher")


def wish(parents: Sequence[str] = THIOPHENES) -> Wish:
    values = np.linspace(0.1, 1.0, len(THIOPHENES))[:, None].repeat(len(Weigher.keys), axis=1)
    return Wish(get_role("p_dopable"), parents, PropertyTable(THIOPHENES, Weigher.keys, values))


def unused() -> None:
    raise AssertionError("a model that no source uses was loaded")


def source_of(config: Config, known: set[str] | None = None) -> MixedSource:
    made = make_source(config, generator=unused, surrogate=Weigher, known=known or set())  # type: ignore[arg-type]
    assert isinstance(made, MixedSource)
    return made


@given(st.integers(0, 1000), st.lists(st.floats(0.01, 100), min_size=1, max_size=6))
def test_parts_sum_up_and_differ_from_their_share_by_less_than_one(total: int, shares: list[float]) -> None:
    parts = parts_by_share(total, shares)
    assert sum(parts) == total
    exact = np.array(shares) / sum(shares) * total
    assert (np.abs(np.array(parts) - exact) < 1 + 1e-6).all()


def test_equal_shares_give_what_is_left_over_to_the_first() -> None:
    assert parts_by_share(10, [1, 1, 1, 1]) == [3, 3, 2, 2]
    assert parts_by_share(10, [3, 1]) == [8, 2]  # 7.5 and 2.5


def test_a_pool_proposes_each_molecule_once_and_only_unknown_ones(tmp_path: Path) -> None:
    (tmp_path / "pool.csv").write_text("smiles\n" + "\n".join(THIOPHENES) + "\n")
    config = load_config(overrides=["generator.sources={pool: 1}", f"generator.pool={tmp_path / 'pool.csv'}"])
    known = {skeleton_key(parse_smiles(THIOPHENES[0]))}
    proposed = source_of(config, known).propose(wish(), 99, seed=3)
    assert {origin for _, origin in proposed} == {"pool"}
    skeletons = [skeleton_key(parse_smiles(smiles)) for smiles, _ in proposed]
    assert sorted(skeletons) == sorted(skeleton_key(parse_smiles(text)) for text in THIOPHENES[1:])
    with pytest.raises(InputError, match="no molecule whose values are not known"):
        source_of(config, {skeleton_key(parse_smiles(text)) for text in THIOPHENES})


def test_the_pool_is_the_unlabelled_part_of_the_library_by_default() -> None:
    config = load_config(overrides=["generator.sources={pool: 1}"])
    first, again = (source_of(config).propose(wish(), 5, seed=seed) for seed in (1, 1))
    other = source_of(config).propose(wish(), 5, seed=2)
    assert first == again != other


def test_breeding_proposes_new_molecules_for_targets_and_near_the_best() -> None:
    source = GeneticSource(Weigher(), load_config(overrides=["generator.neighbour_share=0.25"]).generator)
    proposed = source.propose(wish(), 40, seed=0)
    origins = [origin for _, origin in proposed]
    assert (origins.count("genetic"), origins.count("genetic-neighbour")) == (30, 10)
    assert not {smiles for smiles, _ in proposed} & set(THIOPHENES)
    assert proposed == source.propose(wish(), 40, seed=0)
    with pytest.raises(InputError, match="none is known"):
        source.propose(wish(parents=()), 4, seed=0)


def test_mixed_sources_share_the_proposals() -> None:
    mixed = MixedSource([(PoolSource(["C"] * 50), 3.0), (PoolSource(["N"] * 50), 1.0)])
    proposed = [smiles for smiles, _ in mixed.propose(wish(), 20, seed=0)]
    assert (proposed.count("C"), proposed.count("N")) == (15, 5)


@pytest.mark.parametrize("sources", ["{}", "{lottery: 1}", "{pool: 0}", "{pool: -1}"])
def test_sources_that_cannot_be_are_refused(sources: str) -> None:
    with pytest.raises(UsageError, match=r"generator\.sources"):
        load_config(overrides=[f"generator.sources={sources}"])


def test_keys_of_the_stand_in_are_those_of_the_role() -> None:
    assert PropertyKey("lambda_hole", "gfn2") in Weigher.keys
