import numpy as np
import pytest

from heliosc.campaign.learning import prediction_errors, rank_weights
from heliosc.campaign.records import CandidateRecord, PredictedValue, candidate_from_json, to_json_line

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


def test_a_record_survives_its_json_line() -> None:
    import json

    record = _candidate(0.1, 0.01, 0.12)
    assert candidate_from_json(json.loads(to_json_line(record))) == record
