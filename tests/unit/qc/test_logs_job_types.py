"""Jobs that are no single point and no free minimisation, and levels that a method's name does not tell.

The texts are minimal imitations of the programs' formats, written for these tests; only their numbers are made up.
"""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from heliosc.qc.logs.files import LogFile
from heliosc.qc.logs.folder import read_folder
from heliosc.qc.logs.jobs import LogFailure, LogJob, read_jobs
from heliosc.qc.logs.sets import log_sets

RECORDED = Path(__file__).parents[2] / "data" / "logs" / "thiophene"
XTB = gzip.decompress((RECORDED / "gfn2" / "opt_neutral.out.gz").read_bytes()).decode()
PSI4 = gzip.decompress((RECORDED / "b3lyp" / "neutral_at_neutral.out.gz").read_bytes()).decode()
WATER = [("O", 8, 0.0, 0.0, 0.1173), ("H", 1, 0.0, 0.7572, -0.4692), ("H", 1, 0.0, -0.7572, -0.4692)]


def orca(*lines: str, extra: str = "", basis: str = "DEF2-SVP", ghost: bool = False) -> str:
    """A single point of water, with these lines of input."""
    echo = "\n".join(f"|  {i}> {line}" for i, line in enumerate(lines, start=1))
    atoms = "\n".join(f"  {symbol}   {x:12.6f}{y:12.6f}{z:12.6f}" for symbol, _, x, y, z in WATER)
    extra_atom = "\n  H :    0.000000    0.000000    3.000000" if ghost else ""
    return f"""
                                 * O   R   C   A *
                         Program Version 5.0.4 -  RELEASE  -
Your calculation utilizes the basis: {basis}
================================================================================
                                       INPUT FILE
================================================================================
{echo}
|  9>                          ****END OF INPUT****
================================================================================
{extra}
---------------------------------
CARTESIAN COORDINATES (ANGSTROEM)
---------------------------------
{atoms}{extra_atom}

 Total Charge           Charge          ....    0
 Multiplicity           Mult            ....    1
               *           SCF CONVERGED AFTER   9 CYCLES          *
-------------------------   --------------------
FINAL SINGLE POINT ENERGY       -76.300000000000
-------------------------   --------------------
                             ****ORCA TERMINATED NORMALLY****
"""


def gaussian(
    route: str, *, extra: str = "", end: str = "", method: str = "RB3LYP", basis: str = "6-31G(d) (6D, 7F)"
) -> str:
    """A single point of water, with this route."""
    atoms = "\n".join(
        f"{i:7d}{z:11d}{0:12d}    {x:12.6f}{y:12.6f}{zz:12.6f}" for i, (_, z, x, y, zz) in enumerate(WATER, 1)
    )
    said = f" Standard basis: {basis}" if basis else " General basis read from cards:  (5D, 7F)"
    return f""" Initial command:
 Entering Gaussian System, Link 0=g16
 Gaussian 16, Revision C.01,
 -----------------
 {route}
 -----------------
 Charge =  0 Multiplicity = 1
{extra}
                         Standard orientation:
 ---------------------------------------------------------------------
 Center     Atomic      Atomic             Coordinates (Angstroms)
 Number     Number       Type             X           Y           Z
 ---------------------------------------------------------------------
{atoms}
 ---------------------------------------------------------------------
{said}
    19 basis functions,    36 primitive gaussians,    19 cartesian basis functions
 SCF Done:  E({method}) =  -76.3000000000     A.U. after   10 cycles
{end}
 Normal termination of Gaussian 16 at Thu Jan  1 00:00:00 2026.
"""


CONVERGED = " Berny optimization.\n Optimization completed.\n"


def only(text: str) -> LogJob | LogFailure:
    (found,) = read_jobs(LogFile("job.out", "0" * 64, text), folder=Path("nowhere"))
    return found


def job(text: str) -> LogJob:
    found = only(text)
    assert isinstance(found, LogJob), found
    return found


def reason(text: str) -> str:
    found = only(text)
    assert isinstance(found, LogFailure), found
    return found.reason


def test_plain_jobs_are_read() -> None:
    assert job(orca("! B3LYP def2-SVP", "* xyz 0 1")).level == "b3lyp/def2-svp[orca]"
    assert job(gaussian("#p b3lyp/6-31g(d)")).level == "b3lyp/6-31g(d)[gaussian]"


@pytest.mark.parametrize(
    ("lines", "extra", "words"),
    [
        (("! B3LYP def2-SVP Opt",), "* Relaxed Surface Scan *", "relaxed surface scan"),
        (("! B3LYP def2-SVP",), "* Parameter Scan Calculation *", "scan of geometries"),
        (("! B3LYP def2-SVP NEB-TS",), "", "neb-ts"),
        (("! B3LYP def2-SVP IRC",), "", "'irc'"),
        (("! QM/XTB B3LYP def2-SVP",), "", "qm/xtb"),
        (("! B3LYP def2-SVP", "%md", "run 10 end"), "", "molecular dynamics"),
        (("! B3LYP def2-SVP", "%scf BrokenSym 1,1 end"), "", "broken-symmetry"),
        (("! B3LYP def2-SVP", "%scf EField 0.0, 0.0, 0.01 end"), "", "electric field"),
        (("! HF Extrapolate(2/3,cc)",), "", "extrapolate"),
        (("! HF def2-SVP", "%casscf nel 2 norb 2 end"), "                      ORCA-CASSCF", "wave function method"),
        (("! B3LYP def2-SVP", "%mp2 end"), "                                ORCA  MP2 ", "wave function method"),
    ],
)
def test_orca_jobs_of_another_kind_are_refused(lines: tuple[str, ...], extra: str, words: str) -> None:
    assert words in reason(orca(*lines, extra=extra))


def test_an_mp2_module_is_part_of_mp2_and_double_hybrids() -> None:
    module = "                                ORCA  MP2 "
    assert job(orca("! RI-MP2 def2-SVP", extra=module)).level == "ri-mp2/def2-svp[orca]"
    assert job(orca("! B2PLYP def2-SVP", extra=module)).level == "b2plyp/def2-svp[orca]"


@pytest.mark.parametrize(
    ("lines", "what"),
    [
        (("! B3LYP def2-SVP OptTS",), "transition-state"),
        (("! B3LYP def2-SVP Opt", "%geom TS_Search EF end"), "transition-state"),
        (("! B3LYP def2-SVP Opt", "%geom Constraints {B 0 1 C} end end"), "constrained"),
        (("! B3LYP def2-SVP OptH",), "constrained"),
    ],
)
def test_orca_searches_that_end_at_no_minimum(lines: tuple[str, ...], what: str) -> None:
    found = job(orca(*lines, extra="THE OPTIMIZATION HAS CONVERGED"))
    assert found.output.optimization_converged
    assert not found.is_minimum
    assert any(what in flag for flag in found.flags)
    assert log_sets([found]) == []


@pytest.mark.parametrize(
    ("lines", "level"),
    [
        (("! ZORA B3LYP ZORA-def2-SVP",), "b3lyp-zora/def2-svp[orca]"),
        (("! ROKS B3LYP def2-SVP",), "b3lyp-ro/def2-svp[orca]"),
        (("! CAM-B3LYP def2-SVP", "%method RangeSepMu 0.15 end"), "cam-b3lyp-mu0.15/def2-svp[orca]"),
        (("! B3LYP def2-SVP", "# %method ScalHFX 0.5 end"), "b3lyp/def2-svp[orca]"),
    ],
)
def test_orca_levels_say_what_was_changed(lines: tuple[str, ...], level: str) -> None:
    assert job(orca(*lines)).level == level


def test_orca_basis_sets_changed_in_the_input_are_not_pooled() -> None:
    plain = job(orca("! B3LYP def2-SVP")).level
    one = job(orca("! B3LYP def2-SVP", '%basis NewGTO O "def2-TZVP" end end')).level
    other = job(orca("! B3LYP def2-SVP", '%basis NewGTO H "def2-TZVP" end end')).level
    assert len({plain, one, other}) == 3


def test_orca_solvent_is_named_as_asked_and_cosmo_is_not_cpcm() -> None:
    cavity = "CPCM SOLVATION MODEL\n  Epsilon              ...      80.4000\n"
    assert job(orca("! B3LYP def2-SVP CPCM(Water)", extra=cavity)).level == "b3lyp/def2-svp+cpcm(water)[orca]"
    cosmo = cavity + "  Epsilon function type                ...         COSMO\n"
    assert job(orca("! B3LYP def2-SVP CPCMC(Water)", extra=cosmo)).level == "b3lyp/def2-svp+cosmo(water)[orca]"


def test_ghost_atoms_are_never_left_out_silently() -> None:
    assert "no complete geometry" in reason(orca("! B3LYP def2-SVP", ghost=True))


def test_a_comma_after_the_basis_is_not_its_name() -> None:
    assert job(orca("! HF-3c", basis="MINIX,")).level == "hf-3c/minix[orca]"


def test_an_abort_of_unknown_cause_is_no_time_limit() -> None:
    text = orca("! B3LYP def2-SVP").replace("TERMINATED NORMALLY", "TERMINATED NOT NORMALLY")
    found = only(text)
    assert isinstance(found, LogFailure)
    assert found.error_class == "parse"
    assert "TERMINATED NOT NORMALLY" in found.reason


@pytest.mark.parametrize(
    ("route", "extra", "words"),
    [
        ("# b3lyp/6-31g(d) scan", "", "rigid scan"),
        ("# b3lyp/6-31g(d) irc=calcfc", "", "reaction path"),
        (
            "# b3lyp/6-31g(d) opt=modredundant",
            " ! R1    R(1,2)                  0.96           Scan            !",
            "surface scan",
        ),
        ("# b3lyp/6-31g(d) counterpoise=2", "", "ghost atoms"),
        ("# b3lyp/6-31g(d) field=x+10", "", "electric field"),
        ("# b3lyp/6-31g(d) charge", "", "point charges"),
        ("# casscf(2,2)/6-31g(d)", "", "multi-configuration"),
        ("# b3lyp/6-31g(d) scrf=ipcm", "", "solvent model other than"),
        ("# b3lyp/6-31g(d) freq=numer", "", "displaced geometries"),
        ("# b3lyp/6-31g(d) td freq", "", "excited state"),
        ("# b3lyp/6-31g(d) td opt", "", "optimised excited state"),
        ("# mp2/6-31g(d)", " E2 =    -0.1D+00 EUMP2 =    -0.76D+02", "MP2"),
        ("# oniom(b3lyp/6-31g(d):uff)", " ONIOM: extrapolated energy =  -76.3", "layers"),
    ],
)
def test_gaussian_jobs_of_another_kind_are_refused(route: str, extra: str, words: str) -> None:
    assert words in reason(gaussian(route, extra=extra))


@pytest.mark.parametrize(
    ("route", "extra", "what"),
    [
        ("# b3lyp/6-31g(d) opt=(calcfc,ts,noeigentest)", "", "transition-state"),
        ("# b3lyp/6-31g(d) opt=qst3 freq", "", "transition-state"),
        ("# b3lyp/6-31g(d) opt(ts, calcfc)", "", "transition-state"),
        ("# b3lyp/6-31g(d) opt=modredundant", " ! R1    R(1,2)      0.96         Frozen       !", "constrained"),
        ("# b3lyp/6-31g(d) opt", " H                    -1   0.0  0.7572   -0.4692", "constrained"),
    ],
)
def test_gaussian_searches_that_end_at_no_minimum(route: str, extra: str, what: str) -> None:
    found = job(gaussian(route, extra=extra, end=CONVERGED))
    assert found.output.optimization_converged
    assert not found.is_minimum
    assert any(what in flag for flag in found.flags)
    assert log_sets([found]) == []


@pytest.mark.parametrize("route", ["# opt=(maxcycles=200,tight) b3lyp/6-31g(d)", "# b3lyp/6-31g(d) opt freq=hpmodes"])
def test_free_optimisations_end_at_minima(route: str) -> None:
    assert job(gaussian(route, end=CONVERGED)).is_minimum


def test_a_strongly_imaginary_mode_is_no_minimum_and_a_soft_one_is_flagged() -> None:
    def with_mode(value: float) -> LogJob:
        return job(
            gaussian("# b3lyp/6-31g(d) opt freq", end=f"{CONVERGED}\n Frequencies --   {value}  1600.0  3700.0\n")
        )

    assert not with_mode(-1500.0).is_minimum
    assert with_mode(-30.0).is_minimum
    assert any("1 imaginary" in flag for flag in with_mode(-30.0).flags)


@pytest.mark.parametrize(
    ("route", "method", "level"),
    [
        (
            "# lc-whpbe/6-31g(d) iop(3/107=0170000000, 3/108=0170000000)",
            "RLC-wHPBE",
            "lc-whpbe-w0.1700/6-31g(d)[gaussian]",
        ),
        ("# rob3lyp/6-31g(d)", "ROB3LYP", "b3lyp-ro/6-31g(d)[gaussian]"),
        ("# b3lyp/6-31g(d) int=(ultrafine,dkh)", "RB3LYP", "b3lyp-dkh/6-31g(d)[gaussian]"),
    ],
)
def test_gaussian_levels_say_what_was_changed(route: str, method: str, level: str) -> None:
    assert job(gaussian(route, method=method)).level == level


def test_half_tuned_functionals_do_not_pool_with_the_untouched_one() -> None:
    levels = {
        job(gaussian(f"# b3lyp/6-31g(d) {iop}")).level for iop in ("", "iop(3/76=1000001500)", "iop(3/76=1000002000)")
    }
    assert len(levels) == 3


def test_kinds_of_d_functions_and_read_in_bases_are_part_of_the_level() -> None:
    assert job(gaussian("# b3lyp/tzvp 6d", basis="TZVP (6D, 7F)")).level == "b3lyp/tzvp.6d[gaussian]"
    assert job(gaussian("# b3lyp/tzvp", basis="TZVP (5D, 7F)")).level == "b3lyp/tzvp[gaussian]"
    assert job(gaussian("# b3lyp/6-31g(d) 5d", basis="6-31G(d) (5D, 7F)")).level == "b3lyp/6-31g(d).5d[gaussian]"
    assert job(gaussian("# b3lyp/gen", basis="")).level == "b3lyp/gen.19.36[gaussian]"


def test_dummy_centres_of_a_z_matrix_are_left_out_and_damaged_rows_are_not() -> None:
    row = "      4         -1           0        0.000000    0.000000    1.000000\n"
    text = gaussian("# b3lyp/6-31g(d)")
    end = "   -0.469200\n --"
    geometry = job(text.replace(end, end.replace(" --", row + " --"))).geometry
    assert geometry
    assert geometry.symbols == ("O", "H", "H")
    damaged = row.replace("-1", " 1").replace("1.000000", "********")
    assert "no complete geometry" in reason(text.replace(end, end.replace(" --", damaged + " --")))


def test_files_that_programs_leave_beside_their_outputs_are_no_outputs(tmp_path: Path) -> None:
    (tmp_path / "g98.out").write_text(
        " Entering Gaussian System\n ****\n Gaussian 98:\n frequency output\n Frequencies --  400.0\n"
    )
    (tmp_path / "xtb.err").write_text("Note: IEEE_UNDERFLOW_FLAG\nnormal termination of xtb\n")
    (tmp_path / "job.log").write_text("normal termination of xtb\n")
    (tmp_path / "gfnff_topo").write_text("x" * 30_000)
    report = read_folder(tmp_path)
    assert report.failures == ()
    assert report.ignored == ("g98.out", "gfnff_topo", "job.log", "xtb.err")


def psi4(*settings: str) -> str:
    """Our recorded output with more lines in its input."""
    return PSI4.replace("==> Input File <==", "==> Input File <==\n" + "\n".join(settings), 1)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (psi4("set perturb_h true"), "external field"),
        (PSI4 + "            *        CCENERGY        *\n", "post-SCF"),
        (PSI4 + "  Module OCC Options:\n", "post-SCF"),
        (PSI4 + "   ==> Starting MCSCF iterations <==\n", "post-SCF"),
        (PSI4 + "    Name: 3-21G\n    Role: ORBITAL\n", "several basis sets"),
        (PSI4 + "      Gh(O)          -1.58     -0.03     0.00    15.99\n", "ghost atoms"),
    ],
)
def test_psi4_jobs_of_another_kind_are_refused(text: str, words: str) -> None:
    assert words in reason(text)


def test_psi4_energies_of_displaced_geometries_are_left_out() -> None:
    displaced = (
        "                                   FINDIF\n    Total Energy =    -1.0\n  @DF-RKS Final Energy:    -1.0\n"
    )
    found = job(PSI4.replace("*** Psi4 exiting", f"{displaced}*** Psi4 exiting"))
    assert found.energy_hartree == -546.71311781684801
    alone = PSI4[: PSI4.index("==> Geometry <==")] + displaced + PSI4[PSI4.index("==> Geometry <==") :]
    assert "displaced geometries only" in reason(alone)


def test_psi4_searches_and_levels_are_told_by_the_input() -> None:
    assert job(psi4("set opt_type ts")).output.special_geometry == "a transition-state search"
    assert job(psi4('set frozen_distance = ("1 2")')).output.special_geometry == "a constrained optimisation"
    assert job(psi4("# set opt_type ts")).output.special_geometry is None
    assert job(psi4("set dft_omega 0.2")).level == "b3lyp-w0.2000/sto-3g[psi4]"
    assert job(psi4("set relativistic x2c")).level == "b3lyp-x2c/sto-3g[psi4]"


def test_xtb_scans_and_constraints_are_no_minima() -> None:
    line = "constraining bond 1 2 to    1.8000000 A, actual value:    1.7227445 A\n"
    start = XTB.index("program call")
    constrained = XTB[:start] + f"\n{line}          " + XTB[start:]
    assert job(XTB).is_minimum
    assert not job(constrained).is_minimum
    assert "relaxed scan" in reason(XTB + " RELAXED SCAN\n")


def test_xtb_fukui_run_gives_the_neutral_and_not_its_last_ion() -> None:
    start = XTB.rindex("          | TOTAL ENERGY")
    box = XTB[start:].replace("-13.818275439233", "-13.944462126227")
    assert "-13.944462126227" in box
    assert job(XTB[:start] + "Fukui index Calculation\n" + box).energy_hartree == -13.818275439233


def test_another_electronic_temperature_is_another_level() -> None:
    hot = XTB.replace("electronic temp.          300.0000000", "electronic temp.         1000.0000000")
    assert job(XTB).level == "gfn2"
    assert job(hot).level == "gfn2-etemp1000"
    assert log_sets([job(hot)]) == []


def test_xtb_through_its_library_prints_little() -> None:
    text = """      |                           x T B                           |
   * xtb version 6.6.1 (8d0f1dd) compiled by 'nobody' on 2026-01-01
 * started run on 2026/01/01 at 12:00:00.000
          program call               : xtb w.xyz --tblite --opt
          coordinate file            : w.xyz
number of electrons       8.0000000000000E+00 e
total energy             -5.0705443263076E+00 Eh
   *** GEOMETRY OPTIMIZATION CONVERGED AFTER 1 ITERATIONS ***
================
 final structure:
================
3
 xtb: 6.6.1 (8d0f1dd)
O            1.07015391331798       -0.01769828395654        0.04981203402603
H            2.02952514441169       -0.00813780275851        0.03338237327689
H            0.76845094227033        0.44031608671506       -0.73728440730292

          | TOTAL ENERGY               -5.070544326309 Eh   |
 * finished run on 2026/01/01 at 12:00:00.100
"""
    found = job(text)
    assert (found.level, found.charge, found.multiplicity) == ("gfn2", 0, 1)
    assert found.energy_hartree == -5.070544326309
    assert found.is_minimum
    assert job(text.replace("--tblite", "--gfn 1 --tblite")).level == "gfn1"
