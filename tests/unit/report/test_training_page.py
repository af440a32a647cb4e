"""The page of a training: complete, in the order of the keys, offline, and honest about who won."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch

from heliosc.datasets.csv_source import QuarantinedRow
from heliosc.properties import PropertyKey, PropertyTable
from heliosc.report.training_page import write_training_page
from heliosc.report.training_tables import data_table, error_table, uncertainty_table
from heliosc.surrogates.ensemble import SurrogateEnsemble
from heliosc.surrogates.mpnn.config import MPNNConfig

GAP = PropertyKey("homo_lumo_gap", "gfn2")
IE = PropertyKey("vertical_ionization_energy", "ipea1//gfn2")


def _figures(mae: float, *, crps: float = 0.1) -> dict[str, float]:
    names = ("rmse", "r2", "nll", "miscalibration_area", "ence", "coverage_90", "coverage_95", "sharpness")
    return {
        **dict.fromkeys(names, 0.5),
        "n": 20,
        "mae": mae,
        "crps": crps,
        "reference_nll": 0.6,
        "reference_crps": 0.15,
        "error_rank_correlation": 0.2,
    }


REPORTS = {
    "forest": {"all": {str(GAP): _figures(0.2), str(IE): _figures(0.4)}, "large": {}},
    "mpnn": {"all": {str(GAP): _figures(0.3, crps=0.2), str(IE): _figures(0.1)}, "large": {}},
}


def test_the_lowest_error_is_named_whoever_has_it():
    table = error_table("random split", (IE, GAP), reports=REPORTS)
    assert table.header[2:5] == ("MAE, network", "MAE, random forest", "lowest")
    assert [row[4] for row in table.rows] == ["network", "random forest"]
    assert [row[2] for row in table.rows] == ["0.100", "0.300"]


def test_the_constant_sigma_stands_beside():
    table = uncertainty_table("random split", (IE,), reports=REPORTS)
    (row,) = table.rows
    assert dict(zip(table.header, row, strict=True))["CRPS, constant sigma"] == "0.150"
    assert dict(zip(table.header, row, strict=True))["within 90 %"] == "50.0 %"


def test_counts_that_are_not_known_are_dashes():
    (row,) = data_table((GAP,), {}).rows
    assert row[3:] == ("\N{EM DASH}",) * 3


@pytest.fixture(scope="module")
def trained() -> SurrogateEnsemble:
    torch.set_num_threads(1)
    smiles = tuple(f"{'C' * n}{end}" for n in range(1, 21) for end in ("O", "N", "c1ccsc1"))
    values = np.random.default_rng(0).normal(5, 1, (60, 2))
    values[::9, 1] = np.nan
    rows = np.random.default_rng(1).permutation(60)
    return SurrogateEnsemble.train(
        PropertyTable(smiles, (IE, GAP), values),
        split=(rows[:20], rows[20:48], rows[48:]),
        config=MPNNConfig(n_members=2, hidden=16, head_hidden=16, epochs=3, mean_epochs=1, device="cpu"),
    )


def test_page_is_complete_and_offline(trained: SurrogateEnsemble, tmp_path: Path):
    evil = QuarantinedRow(7, "<script>", "<b>reason</b>", "correct it")
    folder = trained.with_metrics({"random split": REPORTS}).save(tmp_path / "model")
    page = write_training_page(trained.with_metrics({"random split": REPORTS}), folder, set_aside=[evil])
    text = page.read_text()
    assert page == folder / "report.html"
    assert text.count("<img ") == 4  # two parity plots, calibration, learning curve
    assert not re.findall(r"(?:src|href)=\"(?!data:|#)", text)
    assert "<script" not in text
    assert "&lt;b&gt;reason" in text
    for words in ("1 of 2", "Rows set aside: 1", "learning curve", trained.model_id):
        assert words in text
    assert SurrogateEnsemble.load(folder, device="cpu").model_id == trained.model_id  # the page harms no model


def test_learning_curves_are_kept_with_the_model(trained: SurrogateEnsemble, tmp_path: Path):
    loaded = SurrogateEnsemble.load(trained.save(tmp_path / "model"), device="cpu")
    curves = loaded.metrics["learning_curve"]
    assert list(curves) == ["member 0", "member 1"]
    assert all(len(curve["train"]) == len(curve["validation"]) == 3 for curve in curves.values())
    counts = loaded.provenance["n_known"]
    assert counts[str(IE)] == {"train": 20, "validation": 28, "test": 12}
