from pathlib import Path

import numpy as np
import pytest

from heliosc.campaign.learning import prediction_errors, rank_weights
from heliosc.campaign.records import (
    CandidateRecord,
    PredictedValue,
    candidate_from_json,
    read_candidates,
    read_history,
    to_json_line,
)
from heliosc.errors import ParseError

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
    assert rank_weights(10) == pytest.approx([1 / rank / harmonic for rank in range(1, 11)])
    assert np.isclose(rank_weights(7).sum(), 1)


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
