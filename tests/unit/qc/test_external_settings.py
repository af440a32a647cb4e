from __future__ import annotations

import string
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliosc.errors import InputError
from heliosc.qc.external.settings import Job, ProgramSettings, check_word
from heliosc.qc.gaussian import GaussianExecutor
from heliosc.qc.geometries import Geometry
from heliosc.qc.orca import OrcaExecutor
from heliosc.qc.psi4 import Psi4Executor

SETTINGS = ProgramSettings(method="b3lyp", basis="def2-svp")


@pytest.mark.parametrize(
    "word", ["B3LYP", "6-31+G(d,p)", "def2-TZVP", "cc-pVDZ", "scf=(xqc,maxcycle=80)", "B3LYP/G", "6-31G**"]
)
def test_words_that_programs_know_pass(word: str) -> None:
    assert check_word(word) == word


@pytest.mark.parametrize(
    "word",
    [
        "",
        "b3lyp def2",
        "b3lyp\n%chk=x",
        "$(rm)",
        "`id`",
        "a!b",
        "a;b",
        "a|b",
        'a")',
        "a'b",
        "a\\b",
        "#P",
        "%mem",
        "-x",
        "a\u00e9",
    ],
)
@pytest.mark.parametrize("field", ["method", "basis", "keywords"])
def test_words_that_could_leave_their_place_are_refused(word: str, field: str) -> None:
    with pytest.raises(InputError, match="cannot go into an input file"):
        replace(SETTINGS, **{field: (word,) if field == "keywords" else word})


@given(st.text(max_size=30))
def test_only_listed_characters_ever_pass(word: str) -> None:
    try:
        check_word(word)
    except InputError:
        return
    assert set(word) <= set(string.ascii_letters + string.digits + "+*().,=_/-")


@pytest.mark.parametrize(
    ("executor", "word"),
    [
        (OrcaExecutor, "Opt"),
        (OrcaExecutor, "MORead"),
        (OrcaExecutor, "ExtOpt"),
        (GaussianExecutor, "geom=check"),
        (GaussianExecutor, "Opt=(maxcycles=3)"),
        (GaussianExecutor, "iop(5=1)"),
        (GaussianExecutor, "external=script"),
        (Psi4Executor, "basis=sto-3g"),
    ],
)
def test_words_that_change_the_job_are_refused(executor: type, word: str) -> None:
    with pytest.raises(InputError, match="changes what is computed"):
        executor(replace(SETTINGS, keywords=(word,)))


def test_gaussian_iop_with_overlay_is_refused() -> None:
    # iop(5/13=1) lets a job go on after an SCF that did not converge
    with pytest.raises(InputError):
        GaussianExecutor(replace(SETTINGS, keywords=("iop(5/13=1)",)))


def test_psi4_option_must_have_a_value() -> None:
    with pytest.raises(InputError, match="name=value"):
        Psi4Executor(replace(SETTINGS, keywords=("scf_type",)))


@pytest.mark.parametrize("change", [{"n_cores": 0}, {"memory_mb": 100}, {"timeout_s": 0}, {"timeout_s": float("nan")}])
def test_numbers_out_of_range_are_refused(change: dict[str, float]) -> None:
    with pytest.raises(InputError, match=next(iter(change))):
        replace(SETTINGS, **change)


@pytest.mark.parametrize(("charge", "multiplicity"), [(0, 2), (1, 1), (0, 0), (10, 2), (11, 1), (0, 13)])
def test_impossible_states_are_refused(water: Geometry, charge: int, multiplicity: int) -> None:
    with pytest.raises(InputError, match="multiplicity"):
        Job(water, charge, multiplicity)


def test_geometry_is_checked(water: Geometry) -> None:
    with pytest.raises(InputError, match="finite"):
        Job(Geometry(("H", "H"), np.array([[0.0, 0.0, 0.0], [0.0, 0.0, np.nan]])), 0, 1)
    with pytest.raises(InputError, match="unknown element"):
        Job(Geometry(("H", "H\n%chk=x"), np.zeros((2, 3))), 0, 1)


def test_level_names_method_basis_and_program() -> None:
    assert OrcaExecutor().level == "b3lyp/def2-svp[orca]"
    assert GaussianExecutor().level == "b3lyp/def2-svp[gaussian]"
