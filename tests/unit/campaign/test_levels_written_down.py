"""What a round writes down of its pool and of its levels."""

import csv
from pathlib import Path

import numpy as np

from heliosc.campaign.level_choice import LevelPlan
from heliosc.campaign.pool_file import write_pool
from heliosc.campaign.promotions import first_level_settings, level_notes, level_summary, promotes, promotion_settings
from heliosc.campaign.proposal import Proposal, read_proposals, write_proposals
from heliosc.campaign.records import PromotionRecord
from heliosc.campaign.selecting import select_candidates
from heliosc.config import Config, load_config
from heliosc.execution import QCResultStore
from heliosc.properties import DEFAULT_TARGETS, PredictionTable, PropertyKey
from heliosc.selection.level_offsets import LevelOffset
from heliosc.selection.roles import get_role

SMILES = ("c1ccc2cc3ccccc3cc2c1", "N#Cc1ccc(C#N)cc1", "c1ccc(-c2ccccc2)cc1")
KEY = PropertyKey("lambda_hole", "gfn2")
PROMOTION = PromotionRecord("r0-00", "c1ccsc1", "tiny", 1, "dft-fast", 0.1, 600.0, "estimate", "because", "key")
TWO = load_config(None, ["campaign.levels=[gfn2,dft-fast]", "campaign.core_hours_a_round=1", "qc.program=pyscf"])


def test_the_pool_keeps_what_was_not_chosen(tmp_path: Path) -> None:
    mean = np.full((3, len(DEFAULT_TARGETS)), 6.0)
    mean[2] = np.nan  # not judged
    predictions = PredictionTable(SMILES, DEFAULT_TARGETS, mean, np.ones_like(mean), np.zeros_like(mean), "m")
    proposals = [Proposal(text, "p_dopable", "pool", 2.0, notes=("not evaluated",)) for text in SMILES]
    selection = select_candidates(
        proposals, predictions, roles=[get_role("p_dopable")], known_smiles=["C"],
        config=load_config(None, ["campaign.batch_size=1"]), run_id="run", index=0, seed=0,
    )  # fmt: skip
    chosen = {record.smiles: record.id for record in selection.records}
    write_pool(tmp_path / "pool.csv", proposals, predictions, scores=selection.scores, chosen=chosen)
    with (tmp_path / "pool.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["smiles"] for row in rows] == list(SMILES)
    assert [bool(row["p_dopable score"]) for row in rows] == [True, True, False]
    assert [row["candidate"] for row in rows].count("run-r0-00") == 1
    assert rows[0]["lambda_hole@gfn2 mean"] == "6"
    assert rows[2]["lambda_hole@gfn2 mean"] == ""
    assert rows[0]["notes"] == "not evaluated"
    assert selection.records[0].reason.endswith("; not evaluated")


def test_notes_of_proposals_survive_the_file(tmp_path: Path) -> None:
    proposals = [Proposal("CC", "donor", "pool", 2.0, ("thiol",), ("one", "two")), Proposal("CCC", "donor", "x", 3.0)]
    write_proposals(tmp_path / "proposals.csv", proposals)
    assert read_proposals(tmp_path / "proposals.csv") == proposals


def test_history_says_what_was_chosen_at_which_level_and_why(tmp_path: Path) -> None:
    plan = LevelPlan([], [PROMOTION], 2, {KEY: LevelOffset(None, 0.05, 0)})
    with QCResultStore(tmp_path / "store.sqlite") as store:
        summary = level_summary(level_notes(plan, TWO), [PROMOTION], store)
    assert summary["gfn2"] == {"chosen": 0, "passed_over": 2}
    assert summary["dft-fast"]["why"] == {"r0-00": "because"}
    assert summary["dft-fast"]["computed"] == summary["dft-fast"]["failed"] == 0
    assert summary["dft-fast"]["offsets_from_first"] == {
        "lambda_hole@gfn2": {"offset": None, "std": 0.05, "source": "stated default"}
    }


def test_one_level_changes_nothing() -> None:
    assert not promotes(Config())
    assert promotion_settings(Config()) == first_level_settings(Config()) == Config().qc
    assert (promotion_settings(TWO).level, promotion_settings(TWO).program) == ("dft-fast", "pyscf")
    assert (first_level_settings(TWO).level, first_level_settings(TWO).program) == ("gfn2", "auto")
