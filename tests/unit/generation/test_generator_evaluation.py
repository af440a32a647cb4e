"""Figures of generated sets by hand, and the whole table of a toy model, of the genetic generator and of stand-ins."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from rdkit import Chem

from heliosc.chemistry.fingerprints import morgan_fingerprints, tanimoto_matrix
from heliosc.generation import GeneticGenerator
from heliosc.generation.evaluation.molecule_sets import (
    SetDescription,
    internal_diversity,
    property_distance,
    scaffold_counts,
    scaffold_similarity,
)
from heliosc.generation.evaluation.reconstruction import count_active_units, share_exact_sampled
from heliosc.generation.evaluation.report import evaluate
from heliosc.generation.evaluation.stereo import StereoFigures, stereo_figures
from heliosc.generation.protocol import Autoencoder
from heliosc.properties import PropertyKey, PropertyTable

GAP = PropertyKey("homo_lumo_gap", "gfn2")
RINGS = ("c1ccccc1", "c1ccsc1", "c1ccncc1", "c1ccoc1")


@dataclass(frozen=True)
class Made:
    """A sample of the stand-in."""

    smiles: str | None
    is_saturated: bool = False


class Lookup:
    """An autoencoder whose latent vector is [number of the molecule, 0]; odd ones decode to benzene."""

    keys = (GAP,)

    def generate(self, n: int, *, seed: int, conditions=None, temperature: float = 1.0) -> list[str]:
        return [made.smiles for made in self.sample(n, seed=seed) if made.smiles]

    def sample(self, n: int, *, seed: int) -> list[Made]:
        return [Made("c1ccncc1", True), Made("c1ccncc1"), Made("OCC"), Made(None)][:n]

    def neighbours(self, smiles: Sequence[str], n: int, *, seed: int, temperature: float = 0.0) -> list[str]:
        return list(smiles)[:n]

    def covers(self, smiles: Sequence[str]) -> list[bool]:
        return [text in RINGS for text in smiles]

    def fine_tune(self, smiles: Sequence[str], **_) -> None:
        return None

    def encode(self, smiles: Sequence[str]) -> np.ndarray:
        return np.array([[float(RINGS.index(text)), 0.0] for text in smiles])

    def encode_draws(self, smiles: Sequence[str], n_draws: int, *, seed: int) -> np.ndarray:
        return np.repeat(self.encode(smiles)[:, None], n_draws, axis=1)

    def decode(self, z: np.ndarray, *, seed: int = 0, temperature: float = 0.0) -> list[str | None]:
        return [RINGS[int(row[0])] if row[0] % 2 == 0 else "c1ccccc1" for row in z]

    def predict_properties(self, smiles: Sequence[str]) -> np.ndarray:
        return np.full((len(smiles), 1), 2.0)


def test_internal_diversity_counts_each_pair_and_itself() -> None:
    same = morgan_fingerprints(["c1ccsc1", "c1ccsc1"])
    assert internal_diversity(same) == pytest.approx(0.0)
    pair = morgan_fingerprints(["c1ccsc1", "CCCC"])
    similarity = float(tanimoto_matrix(pair[:1], pair[1:])[0, 0])
    assert internal_diversity(pair) == pytest.approx(1 - (2 + 2 * similarity) / 4)
    many = morgan_fingerprints([f"{'C' * n}c1ccsc1" for n in range(700)][:1] * 700)
    assert internal_diversity(many) == pytest.approx(0.0)
    assert np.isnan(internal_diversity(morgan_fingerprints([])))


def test_scaffold_cosine_by_hand() -> None:
    """(3, 1) against (2, 2, 1): 8 / sqrt(10 * 9)."""
    first = Counter({"a": 3, "b": 1})
    second = Counter({"a": 2, "b": 2, "c": 1})
    assert scaffold_similarity(first, second) == pytest.approx(8 / np.sqrt(90))
    assert scaffold_similarity(first, first) == pytest.approx(1.0)
    assert scaffold_similarity(first, Counter({"c": 1})) == 0.0
    assert np.isnan(scaffold_similarity(first, Counter()))


def test_scaffolds_have_two_rings_and_no_side_chain() -> None:
    smiles = ["Cc1ccccc1", "Cc1ccc(-c2cccs2)cc1", "c1ccc(-c2cccs2)cc1", "CCC"]
    assert scaffold_counts([Chem.MolFromSmiles(text) for text in smiles]) == {"c1ccc(-c2cccs2)cc1": 2}


def test_property_distance_by_hand() -> None:
    """Equal sets shifted by 2.5; unknown values are left out, not zero."""
    values = np.array([1.0, 4.0, np.nan])
    assert property_distance(values, np.array([3.5, 6.5])) == pytest.approx(2.5)
    assert np.isnan(property_distance(np.array([np.nan]), values))


def test_descriptors_of_thiophene_and_nitrobenzene_pair() -> None:
    found = SetDescription.of(["c1ccsc1", "O=[N+]([O-])c1ccccc1[N+](=O)[O-]"])
    np.testing.assert_allclose(found.values["molecular_weight"], [84.14, 168.11], atol=0.01)
    np.testing.assert_allclose(found.values["rings"], [1, 1])
    np.testing.assert_allclose(found.values["heavy_atoms"], [5, 12])
    assert (found.n_rejected, found.n_warned) == (1, 0)


def test_active_units_vary_by_more_than_a_hundredth() -> None:
    means = np.array([[0.0, 0.0, 0.0], [0.0, 0.19, 0.3]])  # variances 0, 0.009, 0.0225
    assert count_active_units(means) == 1


def test_the_stand_in_by_hand() -> None:
    """Held out: four rings and an ion it lacks; the even ones of the first three come back."""
    properties = PropertyTable(("c1ccccc1", "c1ccsc1", "OCC"), (GAP,), np.array([[1.0], [4.0], [3.0]]))
    held_out = [*RINGS[:3], "C[n+]1ccccc1"]
    found = evaluate(
        Lookup(),
        held_out,
        training=["OCC", "c1ccoc1"],
        properties=properties,
        n_samples=4,
        n_sampled_reconstructions=3,
        seed=0,
    )
    assert (found.n_held_out, found.n_unknown_words, found.in_vocabulary) == (4, 1, 0.75)
    assert found.reconstruction == pytest.approx(2 / 4)
    assert found.reconstruction_known_words == pytest.approx(2 / 3)
    assert (found.n_reconstructed_by_sampling, found.reconstruction_by_sampling) == (3, pytest.approx(2 / 3))
    assert (found.validity, found.uniqueness, found.novelty) == (0.75, pytest.approx(2 / 3), 0.0)
    assert found.saturated == 0.25
    assert found.property_mae == {str(GAP): pytest.approx(1.5)}  # |2 - 1|, |2 - 4|
    assert found.property_distances[str(GAP)].distance == pytest.approx(1.0)  # 2 against ethanol's 3
    assert (found.n_active_units, found.n_latent) == (0, 2)  # furan alone of the training molecules is covered
    assert np.isnan(found.scaffold_similarity)
    assert share_exact_sampled(Lookup(), [], seed=0) != 0.0


def test_stereo_is_reported_apart_from_reconstruction() -> None:
    """Two marked rings and a plain one: the even one comes back, the odd one does not; both are enumerated."""

    class Marked(Lookup):
        kinds = ("FC=Cc1ccccc1", "CC(F)c1ccsc1", "c1ccncc1")

        def covers(self, smiles: Sequence[str]) -> list[bool]:
            return [Chem.CanonSmiles(text, useChiral=False) in self.kinds for text in smiles]

        def encode(self, smiles: Sequence[str]) -> np.ndarray:
            return np.array([[float(self.kinds.index(Chem.CanonSmiles(text, 0)))] for text in smiles])

        def decode(self, z: np.ndarray, *, seed: int = 0, temperature: float = 0.0) -> list[str | None]:
            return [self.kinds[int(row[0])] if row[0] % 2 == 0 else None for row in z]

        def predict_properties(self, smiles: Sequence[str]) -> np.ndarray:
            return np.zeros((len(smiles), 1))

    held_out = ["F/C=C/c1ccccc1", "C[C@H](F)c1ccsc1", "c1ccncc1"]
    found = evaluate(Marked(), held_out, training=["OCC"], properties=None, n_samples=0, seed=0)
    assert found.reconstruction == pytest.approx(2 / 3)
    assert (found.n_with_stereo, found.stereo_enumerated, found.stereo_reconstructed) == (2, 1.0, 0.5)


def test_a_molecule_that_leaves_marks_open_may_come_out_either_way() -> None:
    """One of three centres is set; a mark beyond the limit of combinations counts as missed."""
    assert stereo_figures(["C[C@H](F)C(Cl)C=CBr"], {}) == StereoFigures(1, 1, 0)
    assert stereo_figures(["c1ccsc1", "FC(Cl)Br"], {}) == StereoFigures(0, 0, 0)


def test_the_genetic_generator_has_no_reconstruction() -> None:
    smiles = ["c1ccc2c(c1)[nH]c1ccccc12", "c1csc(-c2cccs2)c1", "c1ccc(N(c2ccccc2)c2ccccc2)cc1"]
    model = GeneticGenerator.of(smiles)
    assert not isinstance(model, Autoencoder)
    found = evaluate(model, ["C[n+]1ccccc1", "CCCCCCCCc1ccsc1"], training=smiles, properties=None, n_samples=20, seed=0)
    document = found.to_document()
    for name in (
        "reconstruction",
        "reconstruction_by_sampling",
        "stereo_reconstructed",
        "saturated",
        "n_active_units",
        "n_latent",
    ):
        assert document[name] is None, name
    assert document["in_vocabulary"] == 0.5
    assert document["validity"] == document["uniqueness"] == document["novelty"] == 1.0
    assert document["alert_rate"] == 0.0
    assert set(document["property_distances"]) == {
        "molecular_weight", "log_p", "sa_score", "tpsa", "rings", "heavy_atoms",
    }  # fmt: skip
    assert document["property_mae"] == {}


def test_nothing_sampled_is_missing_not_zero() -> None:
    found = evaluate(Lookup(), [], training=["c1ccccc1"], properties=None, n_samples=0, seed=0).to_document()
    for name in ("reconstruction", "validity", "uniqueness", "novelty", "sa_score", "alert_rate", "internal_diversity"):
        assert found[name] is None, name
