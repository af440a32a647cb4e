"""Hostile keywords, titles and paths: nothing of them reaches a shell, another file or another line of an input."""

from __future__ import annotations

import os
import re
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliosc.errors import HelioscError, InputError
from heliosc.qc.external.settings import Job, ProgramSettings
from heliosc.qc.gaussian import GaussianExecutor
from heliosc.qc.geometries import Geometry
from heliosc.qc.logs.folder import read_folder
from heliosc.qc.orca import OrcaExecutor
from heliosc.qc.psi4 import Psi4Executor
from heliosc.qc.tasks import workflow_identity
from heliosc.qc.xtb.program import XtbExecutor

FAKE = Path(__file__).parents[2] / "data" / "fake_programs" / "fake_orca.py"
EXECUTORS = (OrcaExecutor, GaussianExecutor, Psi4Executor)
HOSTILE = (
    "../../etc/passwd",
    "a\nb",
    "a\r\n%chk=/etc/x",
    "%method ProgExt",
    "$(touch hacked)",
    "`touch hacked`",
    "!opt",
    "a;touch hacked",
    'a")\nimport os',
    "{evil}",
    "x'y",
    "a b",
    "\x00",
    "\u2028%mem=1",
)
FIELDS = ("method", "basis", "solvent", "solvation", "dispersion", "guess")


@pytest.mark.parametrize("word", HOSTILE)
@pytest.mark.parametrize("field", [*FIELDS, "keywords"])
def test_no_field_takes_a_hostile_word(field: str, word: str) -> None:
    with pytest.raises(InputError):
        ProgramSettings(
            **({"method": "b3lyp", "basis": "def2-svp"} | {field: (word,) if field == "keywords" else word})
        )


@given(
    words=st.lists(st.text(max_size=12), max_size=3),
    method=st.one_of(st.just("b3lyp"), st.text(max_size=12)),
    basis=st.one_of(st.just("def2-svp"), st.text(max_size=12)),
)
def test_whatever_is_accepted_stays_one_word_in_its_place(words: list[str], method: str, basis: str) -> None:
    hydrogen = Geometry.from_xyz("2\n\nH 0 0 0\nH 0 0 0.74\n")
    for executor in EXECUTORS:
        plain = executor(executor.default_settings).build_input(Job(hydrogen, 0, 1))
        with suppress(InputError):
            settings = replace(executor.default_settings, method=method, basis=basis, keywords=tuple(words))
            text = executor(settings).build_input(Job(hydrogen, 0, 1))
            own_lines = 0 if executor is OrcaExecutor else len(words)  # ORCA: one line; the others: a line a word
            assert text.count("\n") == plain.count("\n") + own_lines
            for mark in "%$!#'\";`":
                assert text.count(mark) == plain.count(mark)


@pytest.mark.parametrize(
    ("executor", "keyword"),
    [
        *((OrcaExecutor, word) for word in ("ExtOpt", "extopt", "MORead", "XYZFile", "SMD=(x)")),
        *((GaussianExecutor, word) for word in ("geom=check", "guess=read", "external=x", "scrf=(read)", "iop(1=3)")),
        *((Psi4Executor, word) for word in ("basis=sto-3g", "reference=rohf", "ExtOpt", "writer_file_label=x")),
        *((Psi4Executor, word) for word in ("scf__basis=sto-3g", "guess=read", "a=../x", "a=/tmp/x", "pcm=true")),
        *((OrcaExecutor, word) for word in ("PAL8", "pal", "Compound", "ReadHess", "NoIter", "DryRun")),
        *((GaussianExecutor, word) for word in ("gen", "chkbasis", "Output=wfn", "pseudo=read", "density=(check)")),
        *((GaussianExecutor, word) for word in ("Charge", "Field=Read", "restart", "punch=all", "ExtraBasis")),
    ],
)  # fmt: skip
def test_words_that_would_read_or_start_something_else_are_reserved(executor: type, keyword: str) -> None:
    with pytest.raises(InputError):
        executor(replace(executor.default_settings, keywords=(keyword,)))


@pytest.mark.parametrize(
    ("executor", "keyword"),
    [
        *((OrcaExecutor, word) for word in ("D3BJ", "d4", "NL", "PBE0", "ZORA", "DKH2", "gCP(DFT/SVP)", "RI-MP2")),
        *((GaussianExecutor, word) for word in ("units=bohr", "int=dkh", "integral=(dkh2)", "tda=(nstates=3)")),
        *((Psi4Executor, word) for word in ("fail_on_maxiter=false", "relativistic=x2c", "dft_omega=0.1", "puream=0")),
        *((Psi4Executor, word) for word in ("d_convergence=1", "E_Convergence=1e-3", "e_convergence=nan")),
    ],
)  # fmt: skip
def test_words_that_would_make_the_level_a_lie_are_refused(executor: type, keyword: str) -> None:
    with pytest.raises(InputError):
        executor(replace(executor.default_settings, keywords=(keyword,)))


@pytest.mark.parametrize(
    ("executor", "keyword"),
    [(OrcaExecutor, "TightSCF"), (OrcaExecutor, "RIJCOSX"), (OrcaExecutor, "def2/J"), (GaussianExecutor, "int=fine")]
    + [(Psi4Executor, word) for word in ("scf_type=df", "d_convergence=8", "e_convergence=1e-9")],
)
def test_words_that_only_tell_how_are_taken(executor: type, keyword: str) -> None:
    executor(replace(executor.default_settings, keywords=(keyword,)))


@pytest.mark.parametrize("basis", ["gen", "GenECP", "chkbasis"])
def test_gaussian_basis_is_not_read_from_elsewhere(basis: str) -> None:
    with pytest.raises(InputError):
        GaussianExecutor(ProgramSettings("b3lyp", basis))


def test_links_and_pipes_in_a_parsed_folder_lead_nowhere(tmp_path: Path) -> None:
    (tmp_path / "pipe.out").symlink_to("/dev/zero")
    os.mkfifo(tmp_path / "fifo.out")
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "$(touch hacked)\n%.out").write_text("nothing")
    report = read_folder(tmp_path)
    assert [failure.source.file for failure in report.failures] == ["$(touch hacked)\n%.out"]
    assert report.jobs == ()


def test_psi4_options_cannot_be_set_twice_or_become_python() -> None:
    for keyword in ("basis=sto-3g", "save_jk=false", "import os", "a=b=c", "a=(b)", "maxiter=1"):
        with suppress(InputError):
            settings = replace(Psi4Executor.default_settings, keywords=(keyword,))
            text = Psi4Executor(settings).build_input(Job(Geometry.from_xyz("2\n\nH 0 0 0\nH 0 0 1\n"), 0, 1))
            inside = text[text.index("set {") : text.index("\n}\n", text.index("set {"))]
            assert keyword.replace("=", " ", 1) in inside  # an option of the set block, nothing else


def test_paths_full_of_shell_words_are_only_paths(tmp_path: Path, hydrogen: Geometry) -> None:
    folder = tmp_path / "a b;$(touch hacked)`touch hacked`&'\"|"
    folder.mkdir()
    program = folder / "or ca"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{FAKE}" "$@"\n')
    program.chmod(0o755)
    executor = OrcaExecutor(executable=str(program), scratch=folder / "$(touch hacked) scratch")
    executor.single_point(hydrogen, charge=0, multiplicity=1)
    assert sorted(path.name for path in tmp_path.rglob("*hacked*")) == sorted(
        [folder.name, "$(touch hacked) scratch"]
    )  # the folders themselves, and no file called so
    assert not Path("hacked").exists()


def test_scratch_folders_are_named_by_hash_alone(
    tmp_path: Path, hydrogen: Geometry, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "orca"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{FAKE}" "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("FAKE_ORCA", "exit")
    executor = OrcaExecutor(executable=str(program), scratch=tmp_path / "scratch")
    with pytest.raises(HelioscError):
        executor.single_point(hydrogen, charge=0, multiplicity=1)
    (kept,) = (tmp_path / "scratch").iterdir()
    assert re.fullmatch(r"orca-[0-9a-f]{12}-\w{8}", kept.name)


@pytest.mark.parametrize("title", ["$(touch hacked)", "../../x", "%chk=/tmp/x", "name\twith tabs"])
def test_title_of_a_molecule_stays_out_of_everything(title: str) -> None:
    plain = workflow_identity({"smiles": "C=C", "level": "b3lyp/def2-svp//gfn2", "program": "orca"})
    try:
        titled = workflow_identity({"smiles": f"C=C {title}", "level": "b3lyp/def2-svp//gfn2", "program": "orca"})
    except InputError:
        return
    assert titled == plain


@pytest.mark.parametrize("field", ["level", "program", "smiles"])
@pytest.mark.parametrize("word", HOSTILE)
def test_hostile_payloads_are_input_errors(field: str, word: str) -> None:
    payload = {"smiles": "C=C", "level": "b3lyp/def2-svp//gfn2", "program": "orca"} | {field: word}
    with pytest.raises(InputError):
        workflow_identity(payload)


def test_symbols_of_a_geometry_are_elements(hydrogen: Geometry) -> None:
    evil = Geometry(("H", "H\n$(x)"), hydrogen.positions)
    for executor in (*EXECUTORS, XtbExecutor):
        with pytest.raises(InputError, match="unknown element"):
            executor(executable="/nonexistent").single_point(evil, charge=0, multiplicity=1)
