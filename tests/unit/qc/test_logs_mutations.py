"""Damaged outputs: whatever happened to a file, it is read or refused, never a traceback."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from heliosc.qc.geometries import Geometry
from heliosc.qc.logs.export import job_record, outcome
from heliosc.qc.logs.files import LogFile
from heliosc.qc.logs.jobs import LogFailure, LogJob, read_jobs
from heliosc.qc.logs.sets import log_sets
from heliosc.qc.logs.xtb_geometry import geometry_beside

OWN = Path(__file__).parents[2] / "data" / "logs" / "thiophene"
REFERENCE = (
    "cclib/ORCA5.0/dvb_td.out", "cclib/ORCA6.0/Trp_polar.out", "cclib/ORCA6.0/dvb_ir.out", "autodE/xtb_xtb_6_1_opt.out",
    "cclib/Gaussian09/dvb_td.out", "cclib/Gaussian16/Trp_polar.log", "custodian/gaussian/mol_opt.out.gz",
    "cclib/Psi4-1.3.1/dvb_sp_uks.out", "cclib/Psi4-1.7/dvb_sp_rks.out", "cclib-data/ORCA4.0/1-ttt_td.out",
)  # fmt: skip
JUNK = (
    "****", "NaN", "-inf", "1e999", "9" * 5_000, "\x00", "\ufffd", "0.0.0", "1D+400", " " * 500, "\n" * 200, "--5", "",
    "\uff11\uff12", " * O   R   C   A *\n", " Initial command:\n", "   Psi4: An Open-Source\n", "|   x T B   |\n",
    "1-99999",
)  # fmt: skip
ERROR_CLASSES = {"input", "convergence", "resource", "transient", "timeout", "missing", "parse"}


def _text(path: Path) -> str:
    data = path.read_bytes()
    return (gzip.decompress(data) if path.suffix == ".gz" else data).decode(errors="replace")


@pytest.fixture(scope="module")
def originals(recorded_logs_folder: Path) -> list[tuple[str, str]]:
    paths = [*(recorded_logs_folder / name for name in REFERENCE), *sorted(OWN.rglob("*.out.gz"))]
    return [(path.name, _text(path)) for path in paths]


def read(name: str, text: str) -> list[LogJob | LogFailure]:
    """Read a damaged text and take its jobs through everything that follows."""
    found = list(read_jobs(LogFile(name, "0" * 64, text), folder=OWN / "gfn2"))
    jobs = [job for job in found if isinstance(job, LogJob)]
    json.dumps([job_record(job) for job in jobs], allow_nan=False)
    json.dumps([outcome(result) for result in log_sets(jobs)], allow_nan=False)
    for failure in found:
        if isinstance(failure, LogFailure):
            assert failure.error_class in ERROR_CLASSES
            assert failure.reason
    return found


MUTATIONS = settings(
    max_examples=120,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.data_too_large],
)


@MUTATIONS
@given(data=st.data())
def test_truncated(originals: list[tuple[str, str]], data: st.DataObject) -> None:
    """A file that ends early never counts, unless only what stands behind the closing banner is gone."""
    name, text = data.draw(st.sampled_from(originals), label="file")
    end = data.draw(st.integers(0, len(text)), label="end")
    marks = ("TERMINATED NORMALLY", "Normal termination", "exiting successfully", "* finished run on")
    closing = min(at for mark in marks if (at := text.rfind(mark)) >= 0)
    for job in read(name, text[:end]):
        if end <= closing:
            assert isinstance(job, LogFailure)


@MUTATIONS
@given(data=st.data())
def test_lines_deleted_or_repeated(originals: list[tuple[str, str]], data: st.DataObject) -> None:
    name, text = data.draw(st.sampled_from(originals), label="file")
    lines = text.splitlines(keepends=True)
    for _ in range(data.draw(st.integers(1, 8))):
        start = data.draw(st.integers(0, len(lines) - 1))
        length = data.draw(st.sampled_from((1, 1, 3, 50)))
        if data.draw(st.booleans()):
            del lines[start : start + length]
        else:
            lines[start:start] = lines[start : start + length]
        if not lines:
            break
    read(name, "".join(lines))


@MUTATIONS
@given(data=st.data())
def test_garbage_in_the_middle(originals: list[tuple[str, str]], data: st.DataObject) -> None:
    name, text = data.draw(st.sampled_from(originals), label="file")
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        junk = data.draw(st.sampled_from(JUNK))
        text = text[:start] + junk + text[start + data.draw(st.integers(0, 60)) :]
    read(name, text)


_KEY_WORDS = (
    "FINAL SINGLE POINT", "SCF Done", "Final Energy", "TOTAL ENERGY", "total energy", "Charge", "Mult", "charge",
    "HOMO", "LUMO", "eigenvalues", "CARTESIAN", "orientation", "Geometry", "STATE", "fosc", "polarizability", "E(SCF)",
    "DE(CIS)", "Frequencies", "eigval", "final structure", "Total Dipole", "program call", "Isotropic", "2.0000",
)  # fmt: skip


@MUTATIONS
@given(data=st.data())
def test_numbers_where_they_matter(originals: list[tuple[str, str]], data: st.DataObject) -> None:
    name, text = data.draw(st.sampled_from(originals), label="file")
    lines = text.splitlines(keepends=True)
    places = [i for i, line in enumerate(lines) if any(word in line for word in _KEY_WORDS)]
    for _ in range(data.draw(st.integers(1, 6))):
        i = data.draw(st.sampled_from(places)) + data.draw(st.sampled_from((0, 0, 1, 2, 4)))
        words = lines[min(i, len(lines) - 1)].split(" ")
        numbers = [k for k, word in enumerate(words) if any(character.isdigit() for character in word)]
        if numbers:
            words[data.draw(st.sampled_from(numbers))] = data.draw(st.sampled_from(JUNK))
            lines[min(i, len(lines) - 1)] = " ".join(words)
    read(name, "".join(lines))


@MUTATIONS
@given(text=st.text(max_size=2_000), prefix=st.sampled_from(JUNK[-5:-1]))
def test_banners_followed_by_anything(text: str, prefix: str) -> None:
    assert all(isinstance(found, LogFailure) for found in read("any.out", prefix + text))


@settings(max_examples=60, deadline=None)
@given(text=st.text(max_size=400))
def test_geometry_files_of_any_content(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    folder = tmp_path_factory.mktemp("xtb")
    (folder / "xtbopt.xyz").write_text(text)
    geometry, name = geometry_beside("coordinate file : xtbopt.xyz\n", energy_hartree=-1.0, folder=folder)
    assert geometry is None or isinstance(geometry, Geometry)
    assert (geometry is None) == (name is None)
