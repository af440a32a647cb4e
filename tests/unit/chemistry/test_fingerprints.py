import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from rdkit import DataStructs
from rdkit.Chem import MolFromSmiles, rdFingerprintGenerator

from heliosc.chemistry.fingerprints import PACKED_BYTES, max_similarity, morgan_fingerprints, tanimoto_matrix
from heliosc.errors import InputError

SMILES = ("c1ccsc1", "c1ccc2ccccc2c1", "c1csc(c1)-c1cccs1", "CCCCCCc1ccsc1", "c1ccc2nsnc2c1", "C")


def test_matrix_equals_rdkit() -> None:
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=2048)
    reference = [generator.GetFingerprint(MolFromSmiles(s)) for s in SMILES]
    expected = [DataStructs.BulkTanimotoSimilarity(one, reference) for one in reference]
    packed = morgan_fingerprints(SMILES)
    assert packed.shape == (len(SMILES), PACKED_BYTES)
    np.testing.assert_allclose(tanimoto_matrix(packed, packed), expected, rtol=1e-6)


def test_hand_counted_bits() -> None:
    a, b = np.zeros((1, PACKED_BYTES), np.uint8), np.zeros((1, PACKED_BYTES), np.uint8)
    a[0, 0], b[0, 0], b[0, 200] = 0b1110_0000, 0b0110_0000, 0b1000_0000  # 3 bits, 3 bits, 2 shared
    assert tanimoto_matrix(a, b)[0, 0] == pytest.approx(2 / 4)
    assert tanimoto_matrix(a * 0, b * 0)[0, 0] == 1.0


@given(arrays(np.uint8, (5, PACKED_BYTES), elements=st.integers(0, 255)), st.integers(0, 4))
@settings(deadline=None)
def test_max_similarity_is_the_row_maximum(packed: np.ndarray, n_known: int) -> None:
    expected = tanimoto_matrix(packed, packed[:n_known]).max(axis=1, initial=0)
    np.testing.assert_array_equal(max_similarity(packed, packed[:n_known]), expected)
    similarity = tanimoto_matrix(packed, packed)
    np.testing.assert_array_equal(similarity, similarity.T)
    np.testing.assert_array_equal(np.diag(similarity), 1)


def test_blocks_leave_no_seam(monkeypatch: pytest.MonkeyPatch) -> None:
    packed = morgan_fingerprints(SMILES)
    whole = tanimoto_matrix(packed, packed)
    monkeypatch.setattr("heliosc.chemistry.fingerprints._BLOCK_PAIRS", 7)
    np.testing.assert_array_equal(tanimoto_matrix(packed, packed), whole)
    np.testing.assert_array_equal(max_similarity(packed, packed[:2]), whole[:, :2].max(axis=1))


def test_empty_list_and_wrong_arrays() -> None:
    assert morgan_fingerprints([]).shape == (0, PACKED_BYTES)
    with pytest.raises(InputError, match="morgan_fingerprints"):
        tanimoto_matrix(np.zeros((2, 2048), dtype=bool), morgan_fingerprints(SMILES))
    with pytest.raises(InputError, match="cannot parse"):
        morgan_fingerprints(["c1ccsc"])
