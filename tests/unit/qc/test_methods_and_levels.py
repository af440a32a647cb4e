"""Methods in no program's spelling, presets, and how each program writes them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from heliosc.errors import InputError, UsageError
from heliosc.qc.executors import QCExecutor
from heliosc.qc.external.settings import Job, ProgramSettings
from heliosc.qc.gaussian import GaussianExecutor
from heliosc.qc.geometries import Geometry
from heliosc.qc.levels import PRESETS, estimated_core_seconds, level_scheme
from heliosc.qc.methods import Method, parse_method, same_basis, same_functional
from heliosc.qc.orca import OrcaExecutor
from heliosc.qc.programs import PROGRAMS, executor, program_for
from heliosc.qc.psi4 import Psi4Executor
from heliosc.qc.resources import Resources, worker_count


def test_a_full_method_is_read_and_written_back() -> None:
    method = parse_method("B3LYP-D3BJ/def2SVP+smd(Toluene)")
    assert method == Method("b3lyp", "def2-svp", "d3bj", "normal", "smd", "toluene")
    assert method.level("orca") == "b3lyp-d3bj/def2-svp+smd(toluene)[orca]"
    assert parse_method("wb97x-d/6-31g(d)").functional == "wb97x-d"  # its -d belongs to the functional


@pytest.mark.parametrize(
    "text",
    [
        "b3lyp",
        "gfn2//gfn2",
        "b3lyp/x[psi4]",
        "",
        "mmff94",
        "b3lyp-hugegrid/def2-svp",
        "b3lyp-coarsegrid-d4/sto-3g",
        "b3lyp/def2-svp; rm",
    ],
)
def test_what_is_no_method_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        parse_method(text)


@pytest.mark.parametrize(
    ("first", "second", "is_same"),
    [("6-31G*", "6-31g(d)", True), ("def2SVP", "def2-SVP", True), ("6-31G(d,p)", "6-31G**", True),
     ("6-31G", "6-31G*", False), ("def2-SVP", "def2-SVPD", False), ("6-31+G*", "6-31G*", False)],
)  # fmt: skip
def test_spellings_of_basis_sets(first: str, second: str, is_same: bool) -> None:
    assert same_basis(first, second) is is_same


@pytest.mark.parametrize(
    ("asked", "said", "is_same"),
    [("b3lyp", "RB3LYP", True), ("B3LYP", "UB3LYP", True), ("B3LYP/G", "B3LYP", True), ("b3lyp", "B3PW91", False),
     ("pbe", "PBE0", False), ("wb97x-d", "wB97XD", True), ("mp2", "hf", True), ("ccsd(t)", "hf", True),
     ("b3lyp", "hf", False)],
)  # fmt: skip
def test_spellings_of_functionals(asked: str, said: str, is_same: bool) -> None:
    assert same_functional(asked, said) is is_same


def test_presets_name_what_they_are() -> None:
    assert level_scheme("gfn2").is_embedded
    assert level_scheme("ipea-gfn2").level("tblite") == "ipea1//gfn2"
    assert level_scheme("dft-fast").level("psi4") == "b3lyp-coarsegrid/def2-svp[psi4]//gfn2"
    assert level_scheme("dft").level("pyscf") == "b3lyp-d3bj/def2-svp[pyscf]"
    assert all(preset.cost and preset.error and preset.meaning for preset in PRESETS.values())


def test_any_mix_and_any_solvent() -> None:
    mix = level_scheme("PBE0-D4/def2-TZVP // gfn2+alpb(toluene)".replace(" ", ""))
    assert mix.level("pyscf") == "pbe0-d4/def2-tzvp[pyscf]//gfn2+alpb(toluene)"
    solvated = level_scheme("dft-fast+smd(toluene)")
    assert solvated.level("pyscf") == "b3lyp-coarsegrid/def2-svp+smd(toluene)[pyscf]//gfn2"
    assert solvated.single_points.grid == "coarse"  # the preset's own
    assert level_scheme("gfn2+alpb(toluene)").geometries.solvent == "toluene"  # A alone is A//A


@pytest.mark.parametrize("text", ["b3lyp-coarsegrid/def2-svp", "wb97x-d3bj-finegrid/def2-tzvp+smd(toluene)"])
def test_values_on_unlike_grids_have_unlike_levels(text: str) -> None:
    scheme = level_scheme(f"{text}//gfn2")
    assert scheme.level("orca") == f"{text}[orca]//gfn2"
    assert level_scheme(scheme.level("")) == replace(scheme, name=scheme.level(""))  # read back
    usual = scheme.on_normal_grids.level("orca")
    assert "grid" not in usual
    assert usual == level_scheme(text.replace("-coarsegrid", "").replace("-finegrid", "") + "//gfn2").level("orca")


@pytest.mark.parametrize("text", ["", "foo", "dft-fast+smd(a b)", "gfn2//gfn2//gfn2", "b3lyp/x\nend", "../b3lyp"])
def test_unknown_levels_list_the_presets(text: str) -> None:
    with pytest.raises(InputError, match="presets are gfn2, ipea-gfn2, dft-fast, dft"):
        level_scheme(text)


def test_every_program_keeps_the_contract_and_refuses_what_it_has_not() -> None:
    for name in PROGRAMS:
        method = parse_method("gfn2" if name in ("tblite", "xtb") else "b3lyp/def2-svp")
        if name != "pyscf":  # optional; its own tests ask the same
            assert isinstance(executor(method, name), QCExecutor)
    assert program_for(parse_method("gfn2")) == "tblite"
    assert program_for(parse_method("b3lyp/def2-svp")) == "pyscf"
    for text, program in (("b3lyp/def2-svp", "tblite"), ("gfn2", "orca"), ("b3lyp/def2-svp", "xtb"), ("gfn2", "x")):
        with pytest.raises(InputError):
            executor(parse_method(text), program)


def test_each_program_writes_dispersion_grid_and_solvent_in_its_own_words(hydrogen: Geometry) -> None:
    settings = ProgramSettings.of(parse_method("b3lyp-d3bj-finegrid/def2-svp+smd(toluene)"))
    job = Job(hydrogen, 0, 1)
    orca = OrcaExecutor(settings).build_input(job)
    assert orca.startswith("! b3lyp def2-svp D3BJ DefGrid3\n")
    assert '%cpcm smd true SMDsolvent "toluene" end' in orca
    route = GaussianExecutor(settings).build_input(job).splitlines()
    for word in ("#P b3lyp/def2svp", "empiricaldispersion=gd3bj", "int=superfine", "scrf=(smd,solvent=toluene)"):
        assert word in route
    psi4 = Psi4Executor(replace(settings, solvation="", solvent="")).build_input(job)
    assert 'energy("b3lyp-d3bj")' in psi4
    assert "dft_spherical_points 590" in psi4


@pytest.mark.parametrize(
    ("program", "text"),
    [(Psi4Executor, "b3lyp/def2-svp+smd(toluene)"), (Psi4Executor, "b3lyp-d4/def2-svp"),
     (GaussianExecutor, "b3lyp-d4/def2-svp"), (GaussianExecutor, "b3lyp/def2-svp+ddcosmo(toluene)"),
     (OrcaExecutor, "b3lyp/def2-svp+alpb(toluene)")],
)  # fmt: skip
def test_what_a_program_has_not_is_said_before_it_runs(program: type, text: str) -> None:
    with pytest.raises(InputError):
        program(ProgramSettings.of(parse_method(text)))


@pytest.mark.parametrize(
    ("resources", "uses_memory", "expected"),
    [
        (Resources(), False, 16),
        (Resources(cores_per_task=4), False, 4),
        (Resources(cores_per_task=5), False, 3),
        (Resources(memory_gb=10), True, 6),
        (Resources(memory_gb=10), False, 16),
        (Resources(max_workers=3, cores_per_task=5), False, 3),
        (Resources(max_workers=40, allow_oversubscription=True), False, 40),
    ],
)
def test_workers_by_hand(resources: Resources, uses_memory: bool, expected: int) -> None:
    assert worker_count(resources, uses_memory=uses_memory, n_cores=16, memory_gb=64) == expected


@pytest.mark.parametrize(
    "resources", [Resources(max_workers=4, cores_per_task=5), Resources(cores_per_task=17), Resources(memory_gb=65)]
)
def test_more_than_the_machine_is_refused(resources: Resources) -> None:
    with pytest.raises(UsageError, match="do not fit into this machine's 16 cores and 64"):
        worker_count(resources, n_cores=16, memory_gb=64)


@pytest.mark.parametrize(
    ("level", "n_atoms", "measured_s"),
    [("gfn2", 9, 0.2), ("gfn2", 36, 1.5), ("dft-fast", 9, 60.0), ("dft-fast", 36, 900.0)],
)  # fmt: skip
def test_estimated_cost_is_right_within_a_factor_of_three(level: str, n_atoms: int, measured_s: float) -> None:
    estimate = estimated_core_seconds(level_scheme(level), n_atoms)
    assert measured_s / 3 < estimate < measured_s * 3
    assert estimated_core_seconds(level_scheme("dft"), n_atoms) > estimate
