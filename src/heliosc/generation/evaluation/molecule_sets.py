"""Figures of sets of molecules, and how far two sets are apart.

References
----------
Polykovskiy et al., Front. Pharmacol. 2020, 11, 565644, 10.3389/fphar.2020.565644 (MOSES: IntDiv, Scaf, property
distances; here on 2048-bit Morgan fingerprints of radius 2 in place of 1024-bit ones).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem
from rdkit.Chem import Crippen, Descriptors, rdMolDescriptors
from scipy.stats import wasserstein_distance

from heliosc.chemistry.alerts import alert_verdict, find_alerts
from heliosc.chemistry.fingerprints import PACKED_BYTES, PackedFingerprints, morgan_fingerprint, tanimoto_matrix
from heliosc.chemistry.identity import parse_smiles
from heliosc.chemistry.scaffolds import murcko_scaffold
from heliosc.chemistry.synthesizability import sa_score

FloatArray = NDArray[np.float64]

MIN_SCAFFOLD_RINGS = 2
"""Scaffolds with fewer rings are not counted, as in MOSES."""
_BLOCK = 512

DESCRIPTORS: dict[str, Callable[[Chem.Mol], float]] = {
    "molecular_weight": Descriptors.MolWt,  # type: ignore[attr-defined]
    "log_p": Crippen.MolLogP,  # type: ignore[attr-defined]
    "sa_score": sa_score,
    "tpsa": rdMolDescriptors.CalcTPSA,
    "rings": rdMolDescriptors.CalcNumRings,
    "heavy_atoms": rdMolDescriptors.CalcNumHeavyAtoms,
}
"""Whose distributions are compared: g/mol, Crippen's log P, SA score, A^2, counts."""


@dataclass(frozen=True)
class SetDescription:
    """What is compared of a set.

    Attributes
    ----------
    values : descriptor -> (n_molecules,)
    scaffolds : Murcko scaffold of at least two rings -> molecules that have it
    n_rejected, n_warned : molecules with an alert that rejects; with alerts that only warn
    fingerprints : (n_molecules, 256) packed
    """

    values: Mapping[str, FloatArray]
    scaffolds: Counter[str]
    n_rejected: int
    n_warned: int
    fingerprints: PackedFingerprints

    def __len__(self) -> int:
        return len(self.fingerprints)

    @classmethod
    def of(cls, smiles: Sequence[str]) -> SetDescription:
        """Describe molecules.

        Raises
        ------
        InputError : a SMILES cannot be read
        """
        molecules = [parse_smiles(text) for text in smiles]
        values = {
            name: np.array([function(molecule) for molecule in molecules], dtype=np.float64)
            for name, function in DESCRIPTORS.items()
        }
        verdicts = Counter(alert_verdict(find_alerts(molecule)) for molecule in molecules)
        fingerprints = np.array([morgan_fingerprint(molecule) for molecule in molecules], dtype=np.uint8)
        return cls(
            values,
            scaffold_counts(molecules),
            verdicts["reject"],
            verdicts["warn"],
            fingerprints.reshape(len(molecules), PACKED_BYTES),
        )


def scaffold_counts(molecules: Sequence[Chem.Mol]) -> Counter[str]:
    """Murcko scaffolds of at least ``MIN_SCAFFOLD_RINGS`` rings, how often."""
    return Counter(
        murcko_scaffold(molecule)
        for molecule in molecules
        if rdMolDescriptors.CalcNumRings(molecule) >= MIN_SCAFFOLD_RINGS
    )


def scaffold_similarity(first: Counter[str], second: Counter[str]) -> float:
    """Cosine of the two vectors of scaffold counts, 0 to 1; NaN when a set has no scaffold (MOSES 'Scaf')."""
    if not first or not second:
        return float("nan")
    shared = sum(count * second[name] for name, count in first.items())
    return shared / sqrt(sum(c**2 for c in first.values()) * sum(c**2 for c in second.values()))


def internal_diversity(fingerprints: PackedFingerprints) -> float:
    """1 - mean Tanimoto similarity over all ordered pairs, each molecule with itself included (MOSES 'IntDiv1')."""
    n = len(fingerprints)
    if not n:
        return float("nan")
    blocks = (fingerprints[start : start + _BLOCK] for start in range(0, n, _BLOCK))
    total = sum(float(tanimoto_matrix(block, fingerprints).sum(dtype=np.float64)) for block in blocks)
    return 1.0 - total / n**2


def property_distance(first: FloatArray, second: FloatArray) -> float:
    """Wasserstein-1 distance of two samples, in their unit; NaN when one has no known value.

    References
    ----------
    Vallender, Theory Probab. Appl. 1974, 18, 784, 10.1137/1118101 (area between the cumulative distributions).
    """
    a, b = first[~np.isnan(first)], second[~np.isnan(second)]
    return float(wasserstein_distance(a, b)) if len(a) and len(b) else float("nan")
