from pathlib import Path

import numpy as np
import pytest

from heliosc.campaign.learning import fine_tune_generator, fine_tune_surrogate, prediction_errors, rank_weights
from heliosc.campaign.records import (
    CandidateRecord,
    PredictedValue,
    candidate_from_json,
    read_candidates,
    read_history,
    to_json_line,
)
from heliosc.config import load_config
from heliosc.errors import ParseError
from heliosc.properties import PropertyKey, PropertyTable

KEY = "lambda_hole@gfn2"


def _candidate(mean: float, std: float, computed: float | None) -> CandidateRecord:
    values = {} if computed is None else {KEY: computed}
    predicted = {KEY: PredictedValue(mean, 0.0, std)}
    return CandidateRecord("x", "C", "K", "donor", 0, "jtvae", 1.0, "because", predicted, 2.0, 2.0, computed=values)


def test_errors_of_fresh_predictions_by_hand() -> None:
    records = [_candidate(0.10, 0.01, 0.11), _candidate(0.20, 0.01, 0.17), _candidate(0.3, 0.1, None)]
    errors = prediction_errors(records)[KEY]
    assert errors["mae"] == pytest.approx(0.02)  # 0.01 and 0.03
    assert errors["coverage95"] == pytest.approx(0.5)  # 0.01 < 1.96 * 0.01 < 0.03
    assert errors["n"] == 2


def test_rank_weights_by_hand() -> None:
    # k = 0.1, n = 10: 1 / (1 + rank) before normalisation
    harmonic = sum(1 / rank for rank in range(1, 11))
    assert rank_weights(10, k=0.1) == pytest.approx([1 / rank / harmonic for rank in range(1, 11)])
    assert np.isclose(rank_weights(7, k=1e-3).sum(), 1)


class Refreshed:
    """Stands in for a generator and remembers what was asked of it."""

    def __init__(self) -> None:
        self.asked: list[dict] = []
        self.saved: list[Path] = []

    def fine_tune(self, smiles, **settings) -> None:
        self.asked.append(settings)

    def save(self, folder: Path) -> None:
        self.saved.append(folder)


def test_the_generator_is_refreshed_when_its_rounds_have_passed(tmp_path: Path) -> None:
    overrides = ("refresh_every=2", "fine_tune_epochs=3", "fine_tune_learning_rate=1e-4", "rank_constant=0.5")
    config = load_config(overrides=[f"generator.{text}" for text in overrides])
    library = PropertyTable(("CCO", "c1ccsc1"), (PropertyKey.parse(KEY),), np.array([[0.1], [0.2]]))
    computed = library.rows(np.zeros(0, dtype=np.intp))
    generator = Refreshed()
    for index in range(4):
        folder = tmp_path / str(index)
        fine_tune_generator(
            generator, ["c1ccsc1", "CCO"], computed, library, config=config, index=index, seed=index, folder=folder
        )
    assert len(generator.saved) == 4
    assert [asked["seed"] for asked in generator.asked] == [1, 3]
    for asked in generator.asked:
        assert (asked["epochs"], asked["lr"]) == (3, 1e-4)
        assert asked["weights"] == pytest.approx([2 / 3, 1 / 3])  # 1 / (0.5 * 2 + rank)


class Learning:
    """Stands in for a surrogate and remembers how it was taught."""

    keys = (PropertyKey.parse(KEY),)

    def __init__(self) -> None:
        self.taught: list[str] = []

    def fine_tune(self, table, **_) -> "Learning":
        self.taught.append("warm")
        return self

    def refit(self, table, **_) -> "Learning":
        self.taught.append("anew")
        return self

    def save(self, folder: Path) -> None:
        self.taught.append("saved")


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("refit_every=0", ["warm", "saved", "warm", "saved"]),
        ("refit_every=2", ["warm", "saved", "anew", "saved"]),
        ("fine_tune_epochs=0", ["saved", "saved"]),
    ],
)
def test_the_surrogate_goes_on_or_begins_anew(tmp_path: Path, override: str, expected: list[str]) -> None:
    config = load_config(overrides=[f"surrogate.{override}"])
    library = PropertyTable(("CCO", "c1ccsc1"), (PropertyKey.parse(KEY),), np.array([[0.1], [0.2]]))
    surrogate = Learning()
    for index in range(2):
        fine_tune_surrogate(surrogate, library, library, config=config, index=index, seed=0, folder=tmp_path)
    assert surrogate.taught == expected


@pytest.mark.parametrize("line", [b'{"id": "x"}', b"null", b"{", b"\xff\xfe", b"[1]"])
def test_a_damaged_record_is_named_by_file_and_line(tmp_path: Path, line: bytes) -> None:
    folder = tmp_path / "rounds" / "000"
    folder.mkdir(parents=True)
    good = to_json_line(_candidate(0.1, 0.01, None)).encode()
    (folder / "candidates.jsonl").write_bytes(good + b"\n" + line + b"\n")
    (tmp_path / "history.jsonl").write_bytes(line + b"\n")
    with pytest.raises(ParseError, match=r"candidates\.jsonl, line 2"):
        read_candidates(tmp_path)
    with pytest.raises(ParseError, match=r"history\.jsonl, line 1"):
        read_history(tmp_path)


def test_a_record_survives_its_json_line() -> None:
    import json

    record = _candidate(0.1, 0.01, 0.12)
    assert candidate_from_json(json.loads(to_json_line(record))) == record
