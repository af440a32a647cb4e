"""Streamed prediction: the same numbers as ``predict``, every row accounted for, resumed after a kill."""

import csv
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from heliosc.errors import InputError, ResourceError
from heliosc.properties import PropertyKey
from heliosc.surrogates.calibration import KeyCalibration
from heliosc.surrogates.ensemble import SurrogateEnsemble
from heliosc.surrogates.metrics import gaussian_quantiles
from heliosc.surrogates.mpnn.config import MPNNConfig
from heliosc.surrogates.mpnn.network import Network
from heliosc.surrogates.outputs import HeldOut
from heliosc.surrogates.scaling import Scaling
from heliosc.surrogates.screening import Ranking, ScreeningSettings, predicting, screen, write_quarantine, write_table
from heliosc.surrogates.screening.parts import PartsFolder
from heliosc.surrogates.screening.rows import Domain

GAP = PropertyKey("homo_lumo_gap", "gfn2")
LAMBDA = PropertyKey("lambda_hole", "gfn2")
ELEMENTS = frozenset({"H", "C", "N", "O", "S", "F", "Cl"})
BAD = {5: "foo", 17: "", 40: "[Na+].[Cl-]", 41: "C[N+](C)(C)C", 42: "[U]", 43: "[CH3]", 60: "c1cccc1"}


@pytest.fixture(scope="module")
def ensemble(table):
    import torch

    torch.manual_seed(5)
    config = MPNNConfig(n_members=2, hidden=16, head_hidden=16, use_descriptors=False, device="cpu")
    networks = tuple(Network(config, n_keys=2, n_descriptors=0).eval() for _ in range(2))
    for network in networks:
        network.load_state_dict({name: value.half().float() for name, value in network.state_dict().items()})
    return SurrogateEnsemble(
        keys=(GAP, LAMBDA),
        config=config,
        networks=networks,
        scaling=Scaling(np.array([3.0, 0.2]), np.array([0.5, 0.1]), np.zeros(0), np.zeros(0)),
        calibrations=(KeyCalibration(0.0, 1.0, 1.0, 0.0, tuple(gaussian_quantiles())),) * 2,
        landmarks=None,
        held_out=HeldOut(table.rows([0]), table.rows([1])),
        split={"train": [2], "validation": [0], "test": [1]},
        metrics={},
        provenance={"fine_tuned": 0},
        device=torch.device("cpu"),
    )


@pytest.fixture(scope="module")
def model(ensemble, tmp_path_factory):
    return ensemble.save(tmp_path_factory.mktemp("model") / "surrogate")


@pytest.fixture(scope="module")
def rows(make_library):
    smiles = [text for text in make_library(100) if set(text) <= set("CNOSFlcnos123()=#[H]")]
    for position, text in BAD.items():
        smiles[position] = text
    return [(position + 2, text) for position, text in enumerate(smiles)]


@pytest.fixture
def settings(model):
    return ScreeningSettings(model=model, chunk_size=16, domain=Domain(ELEMENTS))


def summary_table(summary):
    return pa.concat_tables(summary.tables())


def test_predictions_are_those_of_predict_and_every_row_is_accounted_for(ensemble, rows, settings, tmp_path):
    summary = screen(rows, settings=settings, parts=tmp_path / "parts")
    table = summary_table(summary)
    refused = list(summary.refusals())
    assert {refusal.row for refusal in refused} == {position + 2 for position in BAD}
    assert [refusal.row for refusal in refused] == sorted(refusal.row for refusal in refused)
    assert summary.n_rows == len(rows) == summary.n_predicted + summary.n_refused
    assert summary.n_predicted == table.num_rows
    assert sorted(table["row"].to_pylist() + [refusal.row for refusal in refused]) == [row for row, _ in rows]
    good = [text for row, text in rows if row - 2 not in BAD]
    assert table["smiles"].to_pylist() == good
    expected = ensemble.predict(good)
    for column, key in enumerate((GAP, LAMBDA)):
        np.testing.assert_allclose(table[f"{key} mean"], expected.mean[:, column], rtol=0, atol=1e-5)
        np.testing.assert_allclose(table[f"{key} std"], expected.std[:, column], rtol=0, atol=1e-5)


def test_reasons_name_what_is_wrong(rows, settings, tmp_path):
    reasons = {r.row - 2: r.reason for r in screen(rows, settings=settings, parts=tmp_path / "parts").refusals()}
    for position, word in {5: "parse", 17: "empty", 40: "fragments", 41: "charge +1", 42: "U", 43: "radical"}.items():
        assert word in reasons[position]


def test_without_a_domain_everything_readable_is_predicted(rows, model, tmp_path):
    summary = screen(rows, settings=ScreeningSettings(model=model, chunk_size=50), parts=tmp_path / "parts")
    assert {refusal.row - 2 for refusal in summary.refusals()} == {5, 17, 60}


class Killed(BaseException):
    """Stands for SIGKILL: nothing after it runs but the interpreter's own clearing up."""


def test_a_killed_screening_goes_on_and_ends_the_same(rows, settings, tmp_path, monkeypatch):
    expected = screen(rows, settings=settings, parts=tmp_path / "whole")
    done = []

    def dies_at_the_third(progress):
        done.append(progress.n_done)
        if len(done) == 3:
            raise Killed

    with pytest.raises(Killed):
        screen(rows, settings=settings, parts=tmp_path / "parts", progress=dies_at_the_third)
    predicted = []
    original = predicting.predict_rows
    monkeypatch.setattr(
        predicting, "predict_rows", lambda e, chunk, **k: predicted.append(chunk) or original(e, chunk, **k)
    )
    summary = screen(rows, settings=settings, parts=tmp_path / "parts")
    assert summary.n_resumed == 48
    assert predicted[0].numbers[0] == rows[48][0]  # nothing twice
    assert summary_table(summary).equals(summary_table(expected))
    assert list(summary.refusals()) == list(expected.refusals())


def test_another_input_model_or_setting_is_refused_until_fresh(rows, settings, tmp_path):
    parts = tmp_path / "parts"
    screen(rows[:40], settings=settings, parts=parts)
    changed = [*rows[:3], (5, "CCCC"), *rows[4:40]]
    for other in (changed, rows, rows[:30]):
        with pytest.raises(InputError, match=r"rows 2 to 17 of the input have changed|rows 34 to|rows 18 to"):
            screen(other, settings=settings, parts=parts)
    with pytest.raises(InputError, match="input has become shorter"):
        screen(rows[:32], settings=settings, parts=parts)
    half = ScreeningSettings(model=settings.model, chunk_size=16, domain=settings.domain, precision="bf16")
    with pytest.raises(InputError, match=r"precision was f32, is bf16.*--fresh"):
        screen(rows[:40], settings=half, parts=parts)
    assert screen(changed, settings=half, parts=parts, fresh=True).n_rows == 40


def test_the_same_weights_with_another_calibration_are_another_model(ensemble, rows, tmp_path):
    model, parts = tmp_path / "model", tmp_path / "parts"
    settings = ScreeningSettings(model=ensemble.save(model), chunk_size=16, domain=Domain(ELEMENTS))
    screen(rows[:32], settings=settings, parts=parts)
    doubled = tuple(replace(calibration, aleatoric=4.0, epistemic=4.0) for calibration in ensemble.calibrations)
    replace(ensemble, calibrations=doubled).save(model)
    with pytest.raises(InputError, match=r"model was .*--fresh"):
        screen(rows[:32], settings=settings, parts=parts)


def test_a_torn_part_is_made_again(rows, settings, tmp_path):
    summary = screen(rows[:32], settings=settings, parts=tmp_path / "parts")
    expected = summary_table(summary)
    path = summary.parts.path(1)
    path.write_bytes(path.read_bytes()[:100])
    again = screen(rows[:32], settings=settings, parts=tmp_path / "parts")
    assert again.n_resumed == 16
    assert summary_table(again).equals(expected)


def test_a_folder_in_use_is_refused(rows, settings, tmp_path):
    folder = PartsFolder(tmp_path / "parts")
    with (
        folder.opened(settings.identity("x"), fresh=False),
        pytest.raises(ResourceError, match="another process is writing"),
    ):
        screen(rows, settings=settings, parts=tmp_path / "parts")


@pytest.mark.parametrize("goal", ["min", "max", "0.2"])
def test_the_best_are_those_of_the_whole_and_ties_go_to_the_first(rows, settings, tmp_path, goal):
    doubled = [(number, text) for number, (_, text) in enumerate(rows + rows, start=1)]  # every molecule twice
    ranked = ScreeningSettings(
        model=settings.model,
        chunk_size=len(rows),  # equal chunks, so that equal molecules have equal numbers to the last bit
        domain=settings.domain,
        ranking=Ranking.parse(f"{LAMBDA}={goal}", n_best=21),
    )
    whole = ScreeningSettings(model=settings.model, chunk_size=len(rows), domain=settings.domain)
    everything = summary_table(screen(doubled, settings=whole, parts=tmp_path / "equal"))
    values = everything[f"{LAMBDA} mean"].to_numpy().astype(float)
    scores = {"min": values, "max": -values, "0.2": abs(values - 0.2)}[goal]
    expected = everything["row"].to_numpy()[np.lexsort([everything["row"].to_numpy(), scores])][:21]
    summary = screen(doubled, settings=ranked, parts=tmp_path / "best")
    assert summary.n_predicted + summary.n_refused == len(doubled)
    (best,) = summary.tables()
    assert best["row"].to_pylist() == expected.tolist()


@pytest.mark.parametrize("text", ["lambda_hole@gfn2", "lambda_hole=min", "lambda_hole@gfn2=low", "=min", "x@gfn2=nan"])
def test_unclear_rankings_are_refused(text):
    with pytest.raises(InputError):
        Ranking.parse(text, n_best=3)


def test_a_property_the_model_does_not_predict_is_refused(rows, model, tmp_path):
    settings = ScreeningSettings(model=model, ranking=Ranking.parse("dipole_moment@gfn2=max", n_best=2))
    with pytest.raises(InputError, match="does not predict dipole_moment@gfn2; it predicts homo_lumo_gap@gfn2"):
        screen(rows, settings=settings, parts=tmp_path / "parts")


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_results_are_one_file(rows, settings, tmp_path, suffix):
    summary = screen(rows, settings=settings, parts=tmp_path / "parts")
    out, quarantine = tmp_path / f"out.{suffix}", tmp_path / "out.quarantine.csv"
    write_table(summary.tables(), out)
    write_quarantine(summary.refusals(), quarantine)
    expected = summary_table(summary)
    if suffix == "parquet":
        assert parquet.read_table(out).equals(expected)
    else:
        with out.open() as stream:
            lines = list(csv.DictReader(stream))
        assert [line["smiles"] for line in lines] == expected["smiles"].to_pylist()
        found = [float(line[f"{GAP} mean"]) for line in lines]
        np.testing.assert_allclose(found, expected[f"{GAP} mean"], rtol=0, atol=6e-6)
    with quarantine.open() as stream:
        assert [int(line["row"]) for line in csv.DictReader(stream)] == sorted(position + 2 for position in BAD)
    write_quarantine([], quarantine)
    assert not quarantine.exists()
    summary.parts.remove()
    assert not (tmp_path / "parts").exists()


@pytest.mark.slow
def test_workers_give_what_one_process_gives(rows, settings, tmp_path):
    expected = screen(rows, settings=settings, parts=tmp_path / "one")
    several = ScreeningSettings(model=settings.model, chunk_size=16, domain=settings.domain, n_workers=2)
    found = screen(rows, settings=several, parts=tmp_path / "two")
    assert summary_table(found).equals(summary_table(expected))
    assert list(found.refusals()) == list(expected.refusals())


def test_an_element_of_the_models_own_data_is_predicted(ensemble, table, tmp_path):
    held_out = HeldOut(replace(table.rows([0]), smiles=("Ic1ccccc1",)), table.rows([1]))
    model = replace(ensemble, held_out=held_out).save(tmp_path / "model")
    rows = [(2, "Ic1ccsc1"), (3, "[GeH4]")]
    summary = screen(rows, settings=ScreeningSettings(model=model, domain=Domain(ELEMENTS)), parts=tmp_path / "parts")
    assert summary_table(summary)["row"].to_pylist() == [2]
    assert [refusal.reason for refusal in summary.refusals()] == ["has Ge, which the models never saw"]
