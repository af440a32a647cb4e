import itertools

import numpy as np
import pytest

from heliosc.chemistry.fingerprints import morgan_fingerprints, tanimoto_matrix
from heliosc.chemistry.identity import parse_smiles
from heliosc.chemistry.scaffolds import fused_ring_systems
from heliosc.errors import InputError
from heliosc.selection.diversity import Diversity, pick_diverse

RINGS = ("c1ccsc1", "c1ccoc1", "c1ccccc1", "c1ccncc1", "c1ccc2ccccc2c1", "c1ccc2nsnc2c1")
TAILS = ("", "F", "C", "OC", "C#N", "N(C)C")
POOL = [ring.replace("c1cc", f"c1c({tail})c", 1) if tail else ring for ring, tail in itertools.product(RINGS, TAILS)]
FREE = Diversity(max_similarity=1, max_per_scaffold=100, trade_off=0)


def test_without_limits_the_ranking_is_followed() -> None:
    assert [pick.position for pick in pick_diverse(POOL, n=5, diversity=FREE)] == [0, 1, 2, 3, 4]


def test_similarity_cap_holds_between_all_picks() -> None:
    picks = pick_diverse(POOL, n=12, diversity=Diversity(max_similarity=0.35, max_per_scaffold=100, trade_off=0))
    chosen = morgan_fingerprints([POOL[p.position] for p in picks])
    similarity = tanimoto_matrix(chosen, chosen) - np.eye(len(picks))
    assert len(picks) >= 5
    assert similarity.max() <= 0.35
    nearest = [None, *(similarity[i, :i].max() for i in range(1, len(picks)))]
    assert [p.similarity_to_batch for p in picks] == pytest.approx(nearest)


def test_scaffold_cap() -> None:
    picks = pick_diverse(POOL, n=100, diversity=Diversity(max_similarity=1, max_per_scaffold=2, trade_off=0))
    assert len(picks) == 2 * len(RINGS)
    assert [POOL[p.position] for p in picks[:2]] == POOL[:2]
    assert all(count == 2 for count in np.unique([p.scaffold for p in picks], return_counts=True)[1])


def test_trade_off_one_takes_the_most_different() -> None:
    picks = pick_diverse(POOL, n=2, diversity=Diversity(max_similarity=1, max_per_scaffold=100, trade_off=1))
    fingerprints = morgan_fingerprints(POOL)
    to_first = tanimoto_matrix(fingerprints, fingerprints[:1])[:, 0]
    assert picks[0].position == 0
    assert to_first[picks[1].position] == to_first.min()


def test_known_molecules_are_kept_at_a_distance() -> None:
    known = morgan_fingerprints(POOL[:1])
    near = pick_diverse(POOL, n=1, diversity=FREE, known=known)
    assert (near[0].position, near[0].similarity_to_known) == (0, 1.0)
    far = pick_diverse(POOL, n=3, diversity=Diversity(1, 100, 0, max_similarity_to_known=0.5), known=known)
    assert far[0].position > 0
    assert all(p.similarity_to_known <= 0.5 for p in far)
    assert pick_diverse(POOL, n=1, diversity=FREE)[0].similarity_to_known is None


def test_the_shortlist_widens_until_the_batch_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("heliosc.selection.diversity._FIRST_SHORTLIST", 2)
    monkeypatch.setattr("heliosc.selection.diversity._SHORTLIST_PER_PICK", 1)
    limits = Diversity(max_similarity=1, max_per_scaffold=1, trade_off=0)
    assert [p.position for p in pick_diverse(POOL, n=4, diversity=limits)] == [0, 6, 12, 18]


def test_empty_pool_and_impossible_limits() -> None:
    assert pick_diverse([], n=3, diversity=FREE) == []
    assert pick_diverse([], n=3, diversity=FREE, known=morgan_fingerprints(POOL[:1])) == []
    with pytest.raises(InputError, match="from 0 to 1"):
        Diversity(max_similarity=1.2)


def test_fragment_cap_counts_fused_systems_whatever_they_carry() -> None:
    ranked = ["c1ccc2c(c1)[nH]c1ccccc12", "CCn1c2ccccc2c2ccccc21", "CCCn1c2ccccc2c2ccc(-c3cccs3)cc21", "c1ccc2sccc2c1",
              "c1ccc(-c2ccccc2)cc1", "c1ccc(-c2ccccn2)cc1"]  # fmt: skip
    limits = Diversity(max_similarity=1, max_per_scaffold=100, trade_off=0, max_per_fragment=1)
    # one carbazole of three, one benzothiophene; single rings are everywhere and are not counted
    assert [pick.position for pick in pick_diverse(ranked, n=9, diversity=limits)] == [0, 3, 4, 5]
    with pytest.raises(InputError, match="caps of picks from 1"):
        Diversity(max_per_fragment=0)


def test_fused_ring_systems() -> None:
    spiro = "c1ccc2c(c1)C1(c3ccccc3-2)c2ccccc2-c2ccccc21"  # two fluorenes that share one atom
    assert len(fused_ring_systems(parse_smiles(spiro))) == 1
    assert fused_ring_systems(parse_smiles("c1ccc(-c2ccccc2)cc1")) == frozenset()
    one, other = (fused_ring_systems(parse_smiles(text)) for text in ("c1ccc2sccc2c1", "c1ccc2cscc2c1"))
    assert one.isdisjoint(other)
