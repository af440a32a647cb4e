"""The doping roles on materials whose behaviour is known, by the embedded library's gas-phase values.

``make bench-promotion`` does the same for every role, with measured levels too.
"""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from heliosc.chemistry.identity import parse_smiles
from heliosc.datasets.library.load import load_library
from heliosc.handoff.promotion.criteria import WindowCriterion, load_criteria
from heliosc.handoff.promotion.evidence import evidence_of, molecule_kinds
from heliosc.handoff.promotion.ledger import Verdict
from heliosc.handoff.promotion.windows import window_entry
from heliosc.properties import PropertyKey

KNOWN = Path(__file__).parents[3] / "benchmarks" / "data" / "known_materials.csv"
KEYS = [
    PropertyKey("vertical_ionization_energy", "ipea1//gfn2"),
    PropertyKey("vertical_electron_affinity", "gfn2"),
]
AT_LEAST = 0.8


def _groups() -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    with KNOWN.open() as stream:
        for row in csv.DictReader(stream):
            assert "10." in row["source"], f"{row['name']} has no DOI"
            groups.setdefault(row["group"], []).append(row["name"])
    return groups


@pytest.fixture(scope="module")
def verdicts() -> dict[str, dict[str, Verdict]]:
    """Role -> name -> verdict of the role's first criterion."""
    library, criteria = load_library(), load_criteria()
    names = [name for group in _groups().values() for name in group]
    values = library.reference_values(KEYS, names=names)
    smiles = {molecule.name: molecule.smiles for molecule in library.labelled_molecules()}
    found: dict[str, dict[str, Verdict]] = {}
    for role in ("p_dopable", "n_dopable"):
        gate = criteria.role(role).criteria[0]
        assert isinstance(gate, WindowCriterion)
        found[role] = {
            name: window_entry(
                gate, evidence_of(row), criteria=criteria, kinds=molecule_kinds(parse_smiles(smiles[name]))
            ).verdict
            for name, row in values.items()
        }
    return found


@pytest.mark.parametrize(
    ("role", "good", "poor"),
    [
        ("p_dopable", ("hole",), ("wide gap", "electron", "strong acceptor")),
        ("n_dopable", ("electron",), ("hole", "wide gap")),
    ],
)
def test_known_materials_fall_on_their_side(
    verdicts: dict[str, dict[str, Verdict]], role: str, good: tuple[str, ...], poor: tuple[str, ...]
) -> None:
    groups = _groups()
    sides = {side: [verdicts[role][name] for g in names for name in groups[g]] for side, names in
             (("good", good), ("poor", poor))}  # fmt: skip
    assert sum(v is Verdict.PASS for v in sides["good"]) >= AT_LEAST * len(sides["good"])
    assert sum(v is not Verdict.PASS for v in sides["poor"]) >= AT_LEAST * len(sides["poor"])


@pytest.mark.parametrize("name", ["PC61BM", "NDI-H", "NDI-Me", "fullerene C60"])
def test_fullerenes_and_diimides_are_n_dopable(verdicts: dict[str, dict[str, Verdict]], name: str) -> None:
    assert verdicts["n_dopable"][name] is Verdict.PASS
