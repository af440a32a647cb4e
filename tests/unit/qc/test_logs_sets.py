"""Four-point sets from files: outputs of thiophene recorded with xtb 6.5.1 and Psi4 1.3.2, energies copied by hand."""

from __future__ import annotations

import gzip
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from heliosc.errors import MissingDependencyError
from heliosc.properties import PropertyKey
from heliosc.qc.geometries import Geometry
from heliosc.qc.logs.export import identity, job_record, outcome, value_rows
from heliosc.qc.logs.folder import read_folder
from heliosc.qc.logs.jobs import LogJob
from heliosc.qc.logs.sets import LogSet, log_sets
from heliosc.qc.logs.tasks import parsed_logs, payload
from heliosc.qc.results import calculation_result

RECORDED = Path(__file__).parents[2] / "data" / "logs" / "thiophene"
EV = 27.211386245988
SHIFT = 4.846

GFN2 = {
    "neutral_at_neutral": -13.818275439233,
    "cation_at_neutral": -13.307070893751,
    "anion_at_neutral": -13.943307966297,
    "cation_at_cation": -13.307977985771,
    "neutral_at_cation": -13.817301383132,
    "anion_at_anion": -13.949230361035,
    "neutral_at_anion": -13.812516227970,
}
B3LYP = {
    "neutral_at_neutral": -546.71311781684801,
    "cation_at_neutral": -546.43247169737049,
    "anion_at_neutral": -546.50519496594791,
    "cation_at_cation": -546.43670739744152,
    "neutral_at_cation": -546.71559863718085,
    "anion_at_anion": -546.51892866931564,
    "neutral_at_anion": -546.71174706323757,
}


def by_level(folder: Path) -> dict[str, LogSet]:
    return {result.level: result for result in log_sets(read_folder(folder).jobs)}


@pytest.fixture(scope="module")
def thiophene() -> dict[str, LogSet]:
    return by_level(RECORDED)


@pytest.fixture(scope="module")
def thiophene_jobs() -> list[LogJob]:
    return list(read_folder(RECORDED).jobs)


def test_three_levels_of_one_molecule(thiophene: dict[str, LogSet]) -> None:
    assert set(thiophene) == {"gfn2", "b3lyp/sto-3g[psi4]//gfn2", "ipea1//gfn2"}
    assert {result.smiles for result in thiophene.values()} == {"c1ccsc1"}
    assert [level for level, result in thiophene.items() if result.is_complete] == ["b3lyp/sto-3g[psi4]//gfn2", "gfn2"]


@pytest.mark.parametrize(
    ("level", "energies", "shift"), [("gfn2", GFN2, SHIFT), ("b3lyp/sto-3g[psi4]//gfn2", B3LYP, 0.0)]
)
def test_values_by_hand(thiophene: dict[str, LogSet], level: str, energies: dict[str, float], shift: float) -> None:
    result = thiophene[level]
    assert result.energies_hartree == pytest.approx(energies, abs=1e-11)
    e = energies
    expected = {
        "vertical_ionization_energy": (e["cation_at_neutral"] - e["neutral_at_neutral"]) * EV - shift,
        "adiabatic_ionization_energy": (e["cation_at_cation"] - e["neutral_at_neutral"]) * EV - shift,
        "vertical_electron_affinity": (e["neutral_at_neutral"] - e["anion_at_neutral"]) * EV - shift,
        "adiabatic_electron_affinity": (e["neutral_at_neutral"] - e["anion_at_anion"]) * EV - shift,
        "lambda_hole": (
            e["cation_at_neutral"] - e["cation_at_cation"] + e["neutral_at_cation"] - e["neutral_at_neutral"]
        )
        * EV,
        "lambda_electron": (
            e["anion_at_neutral"] - e["anion_at_anion"] + e["neutral_at_anion"] - e["neutral_at_neutral"]
        )
        * EV,
    }
    found = {name: result.values[PropertyKey(name, level)] for name in expected}
    assert found == pytest.approx(expected, abs=1e-8)


def test_vipea_is_the_neutrals_and_on_our_scale(thiophene: dict[str, LogSet]) -> None:
    """After --vipea the file closes with the anion's energy (-15.7183), orbitals and dipole."""
    result = thiophene["ipea1//gfn2"]
    values = {key.name: value for key, value in result.values.items()}
    assert values["vertical_ionization_energy"] == pytest.approx(9.1046 + 4.8455 - SHIFT)  # xtb takes 4.8455 off
    assert values["vertical_electron_affinity"] == pytest.approx(-1.4619 + 4.8455 - SHIFT)
    assert result.energies_hartree["neutral_at_neutral"] == -15.593976683245
    assert (values["homo_energy"], values["lumo_energy"]) == (-10.9350, -6.1929)
    assert "dipole_moment" not in values


def test_negative_relaxation_energy_of_a_joint_level_is_flagged_not_fatal(thiophene: dict[str, LogSet]) -> None:
    result = thiophene["b3lyp/sto-3g[psi4]//gfn2"]
    assert result.lambda_terms()["neutral_from_cation"] == pytest.approx(-0.0675, abs=1e-4)
    assert any("-0.068 eV" in flag for flag in result.flags)
    assert any("unbound" in flag for flag in result.flags)


def test_a_lambda_from_a_geometry_that_is_no_minimum_is_withheld(thiophene_jobs: list[LogJob]) -> None:
    jobs = [
        replace(job, energy_hartree=job.energy_hartree - 0.01) if "cation_at_neutral" in job.source.file else job
        for job in thiophene_jobs
        if job.level == "gfn2"
    ]
    (result,) = log_sets(jobs)
    assert PropertyKey("lambda_hole", "gfn2") not in result.values
    assert PropertyKey("lambda_electron", "gfn2") in result.values
    assert any("lambda_hole withheld" in flag for flag in result.flags)


def test_incomplete_sets_give_what_they_allow(thiophene_jobs: list[LogJob]) -> None:
    gfn2 = [job for job in thiophene_jobs if job.level == "gfn2" and "anion" not in job.source.file]
    (result,) = log_sets([job for job in gfn2 if job.charge == 1 or "opt_neutral" in job.source.file])
    names = {key.name for key in result.values}
    assert {"vertical_ionization_energy", "adiabatic_ionization_energy"} < names
    assert not names & {"lambda_hole", "lambda_electron", "vertical_electron_affinity"}
    assert not result.is_complete


def test_names_and_places_of_files_do_not_matter(tmp_path: Path, thiophene: dict[str, LogSet]) -> None:
    for i, path in enumerate(sorted(RECORDED.rglob("*.out.gz"))):
        folder = tmp_path / f"{(i * 7) % 5}"
        folder.mkdir(exist_ok=True)
        (folder / f"job{i}.log").write_bytes(gzip.decompress(path.read_bytes()))
        for geometry in RECORDED.rglob("*.xyz"):
            shutil.copy(geometry, folder)
    shuffled = by_level(tmp_path)
    assert {level: result.values for level, result in shuffled.items()} == {
        level: pytest.approx(result.values) for level, result in thiophene.items()
    }


def test_turned_and_moved_geometries_are_the_same_place(thiophene_jobs: list[LogJob]) -> None:
    rotation, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))

    def turned(job: LogJob) -> LogJob:
        assert job.geometry
        moved = Geometry(job.geometry.symbols, job.geometry.positions @ rotation + 3.0)
        return replace(job, output=replace(job.output, geometry=moved))

    jobs = [turned(job) if job.program == "psi4" else job for job in thiophene_jobs]
    found = {result.level: result for result in log_sets(jobs)}
    assert found["b3lyp/sto-3g[psi4]//gfn2"].is_complete


def test_single_points_without_their_optimisation_have_unknown_geometries(thiophene_jobs: list[LogJob]) -> None:
    found = log_sets([job for job in thiophene_jobs if job.program == "psi4" and "at_neutral" in job.source.file])
    assert [result.level for result in found] == ["b3lyp/sto-3g[psi4]//unknown"]
    assert {key.name for key in found[0].values} >= {"vertical_ionization_energy", "vertical_electron_affinity"}


def test_outputs_that_disagree_are_not_averaged(thiophene_jobs: list[LogJob]) -> None:
    gfn2 = [job for job in thiophene_jobs if job.level == "gfn2"]
    cation = next(job for job in gfn2 if "cation_at_neutral" in job.source.file)
    other = replace(
        cation,
        energy_hartree=cation.energy_hartree + 1e-3,
        source=replace(cation.source, file="again.out"),
    )
    (result,) = log_sets([*gfn2, other])
    assert "cation_at_neutral" not in result.energies_hartree
    assert any("disagree by more than 1 meV" in flag and "again.out" in flag for flag in result.flags)


def test_conformers_keep_their_own_ions(thiophene_jobs: list[LogJob]) -> None:
    """A second conformer (made up: every atom farther out) with other energies must not lend its ions to the first."""

    def other_conformer(job: LogJob) -> LogJob:
        assert job.geometry
        stretched = Geometry(job.geometry.symbols, job.geometry.positions * 1.05)
        return replace(
            job,
            energy_hartree=job.energy_hartree + 0.01,
            output=replace(job.output, geometry=stretched),
            source=replace(job.source, file=f"other/{job.source.file}"),
        )

    gfn2 = [job for job in thiophene_jobs if job.level == "gfn2"]
    first, second = log_sets([*(other_conformer(job) for job in gfn2), *gfn2])
    assert first.is_complete
    assert second.is_complete
    assert first.values == pytest.approx(second.values)
    assert {job.source.file.startswith("other/") for job in first.jobs.values()} == {True}
    assert {job.source.file.startswith("other/") for job in second.jobs.values()} == {False}


def test_outcomes_have_the_form_of_stored_results(thiophene: dict[str, LogSet]) -> None:
    result = thiophene["b3lyp/sto-3g[psi4]//gfn2"]
    stored = calculation_result(outcome(result))
    assert stored.smiles == "c1ccsc1"
    assert stored.values == result.values
    assert set(stored.geometries) == {"neutral", "cation", "anion"}
    assert stored.details["source"] == "log"
    assert stored.details["energies_from"]["cation_at_cation"]["file"] == "b3lyp/cation_at_cation.out.gz"
    assert stored.details["geometries_from"]["cation"]["file"] == "gfn2/opt_cation.out.gz"


def test_every_value_names_its_files(thiophene: dict[str, LogSet]) -> None:
    rows = {row["property"]: row for row in value_rows(thiophene["gfn2"])}
    assert rows["lambda_hole"]["file"].count("; ") == 3
    assert rows["homo_energy"]["file"] == "gfn2/opt_neutral.out.gz"
    assert {row["source"] for row in rows.values()} == {"log"}
    assert {row["unit"] for name, row in rows.items() if "energy" in name} == {"eV"}


def test_a_job_says_what_it_found(thiophene_jobs: list[LogJob]) -> None:
    records = {job.source.file: job_record(job) for job in thiophene_jobs}
    record = records["b3lyp/cation_at_neutral.out.gz"]
    assert {name: record[name] for name in ("program", "version", "method", "basis", "dispersion", "solvent")} == {
        "program": "psi4",
        "version": "1.3.2",
        "method": "b3lyp",
        "basis": "sto-3g",
        "dispersion": "none",
        "solvent": "none",
    }
    assert (record["charge"], record["multiplicity"], record["optimization_converged"]) == (1, 2, None)
    assert "scf_type df" in record["keywords"]
    assert records["gfn2/cation_at_neutral.out.gz"]["geometry_file"] == "r0.xyz"
    assert records["gfn2/cation_at_neutral.out.gz"]["keywords"] == "--norestart --chrg 1 --uhf 1"


def test_the_cross_check_without_cclib_says_how_to_get_it(
    thiophene_jobs: list[LogJob], monkeypatch: pytest.MonkeyPatch
) -> None:
    from heliosc.qc.logs.second_reader import disagreements

    for name in {"cclib", *(name for name in sys.modules if name.startswith("cclib."))}:  # loaded by another test
        monkeypatch.setitem(sys.modules, name, None)
    job = next(job for job in thiophene_jobs if job.program == "psi4")
    with pytest.raises(MissingDependencyError, match=r"pip install heliosc\[qc\]"):
        disagreements(job, RECORDED / job.source.file)


def test_same_bytes_are_the_same_result(thiophene: dict[str, LogSet], tmp_path: Path) -> None:
    shutil.copytree(RECORDED, tmp_path / "copy")
    again = by_level(tmp_path)
    assert {level: identity(result) for level, result in again.items()} == {
        level: identity(result) for level, result in thiophene.items()
    }


def test_the_stored_task_reads_its_files_again(thiophene: dict[str, LogSet]) -> None:
    result = thiophene["b3lyp/sto-3g[psi4]//gfn2"]
    assert parsed_logs(payload(result, folder=RECORDED)) == outcome(result)
