"""Files as they lie in folders: packed, cut, mixed, huge, foreign."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from heliosc.errors import InputError
from heliosc.qc.logs.folder import read_file, read_folder
from heliosc.qc.logs.jobs import LogFailure, LogJob

RECORDED = Path(__file__).parents[2] / "data" / "logs" / "thiophene"
OPTIMIZATION = gzip.decompress((RECORDED / "gfn2" / "opt_neutral.out.gz").read_bytes()).decode()
PSI4 = gzip.decompress((RECORDED / "b3lyp" / "neutral_at_neutral.out.gz").read_bytes()).decode()


def only(path: Path) -> LogJob | LogFailure:
    (found,) = read_file(path, name=path.name)
    return found


def failure(path: Path) -> LogFailure:
    found = only(path)
    assert isinstance(found, LogFailure)
    return found


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_encodings_and_line_ends_of_windows(tmp_path: Path, encoding: str, newline: str) -> None:
    path = tmp_path / "job.out"
    path.write_bytes(OPTIMIZATION.replace("\n", newline).encode(encoding))
    job = only(path)
    assert isinstance(job, LogJob)
    assert job.energy_hartree == -13.818275439233


def test_a_program_is_recognised_whatever_its_file_is_called(tmp_path: Path) -> None:
    (tmp_path / "gaussian.log").write_text(OPTIMIZATION)
    (tmp_path / "slurm-4711").write_text(f"Loading modules\nnode17\n{PSI4}\nreal 3.2 s\n")
    report = read_folder(tmp_path)
    assert {job.source.file: job.program for job in report.jobs} == {"gaussian.log": "xtb", "slurm-4711": "psi4"}


def test_jobs_of_one_file_are_read_apart_and_flagged(tmp_path: Path) -> None:
    path = tmp_path / "both.out"
    path.write_text(OPTIMIZATION + PSI4 + OPTIMIZATION)
    found = list(read_file(path, name=path.name))
    assert [job.program for job in found] == ["xtb", "psi4", "xtb"]
    assert [job.source.part for job in found] == [1, 2, 3]
    assert str(found[1].source) == "both.out (job 2 of 3)"
    assert all(isinstance(job, LogJob) and "one of 3 jobs in one file" in job.flags for job in found)
    assert isinstance(found[1], LogJob)
    assert found[1].energy_hartree == -546.71311781684801


def test_a_failed_job_of_a_mixed_file_does_not_spoil_the_other(tmp_path: Path) -> None:
    path = tmp_path / "both.out"
    path.write_text(OPTIMIZATION[: len(OPTIMIZATION) // 2] + OPTIMIZATION)
    first, second = read_file(path, name=path.name)
    assert isinstance(first, LogFailure)
    assert first.error_class == "timeout"
    assert isinstance(second, LogJob)


def test_a_program_called_by_another_is_no_job_of_its_own(tmp_path: Path) -> None:
    """ORCA prints the output of the xtb it calls; without its own closing banner nothing of it counts."""
    path = tmp_path / "orca.out"
    path.write_text(f"    * O   R   C   A *\nProgram Version 6.0.1\n{OPTIMIZATION}")
    found = failure(path)
    assert found.program == "orca"
    assert found.version == "6.0.1"


def test_two_single_points_of_one_psi4_script_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "scan.out"
    head, calculation = PSI4.split("*** tstart()", maxsplit=1)
    path.write_text(f"{head}*** tstart(){calculation}".replace("*** Psi4 exiting", f"*** tstart(){calculation}"))
    found = failure(path)
    assert found.error_class == "parse"
    assert "2 single points" in found.reason


def test_two_charges_of_one_psi4_script_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "ions.out"
    head, calculation = PSI4.split("*** tstart()", maxsplit=1)
    ion = calculation.replace("charge = 0, multiplicity = 1", "charge = 1, multiplicity = 2")
    path.write_text(f"{head}*** tstart(){calculation}".replace("*** Psi4 exiting", f"*** tstart(){ion}"))
    assert "several charges" in failure(path).reason


def test_orca_jobs_chained_in_one_input_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "chain.out"
    path.write_text(
        " * O   R   C   A *\nProgram Version 5.0.3\n$$$$$$$$  JOB NUMBER  1 $$$$$$\n$$$$$$$$  JOB NUMBER  2 $$$$$$\n"
        "FINAL SINGLE POINT ENERGY -1.0\n****ORCA TERMINATED NORMALLY****\n"
    )
    found = failure(path)
    assert (found.program, found.error_class) == ("orca", "parse")
    assert "2 jobs" in found.reason


@pytest.mark.parametrize("number", ["********", "NaN", "-Infinity", "1.0D+400"])
def test_overflown_energies_are_no_energies(tmp_path: Path, number: str) -> None:
    path = tmp_path / "job.out"
    path.write_text(PSI4.replace("-546.71311781684801", number))
    found = failure(path)
    assert found.error_class == "parse"
    assert "no energy" in found.reason


def test_overflown_orbitals_are_missing_not_zero(tmp_path: Path) -> None:
    path = tmp_path / "job.out"
    path.write_text(OPTIMIZATION.replace("-6.5971 (LUMO)", "NaN (LUMO)"))
    job = only(path)
    assert isinstance(job, LogJob)
    assert job.output.lumo_eV is None
    assert job.output.homo_eV == pytest.approx(-10.6936)


def test_impossible_spin_means_a_damaged_file(tmp_path: Path) -> None:
    path = tmp_path / "job.out"
    path.write_text(PSI4.replace("charge = 0, multiplicity = 1", "charge = 0, multiplicity = 2"))
    assert "cannot have multiplicity 2" in failure(path).reason


def test_a_file_without_its_head_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "tail.out"
    path.write_text(OPTIMIZATION[-3_000:])
    found = failure(path)
    assert (found.program, found.error_class) == ("xtb", "parse")
    assert "the head of the output is missing" in found.reason


def test_unconverged_xtb_is_refused_in_spite_of_its_normal_end(tmp_path: Path) -> None:
    path = tmp_path / "job.out"
    converged, failed = "GEOMETRY OPTIMIZATION CONVERGED AFTER", "FAILED TO CONVERGE GEOMETRY OPTIMIZATION IN"
    path.write_text(OPTIMIZATION.replace(converged, failed))
    found = failure(path)
    assert found.error_class == "convergence"
    assert "xtbopt.xyz" in found.reason


def test_size_limits_hold_for_packed_files_too(tmp_path: Path) -> None:
    plain, packed = tmp_path / "plain.out", tmp_path / "packed.out.gz"
    plain.write_bytes(b"x" * 100 + b"\n" * 2_000_000)
    packed.write_bytes(gzip.compress(b"\n" * 50_000_000))  # 50 kB on disk
    report = read_folder(tmp_path, max_mb=1)
    assert {failure.source.file: failure.error_class for failure in report.failures} == {
        "packed.out.gz": "resource",
        "plain.out": "resource",
    }
    assert all("--max-mb" in failure.reason for failure in report.failures)


def test_foreign_files_are_ignored_unless_they_look_like_outputs(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("thiophene looks fine")
    (tmp_path / "empty.out").write_text("")
    (tmp_path / "nwchem.out").write_text("Northwest Computational Chemistry Package (NWChem) 7.0.2")
    (tmp_path / "binary.log").write_bytes(bytes(range(256)) * 40)
    (tmp_path / "broken.out.gz").write_bytes(b"\x1f\x8b\x08\x00garbage")
    (tmp_path / "line.out").write_text("x" * 30_000)
    (tmp_path / "traj.log").write_text("1\n energy: -1.0\nH 0.0 0.0 0.0\n")
    report = read_folder(tmp_path)
    assert report.ignored == ("notes.txt", "traj.log")
    assert {failure.source.file: failure.error_class for failure in report.failures} == dict.fromkeys(
        ("binary.log", "broken.out.gz", "empty.out", "line.out", "nwchem.out"), "parse"
    )
    reasons = {failure.source.file: failure.reason for failure in report.failures}
    assert "is empty" in reasons["empty.out"]
    assert "no banner" in reasons["nwchem.out"]


def test_links_do_not_lead_out_of_the_folder_or_in_circles(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / "circle").symlink_to(inside)
    (inside / "job.out").write_text(PSI4)
    (inside / "lost.out").symlink_to(tmp_path / "nowhere")
    assert [job.source.file for job in read_folder(inside).jobs] == ["job.out"]


def test_a_coordinate_file_outside_the_folder_is_never_opened(tmp_path: Path) -> None:
    single_point = gzip.decompress((RECORDED / "gfn2" / "vipea.out.gz").read_bytes()).decode()
    folder = tmp_path / "job"
    folder.mkdir()
    (tmp_path / "r0.xyz").write_text((RECORDED / "gfn2" / "r0.xyz").read_text())
    (folder / "job.out").write_text(single_point.replace(": r0.xyz", ": ../r0.xyz"))
    (job,) = read_folder(folder).jobs
    assert job.geometry is None


def test_a_coordinate_file_of_another_molecule_is_not_taken(tmp_path: Path) -> None:
    single_point = gzip.decompress((RECORDED / "gfn2" / "vipea.out.gz").read_bytes()).decode()
    (tmp_path / "job.out").write_text(single_point)
    (tmp_path / "r0.xyz").write_text("3\n\nO 0 0 0\nH 0 0 1\nH 0 1 0\n")
    (job,) = read_folder(tmp_path).jobs
    assert job.geometry is None


def test_not_a_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not a folder"):
        read_folder(tmp_path / "nowhere")
