"""Hansen distance to processing solvents as a hard constraint."""

import pytest

from heliosc.chemistry.hansen import hansen_parameters
from heliosc.chemistry.identity import parse_smiles
from heliosc.config import load_config
from heliosc.errors import InputError, UsageError
from heliosc.selection.constraints import Constraints, apply_constraints
from heliosc.selection.solubility import nearest_solvent

TOLUENE = hansen_parameters(parse_smiles("Cc1ccccc1"))
HEXYL, BARE = "CCCCCCc1ccc(-c2ccc(CCCCCC)s2)s1", "c1cc2cc3sccc3cc2s1"
BORON = "c1ccc2c(c1)B(O)c1ccccc1-2"


def test_the_nearest_solvent_by_hand() -> None:
    # toluene 18.0/1.4/2.0 and o-xylene 17.8/1.0/3.1: Ra^2 = 4 * 0.2^2 + 0.4^2 + 1.1^2
    name, distance = nearest_solvent(TOLUENE, ["chloroform", "o-xylene"])
    assert name == "o-xylene"
    assert distance == pytest.approx((4 * 0.2**2 + 0.4**2 + 1.1**2) ** 0.5)
    assert nearest_solvent(TOLUENE, ["Toluene"])[1] == 0.0


def _sorted(limit: float) -> dict[str, str]:
    report = apply_constraints([HEXYL, BARE], Constraints(solvents=("chloroform",), max_solubility_distance=limit))
    return {item.smiles: "kept" for item in report.kept} | {item.smiles: item.constraint for item in report.rejected}


def test_the_distance_parts_what_dissolves_from_what_does_not() -> None:
    distances = {
        smiles: nearest_solvent(hansen_parameters(parse_smiles(smiles)), ["chloroform"])[1] for smiles in (HEXYL, BARE)
    }
    assert distances[HEXYL] < distances[BARE]  # side chains are there for that
    between = sum(distances.values()) / 2
    assert _sorted(between) == {HEXYL: "kept", BARE: "solubility"}
    assert _sorted(distances[BARE] + 0.1) == {HEXYL: "kept", BARE: "kept"}


def test_what_cannot_be_evaluated_is_kept_with_a_note() -> None:
    kept = apply_constraints([BORON], Constraints(solvents=("chloroform",), max_solubility_distance=0.1)).kept
    assert kept[0].notes == ("solubility not evaluated: no polar increment for B(0); give the dipole moment",)
    assert apply_constraints([BORON]).kept[0].notes == ()  # nobody asked


def test_solvents_that_are_none_are_refused() -> None:
    with pytest.raises(InputError, match="'wine' is neither a SMILES nor one of"):
        apply_constraints([HEXYL], Constraints(solvents=("wine",), max_solubility_distance=5.0))
    for settings in (["selection.solvents=[chloroform]"], ["selection.max_solubility_distance=5"]):
        with pytest.raises(UsageError, match="go together"):
            load_config(None, settings)
