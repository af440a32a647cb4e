from pathlib import Path

import numpy as np

from heliosc.campaign.proposal import Proposal, filter_proposals, read_proposals, write_proposals
from heliosc.campaign.sources import draw_targets
from heliosc.chemistry.identity import parse_smiles, skeleton_key
from heliosc.config import load_config
from heliosc.properties import PropertyKey, PropertyTable
from heliosc.selection.roles import get_role

BITHIOPHENE, TERTHIOPHENE = "c1csc(-c2cccs2)c1", "c1csc(-c2ccc(-c3cccs3)s2)c1"
EA, LAMBDA = PropertyKey("vertical_electron_affinity", "gfn2"), PropertyKey("lambda_electron", "gfn2")


def test_the_funnel_counts_what_each_step_leaves() -> None:
    asked = [
        (TERTHIOPHENE, "jtvae", "p_dopable"),
        (TERTHIOPHENE, "jtvae-neighbour", "n_dopable"),  # a repeat
        (BITHIOPHENE, "jtvae", "p_dopable"),  # known
        ("c1ccsc", "jtvae", "p_dopable"),  # unreadable
        ("CCCCCCCCCCCC", "jtvae", "p_dopable"),  # not conjugated
    ]
    known = {skeleton_key(parse_smiles(BITHIOPHENE))}
    report = filter_proposals(asked, known=known, config=load_config())
    assert report.funnel == {"sampled": 5, "valid": 4, "unique": 3, "novel": 2, "constraints": 1}
    assert report.rejected == {"conjugation": 1}
    assert [(p.smiles, p.role, p.source) for p in report.proposals] == [(TERTHIOPHENE, "p_dopable", "jtvae")]


def test_configured_limits_apply() -> None:
    config = load_config(overrides=["selection.elements=[H,C]"])
    report = filter_proposals([(TERTHIOPHENE, "jtvae", "donor")], known=set(), config=config)
    assert report.rejected == {"elements": 1}


def test_targets_lie_in_the_goal_or_among_the_best_known() -> None:
    values = np.column_stack([np.linspace(0, 3, 101), np.linspace(0.1, 0.5, 101)])
    known = PropertyTable(("C",) * 101, (EA, LAMBDA), values)
    rng = np.random.default_rng(0)
    for _ in range(20):
        targets = draw_targets(get_role("n_dopable"), known, (EA, LAMBDA), rng=rng)
        assert 2.9 <= targets[EA] <= 3.5
        assert 0.1 < targets[LAMBDA] < 0.21  # best quarter of the known values


def test_only_what_the_generator_knows_is_asked_of_it() -> None:
    known = PropertyTable(("C",), (EA, LAMBDA), np.array([[1.0, 0.2]]))
    assert set(draw_targets(get_role("n_dopable"), known, (EA,), rng=np.random.default_rng(0))) == {EA}


def test_proposals_round_trip(tmp_path: Path) -> None:
    proposals = [
        Proposal(BITHIOPHENE, "donor", "jtvae", 2.123456789012345, ("aldehyde", "thiol")),
        Proposal("C", "a", "b", 1.0),
    ]
    write_proposals(tmp_path / "p.csv", proposals)
    assert read_proposals(tmp_path / "p.csv") == proposals


def test_a_molecule_without_inchikey_is_left_out_not_fatal() -> None:
    # RDKit reads it, but its search for a Kekule form gives up when InChI asks for one
    fused = "Cc1cc2c3cccc4cccc(c43)c3c4c5cccc6ccc7cccc(c7c65)c4c4c5cccc6cccc(c1c4c23)c65"
    asked = [(fused, "jtvae", "donor"), (TERTHIOPHENE, "jtvae", "donor")]
    report = filter_proposals(asked, known=set(), config=load_config())
    assert [proposal.smiles for proposal in report.proposals] == [TERTHIOPHENE]
    assert report.funnel["sampled"] == 2
    assert report.funnel["valid"] == 1
