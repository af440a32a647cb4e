"""Every recorded output is read or refused for the right reason; the numbers were looked up in the files by hand.

Energies in hartree. Orbital energies as printed: hartree in Gaussian and Psi4, eV in ORCA and xtb. Dipoles in debye.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from heliosc.qc.logs.folder import FolderReport, read_folder
from heliosc.qc.logs.jobs import LogFailure, LogJob

EH = 27.211386

READ: dict[str, tuple[str, int, int, float, float | None, float | None, float | None, int]] = {
    # level, charge, multiplicity, energy, HOMO, LUMO, dipole, atoms
    "aiida-orca/default/aiida.out": ("pbe/sto-3g[orca]", 0, 1, -39.967975451632, -8.3575, 11.0484, 0.00001, 5),
    "autodE/orca_h2_grad_orca.out": ("pbe0-d3bj/def2-svp[orca]", 0, 1, -1.139851613272, -10.6698, 0.7233, 0.0, 2),
    "autodE/orca_numerical_orca.out": (
        "dlpno-ccsd(t)/ma-def2-tzvpp[orca]", -1, 1, -959.335925845645, -5.5387, 4.7434, 0.87877, 6),
    "cclib-data/ORCA4.0/1-ttt_td.out": (  # E(SCF); the file's final energy is that of S1
        "pbe/def2-svp[orca]", 0, 1, -283.904246815, -5.4999, -0.8421, 1.20751, 10),
    "cclib-data/ORCA4.2/Trp_polar.out": ("hf/sto-3g[orca]", 0, 1, -673.590571115295, -6.1408, 6.7369, 2.71106, 27),
    "cclib-data/ORCA4.2/dvb_gopt.out": ("b3lyp/sto-3g[orca]", 0, 1, -382.050786152348, -4.0639, 1.1178, 0.00001, 20),
    "cclib-data/ORCA4.2/dvb_sp.out": ("b3lyp/sto-3g[orca]", 0, 1, -382.050758039646, -4.0620, 1.1215, 0.0, 20),
    "cclib-data/ORCA4.2/dvb_sp_un.out": ("b3lyp/sto-3g[orca]", 1, 2, -381.827630562180, -9.9603, -4.7292, 0.0, 20),
    "cclib-data/ORCA6.0/commercial_version.out": ("hf/sto-3g[orca]", 0, 1, -2.807783957535, -23.8381, None, 0.0, 1),
    "cclib/ORCA5.0/dvb_gopt.out": ("b3lyp/sto-3g[orca]", 0, 1, -382.055133372796, -4.0663, 1.1164, 0.0, 20),
    "cclib/ORCA5.0/dvb_ir.out": ("b3lyp/sto-3g[orca]", 0, 1, -382.055108614160, -4.0652, 1.1197, 0.0, 20),
    "cclib/ORCA5.0/dvb_sp.out": ("b3lyp/sto-3g[orca]", 0, 1, -382.055108614123, -4.0652, 1.1197, 0.0, 20),
    "cclib/ORCA5.0/dvb_sp_un.out": ("b3lyp/sto-3g[orca]", 1, 2, -381.831981252254, -9.9650, -4.7322, 0.0, 20),
    "cclib/ORCA5.0/dvb_td.out": ("b3lyp/sto-3g[orca]", 0, 1, -382.055108614, -4.0652, 1.1197, 0.0, 20),
    "cclib/ORCA5.0/water_hf_solvent_smd.log": (
        "hf/sto-3g+smd(toluene)[orca]", 0, 1, -74.967638760929, -10.4747, 15.7150, 1.70614, 3),
    "cclib/ORCA6.0/Trp_polar.out": ("hf/sto-3g[orca]", 0, 1, -673.590571115239, -6.1408, 6.7369, 2.711058506, 27),
    "cclib/ORCA6.0/dvb_gopt.out": ("b3lyp/sto-3g[orca]", 0, 1, -382.055133399486, -4.0662, 1.1159, 0.0, 20),
    "cclib/ORCA6.0/dvb_ir.out": ("b3lyp/sto-3g[orca]", 0, 1, -382.055107107616, -4.0663, 1.1184, 0.0, 20),
    "cclib/ORCA6.0/dvb_sp_dft.out": ("b3lyp/sto-3g[orca]", 0, 1, -382.055108392562, -4.0625, 1.1224, 0.0, 20),
    "cclib/ORCA6.0/water_hf_solvent_smd.log": (
        "hf/sto-3g+smd(toluene)[orca]", 0, 1, -74.967666633980, -10.4717, 15.7194, 1.706607421, 3),
    "autodE/g09_opt_g09.log": (
        "pbe0/def2-svp+smd(water)[gaussian]", 0, 1, -499.729222331, -0.29916, 0.06044, 2.3612, 5),
    "cclib/Gaussian09/Trp_polar.log": ("hf/sto-3g[gaussian]", 0, 1, -673.590571157, -0.22567, 0.24758, 2.7110, 27),
    "cclib/Gaussian09/dvb_gopt.out": ("b3lyp/sto-3g[gaussian]", 0, 1, -382.308266580, -0.15308, 0.03742, 0.0, 20),
    "cclib/Gaussian09/dvb_ir.out": ("b3lyp/sto-3g[gaussian]", 0, 1, -382.308266580, -0.15308, 0.03742, 0.0, 20),
    "cclib/Gaussian09/dvb_sp.out": ("b3lyp/sto-3g[gaussian]", 0, 1, -382.308266580, -0.15308, 0.03742, None, 20),
    "cclib/Gaussian09/dvb_td.out": ("b3lyp/sto-3g[gaussian]", 0, 1, -382.298543424, -0.16311, 0.05354, 0.1238, 20),
    "cclib/Gaussian09/dvb_un_sp.log": ("b3lyp/sto-3g[gaussian]", 1, 2, -382.081395204, -0.36976, -0.17750, None, 20),
    "cclib/Gaussian16/Trp_polar.log": ("hf/sto-3g[gaussian]", 0, 1, -673.590571157, -0.22567, 0.24758, 2.7110, 27),
    "cclib/Gaussian16/dvb_gopt.out": ("b3lyp/sto-3g[gaussian]", 0, 1, -382.308266602, -0.15308, 0.03742, 0.0, 20),
    "cclib/Gaussian16/dvb_ir.out": ("b3lyp/sto-3g[gaussian]", 0, 1, -382.308266602, -0.15308, 0.03742, 0.0, 20),
    "cclib/Gaussian16/dvb_sp.out": ("b3lyp/sto-3g[gaussian]", 0, 1, -382.308266602, -0.15308, 0.03742, None, 20),
    "custodian/gaussian/mol_opt.out.gz": (
        "b3lyp/6-31+g(d)[gaussian]", 0, 1, -308.871350944, -0.26255, 0.01352, 0.0013, 16),
    "cclib/Psi4-1.3.1/dvb_gopt_rks.out": (
        "b3lyp/sto-3g[psi4]", 0, 1, -382.30826071186095, -0.153076, 0.037405, 0.0, 20),
    "cclib/Psi4-1.3.1/dvb_sp_rks.out": (
        "b3lyp/sto-3g[psi4]", 0, 1, -382.31092249631331, -0.153010, 0.037507, 0.0, 20),
    "cclib/Psi4-1.3.1/dvb_sp_uhf.out": (
        "hf/sto-3g[psi4]", 1, 2, -379.60025441595849, -0.479073, -0.047716, 0.0, 20),
    "cclib/Psi4-1.3.1/dvb_sp_uks.out": (
        "b3lyp/sto-3g[psi4]", 1, 2, -382.08410943870763, -0.369713, -0.177450, 0.0, 20),
    "cclib/Psi4-1.7/dvb_sp_rks.out": (
        "b3lyp/sto-3g[psi4]", 0, 1, -382.31091156274687, -0.153011, 0.037507, 0.0, 20),
    "cclib/Psi4-1.7/dvb_sp_uhf.out": (
        "hf/sto-3g[psi4]", 1, 2, -379.60025441779283, -0.479073, -0.047716, 0.0, 20),
    "autodE/xtb_h2_sp_xtb.out": ("gfn2", 0, 1, -0.966523050218, -11.7894, -2.6065, 0.0, 0),
    "autodE/xtb_opt_xtb.out": ("gfn2", 0, 1, -36.990267613593, -10.7376, -8.9829, 1.013, 22),
    "autodE/xtb_xtb_6_1_opt.out": ("gfn2", 0, 1, -4.1752185, -12.720, 4.626, 0.0, 5),
    "autodE/xtb_xtb_6_3_2_opt.out": ("gfn2+gbsa(water)", 0, 1, -8.212671558235, -11.3170, -4.2211, 2.209, 5),
    "cclib-data/XTB6.5.1/1448.out": ("gfn2", 0, 1, -7.745509058873, -11.1508, -5.8723, 3.736, 5),
    "cclib/XTB6.6.1/dvb_ir/dvb_ir.out": ("gfn2", 0, 1, -26.438242468338, -10.1737, -7.1555, 0.0, 20),
    "cclib/XTB6.6.1/dvb_opt/dvb_opt.out": ("gfn2", 0, 1, -26.438242468348, -10.1737, -7.1555, 0.0, 20),
    "cclib/XTB6.6.1/dvb_sp/dvb_sp.out": ("gfn2", 0, 1, -26.425939358406, -10.2673, -6.9355, 0.0, 20),
}  # fmt: skip

REFUSED = {  # program, class, words of the reason
    "aiida-gaussian/nan_inf/aiida.out": ("gaussian", "parse", "charge or multiplicity not found"),
    "aiida-orca/unrestricted/aiida.out": ("orca", "convergence", "reached the maximum number"),
    "autodE/g09_angle_fail_g09.log": ("gaussian", "convergence", "Bend failed for angle"),
    "autodE/g09_angle_fail_g09_cartesian.log": ("gaussian", "convergence", "Optimization stopped."),
    "autodE/g09_tmp_g09_hess.log": ("gaussian", "parse", "another program (External)"),
    "autodE/xtb_h2_sp_xtb_no_energy.out": ("xtb", "parse", "ends normally but holds no energy"),
    "cclib-data/ORCA5.0/1177.out": ("orca", "convergence", "reached the maximum number"),
    "cclib-data/fail/G03_DCV4T+C60_truncated.log": ("gaussian", "timeout", "probably killed"),
    "cclib-data/fail/G09_dvb_gopt_unconverged_l9999.log": ("gaussian", "convergence", "Optimization stopped."),
    "cclib-data/fail/ORCA3.0_dvb_gopt_unconverged.out": ("orca", "convergence", "reached the maximum number"),
    "cclib-data/fail/ORCA4.0_scf_not_converged_IrCl6_sp.out": (
        "orca", "convergence", "SCF NOT CONVERGED AFTER 125 CYCLES"),
    "cclib-data/fail/Psi4beta5_killed_in_scf.out": ("psi4", "timeout", "probably killed"),
    "custodian/gaussian/bad_file.out.gz": ("gaussian", "resource", "Bad file opened by FileIO"),
    "custodian/gaussian/coord_inputs.out.gz": ("gaussian", "input", "no Z-matrix variables"),
    "custodian/gaussian/coords_dict_geom.out.gz": ("gaussian", "input", "End of file reading connectivity"),
    "custodian/gaussian/coords_string_geom.out.gz": ("gaussian", "input", "End of file reading connectivity"),
    "custodian/gaussian/found_coords.out.gz": ("gaussian", "input", "Atom specifications unexpectedly found"),
    "custodian/gaussian/insufficient_memory.out.gz": ("gaussian", "resource", "Use %mem=11MW"),
    "custodian/gaussian/linear_bend.tail60k.out.gz": ("gaussian", "convergence", "Bend failed for angle"),
    "custodian/gaussian/missing_file.out.gz": ("gaussian", "resource", "non-existent file"),
    "custodian/gaussian/missing_mol.out.gz": ("gaussian", "input", "Input Error"),
    "custodian/gaussian/opt_steps_better_guess.out.gz": ("gaussian", "convergence", "Optimization stopped."),
    "custodian/gaussian/opt_steps_cycles.out.gz": ("gaussian", "convergence", "Optimization stopped."),
    "custodian/gaussian/opt_steps_from_structure.out.gz": ("gaussian", "convergence", "Optimization stopped."),
    "custodian/gaussian/opt_steps_int_grid.out.gz": ("gaussian", "convergence", "Optimization stopped."),
    "custodian/gaussian/scf_convergence_algorithm.out.gz": ("gaussian", "convergence", "Convergence failure"),
    "custodian/gaussian/scf_convergence_better_guess.out.gz": ("gaussian", "convergence", "Convergence failure"),
    "custodian/gaussian/solute_solvent_surface.tail60k.out.gz": ("gaussian", "convergence", "PCMMkU"),
    "custodian/gaussian/zmatrix.out.gz": ("gaussian", "input", "End of file in ZSymb"),
}  # fmt: skip

TRAJECTORY = "cclib/XTB6.6.1/dvb_opt/xtbopt.log"  # geometries of an optimisation: no output


@pytest.fixture(scope="module")
def report(recorded_logs_folder: Path) -> FolderReport:
    return read_folder(recorded_logs_folder)


@pytest.fixture(scope="module")
def jobs(report: FolderReport) -> dict[str, LogJob]:
    return {job.source.file: job for job in report.jobs}


@pytest.fixture(scope="module")
def failures(report: FolderReport) -> dict[str, LogFailure]:
    return {failure.source.file: failure for failure in report.failures}


def test_every_output_of_the_folder_is_expected_here(report: FolderReport, recorded_logs_folder: Path) -> None:
    outputs = {
        path.relative_to(recorded_logs_folder).as_posix()
        for pattern in ("*.out", "*.log", "*.out.gz")
        for path in recorded_logs_folder.rglob(pattern)
    }
    assert outputs == {*READ, *REFUSED, TRAJECTORY}
    assert {job.source.file for job in report.jobs} == set(READ)
    assert {failure.source.file for failure in report.failures} == set(REFUSED)
    assert TRAJECTORY in report.ignored


@pytest.mark.parametrize("name", READ)
def test_numbers_are_those_of_the_file(jobs: dict[str, LogJob], name: str) -> None:
    level, charge, multiplicity, energy, homo, lumo, dipole, n_atoms = READ[name]
    job = jobs[name]
    unit = EH if job.program in ("gaussian", "psi4") else 1.0
    assert (job.level, job.charge, job.multiplicity) == (level, charge, multiplicity)
    assert job.energy_hartree == pytest.approx(energy, abs=2e-9 if name.endswith("_td.out") else 1e-12)
    assert job.output.homo_eV == (None if homo is None else pytest.approx(homo * unit, abs=2e-4))
    assert job.output.lumo_eV == (None if lumo is None else pytest.approx(lumo * unit, abs=2e-4))
    assert job.output.dipole_debye == dipole
    assert (job.geometry.n_atoms if job.geometry else 0) == n_atoms


@pytest.mark.parametrize("name", REFUSED)
def test_refusals_name_class_and_cause(failures: dict[str, LogFailure], name: str) -> None:
    program, error_class, words = REFUSED[name]
    failure = failures[name]
    assert (failure.program, failure.error_class) == (program, error_class)
    assert words in failure.reason
    assert len(failure.source.sha256) == 64


def test_versions(jobs: dict[str, LogJob]) -> None:
    versions = {job.output.version for job in jobs.values()}
    assert versions >= {"4.0.0", "4.2.0", "5.0.0", "5.0.3", "6.0.0", "6.0.1", "6.0.1-f.3"}  # ORCA
    assert versions >= {"Gaussian 09, Revision A.02", "Gaussian 16, Revision A.03", "1.3.1", "1.7"}
    assert versions >= {"6.1", "6.2.3", "6.3.2", "6.5.1", "6.6.1"}  # xtb


def test_minima_are_told_from_single_points(jobs: dict[str, LogJob]) -> None:
    optimized = {name for name, job in jobs.items() if job.is_minimum}
    assert {name for name in READ if "opt" in name} | {
        "aiida-orca/default/aiida.out",
        "cclib-data/XTB6.5.1/1448.out",
    } == optimized


def test_excitations(jobs: dict[str, LogJob]) -> None:
    gaussian = jobs["cclib/Gaussian09/dvb_td.out"].output
    assert gaussian.excitation_method == "td"
    assert [(state.energy_eV, state.oscillator_strength) for state in gaussian.excited_states[:2]] == [
        (5.6287, 0.0018),
        (6.0621, 0.5880),
    ]
    orca_5 = jobs["cclib/ORCA5.0/dvb_td.out"].output
    assert orca_5.excitation_method == "tda"
    singlets = [state for state in orca_5.excited_states if state.multiplicity == 1]
    triplets = [state for state in orca_5.excited_states if state.multiplicity == 3]
    assert [state.energy_eV for state in singlets] == [5.352, 5.732, 6.226, 7.120, 7.416]
    assert singlets[1].oscillator_strength == 1.171011871
    assert [state.energy_eV for state in triplets] == [3.129, 4.239, 4.707, 4.956, 5.298]
    assert all(state.oscillator_strength is None for state in triplets)
    orca_4 = jobs["cclib-data/ORCA4.0/1-ttt_td.out"].output
    assert orca_4.excitation_method == "td"
    assert len(orca_4.excited_states) == 24
    assert (orca_4.excited_states[2].energy_eV, orca_4.excited_states[2].oscillator_strength) == (6.274, 0.029881934)


@pytest.mark.parametrize(
    ("name", "atomic"),
    [
        ("cclib/Gaussian09/Trp_polar.log", 74.12),
        ("cclib/Gaussian09/dvb_ir.out", 74.20),
        ("cclib/ORCA6.0/Trp_polar.out", 74.12424),
        ("cclib-data/ORCA4.2/Trp_polar.out", 74.12438),
    ],
)
def test_polarizability(jobs: dict[str, LogJob], name: str, atomic: float) -> None:
    assert jobs[name].output.polarizability_A3 == pytest.approx(atomic * 0.529177210903**3, rel=1e-9)


@pytest.mark.parametrize(
    ("name", "lowest", "n_modes"),
    [
        ("cclib/Gaussian09/dvb_ir.out", 52.7882, 54),
        ("cclib/ORCA6.0/dvb_ir.out", 43.87, 54),
        ("cclib/XTB6.6.1/dvb_ir/dvb_ir.out", 26.15, 54),
    ],
)
def test_frequencies(jobs: dict[str, LogJob], name: str, lowest: float, n_modes: int) -> None:
    frequencies = jobs[name].output.frequencies_per_cm
    assert frequencies[0] == lowest
    assert len(frequencies) == n_modes  # 3 * 20 - 6


def test_spin_contamination_is_flagged(jobs: dict[str, LogJob]) -> None:
    flagged = {name for name, job in jobs.items() if any("spin contamination" in flag for flag in job.flags)}
    assert flagged == {"cclib/Psi4-1.3.1/dvb_sp_uhf.out", "cclib/Psi4-1.7/dvb_sp_uhf.out"}


def test_xtb_geometries_come_from_beside_the_output(jobs: dict[str, LogJob]) -> None:
    assert jobs["cclib/XTB6.6.1/dvb_sp/dvb_sp.out"].geometry_file == "dvb_sp.xyz"
    assert jobs["cclib/XTB6.6.1/dvb_opt/dvb_opt.out"].geometry_file is None  # printed in the output
    assert "no geometry in the output or beside it" in jobs["autodE/xtb_h2_sp_xtb.out"].flags


def test_cclib_reads_the_same(jobs: dict[str, LogJob], recorded_logs_folder: Path) -> None:
    pytest.importorskip("cclib", reason="the second reader; `pip install heliosc[qc]`")
    from heliosc.qc.logs.second_reader import disagreements

    opinions = {name: disagreements(job, recorded_logs_folder / name) for name, job in jobs.items()}
    compared = {name for name, opinion in opinions.items() if opinion is not None}
    assert len(compared) >= 30
    assert {name: opinion for name, opinion in opinions.items() if opinion} == {}


def test_cclib_notices_a_number_that_was_read_wrongly(jobs: dict[str, LogJob], recorded_logs_folder: Path) -> None:
    pytest.importorskip("cclib", reason="the second reader; `pip install heliosc[qc]`")
    from dataclasses import replace

    from heliosc.qc.logs.second_reader import disagreements

    name = "cclib/Gaussian09/dvb_td.out"
    wrong = replace(jobs[name], energy_hartree=jobs[name].energy_hartree + 0.01)
    (opinion,) = disagreements(wrong, recorded_logs_folder / name) or [""]
    assert "cclib reads an energy of" in opinion
