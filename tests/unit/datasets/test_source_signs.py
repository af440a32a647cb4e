"""Units and signs of every source, on molecules whose values are known.

Benzene and naphthalene do not bind an electron in the gas phase (EA -1.1 and -0.2 eV, NIST), tetracyanoquinodimethane
does by about 3 eV; methane's HOMO is -0.3877 hartree in QM9.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from heliosc.chemistry.standardisation import standardise
from heliosc.datasets.convert import Converted
from heliosc.datasets.declaration import SourceDeclaration, shipped_source, shipped_sources

Reader = Callable[..., Converted]

HARTREE, BOHR3 = 27.211386245988, 0.14818471
OCELOT_DFT = "lc-whpbe-ot/def2-svp[gaussian]"
QMUGS_DFT = "wb97x-d/def2-svp[psi4]//gfn2"
QM9_DFT = "b3lyp/6-31g(2df,p)[gaussian]"


def value_of(frame: pl.DataFrame, smiles: str, key: str) -> float:
    return frame.filter(pl.col("smiles") == standardise(smiles).smiles)[key][0]


@pytest.mark.parametrize("name", shipped_sources())
def test_every_declaration_gives_known_units_to_known_properties(name: str) -> None:
    source = shipped_source(name)
    assert source.licence.name
    assert all(abs(column.factor) > 0 for column in source.columns)


def ocelot_differences(reference: Path, converted: Reader, declaration: SourceDeclaration) -> dict[str, float]:
    """Largest violation of each identity between raw columns and converted values, eV."""
    file = reference / "ocelot_chromophore_v1_development.csv"
    frame = converted(file, declaration, n_rows=100_000).frame
    raw = pl.read_csv(file).with_row_index("row", offset=1).with_columns(pl.col("row").cast(pl.Int64))
    both = frame.join(raw.drop("smiles"), on="row")
    assert both.height == raw.height == 20_166

    def ours(name: str) -> pl.Expr:
        return pl.col(f"{name}@{OCELOT_DFT}")

    differences = {
        "hr = cr1 + cr2": ours("lambda_hole") - pl.col("cr1") - pl.col("cr2"),
        "er = ar1 + ar2": ours("lambda_electron") - pl.col("ar1") - pl.col("ar2"),
        "cr1 = vie - aie": pl.col("cr1") - (ours("vertical_ionization_energy") - ours("adiabatic_ionization_energy")),
        # relaxing an anion binds the electron more: the adiabatic affinity is larger, by ar1
        "ar1 = aea - vea": pl.col("ar1") - (ours("adiabatic_electron_affinity") - ours("vertical_electron_affinity")),
        "EA = -vea": ours("vertical_electron_affinity") + pl.col("vea"),
        "gap": ours("homo_lumo_gap") - (ours("lumo_energy") - ours("homo_energy")),
    }
    return {name: both.select(expression.abs().max()).item() for name, expression in differences.items()}


@pytest.mark.slow
def test_ocelot_identities_hold_after_conversion_for_every_row(reference_data: Path, converted: Reader) -> None:
    differences = ocelot_differences(reference_data, converted, shipped_source("ocelot"))
    assert max(differences.values()) < 1e-6, differences


def small_ocelot(reference: Path, folder: Path) -> Path:
    """The first 300 rows."""
    lines = (reference / "ocelot_chromophore_v1_development.csv").read_bytes().splitlines(keepends=True)
    file = folder / "ocelot_chromophore_v1.csv"
    file.write_bytes(b"".join(lines[:301]))
    return file


@pytest.mark.parametrize("column", ["vie", "aie", "vea", "aea", "hr", "er", "homo", "lumo", "hl"])
def test_a_flipped_sign_in_the_ocelot_adapter_is_seen(
    reference_data: Path, converted: Reader, tmp_path: Path, column: str
) -> None:
    """Either rows become impossible or an identity breaks; with the right signs neither happens."""
    file = small_ocelot(reference_data, tmp_path)
    right = shipped_source("ocelot")
    flipped = [
        mapped.model_copy(update={"sign": "opposite" if mapped.sign == "same" else "same"})
        if mapped.column == column
        else mapped
        for mapped in right.columns
    ]
    wrong = SourceDeclaration.model_validate(
        right.model_dump() | {"columns": [mapped.model_dump() for mapped in flipped]}
    )
    assert _n_contradictions(converted(file, right).frame) == 0
    broken = converted(file, wrong)
    assert len(broken.refused) > 30 or _n_contradictions(broken.frame) > 30


def _n_contradictions(frame: pl.DataFrame) -> int:
    """Rows against the physics: IE relaxes downwards, EA upwards, a positive gap, HOMO below LUMO, EA below IE."""

    def ours(name: str) -> pl.Expr:
        return pl.col(f"{name}@{OCELOT_DFT}")

    contradiction = (
        (ours("adiabatic_ionization_energy") > ours("vertical_ionization_energy"))
        | (ours("adiabatic_electron_affinity") < ours("vertical_electron_affinity"))
        | ((ours("homo_lumo_gap") - ours("lumo_energy") + ours("homo_energy")).abs() > 1e-3)
        | (ours("lambda_hole") < 0)
    )
    return frame.filter(contradiction).height


def test_compas_affinities_are_positive_when_bound(reference_data: Path, converted: Reader, tmp_path: Path) -> None:
    frame = converted(reference_data / "compas_1d.csv", shipped_source("compas"), n_rows=60).frame
    key = "adiabatic_electron_affinity@b3lyp-d3bj/def2-svp"
    naphthalene = "c1ccc2ccccc2c1"
    assert value_of(frame, naphthalene, key) == pytest.approx(-0.524)
    assert value_of(frame, naphthalene, "adiabatic_ionization_energy@b3lyp-d3bj/def2-svp") == pytest.approx(7.734)
    assert value_of(frame, "c1ccc2cc3cc4cc5ccccc5cc4cc3cc2c1", key) > 0.5  # pentacene, 1.4 eV measured


def test_pachqa_levels_stay_apart_and_polarizabilities_become_cubic_angstrom(
    reference_data: Path, converted: Reader
) -> None:
    frame = converted(reference_data / "pachqa_props.csv", shipped_source("pachqa"), n_rows=3).frame
    assert frame["smiles"].n_unique() == 1
    assert frame["polarizability@d4//gfn2"].drop_nulls().to_list() == pytest.approx([267.744629 * BOHR3])
    r2scan = frame["homo_energy@r2scan-3c/def2-mtzvpp[orca]"].drop_nulls().to_list()
    assert r2scan == pytest.approx([-4.7526])


def test_tartarus_homo_is_lumo_minus_gap(reference_data: Path, converted: Reader) -> None:
    frame = converted(reference_data / "tartarus_hce.csv", shipped_source("tartarus_hce"), n_rows=1).frame
    assert frame["homo_energy@gfn2"][0] == pytest.approx(-8.0064 - 1.347577862554)


def test_hopv_donors_that_are_polymers_are_told_apart(reference_data: Path, converted: Reader) -> None:
    frame = converted(reference_data / "hopv15.csv", shipped_source("hopv15")).frame
    assert frame["kind"].value_counts().sort("kind").rows() == [("molecule", 130), ("polymer", 220)]
    assert frame.filter(pl.col("kind") == "polymer")["inchikey"].null_count() == 220
    assert frame["homo_energy@experiment-cv"].max() < -4
    assert 0 < frame["fill_factor@experiment-device"].median() < 100


def test_nrel_gap_is_optical(reference_data: Path, converted: Reader) -> None:
    frame = converted(reference_data / "nrel_opv_valid.csv", shipped_source("nrel_opv"), n_rows=200).frame
    optical = frame["singlet_excitation_energy@td-b3lyp/6-31g(d)[gaussian]"]
    orbital = frame["lumo_energy@b3lyp/6-31g(d)[gaussian]"] - frame["homo_energy@b3lyp/6-31g(d)[gaussian]"]
    assert (optical < orbital).mean() > 0.95


def test_cep_keeps_the_published_efficiencies(reference_data: Path, converted: Reader) -> None:
    frame = converted(reference_data / "cep_pce.csv", shipped_source("cep"), n_rows=1).frame
    assert frame["power_conversion_efficiency@scharber//dft"][0] == pytest.approx(3.596639)


def test_hansen_water_bonds_by_hydrogen(reference_data: Path, converted: Reader) -> None:
    frame = converted(reference_data / "hansen.csv", shipped_source("hansen")).frame
    lactic_acid = frame.filter(pl.col("row") == 1)
    assert lactic_acid["hansen_hydrogen_bonding@experiment"][0] == pytest.approx(28.4)
    assert lactic_acid["hansen_dispersion@experiment"][0] == pytest.approx(17.0)


def test_named_acceptors_have_measured_levels(reference_data: Path, converted: Reader) -> None:
    result = converted(reference_data / "nfa_named.tsv", shipped_source("nfa_named"))
    assert result.frame.filter(pl.col("row") == 1)["homo_energy@experiment-cv"][0] == pytest.approx(-5.45)
    assert result.frame["lumo_energy@experiment-cv"].max() < -3
    assert any("-4.16/-4.17" in refusal.reason for refusal in result.refused)


def test_qm9_xyz_of_methane(converted: Reader, tmp_path: Path) -> None:
    """The first file of the authors' archive, with its own numbers; the second relaxed into another molecule."""
    import io
    import tarfile

    methane = (
        "5\ngdb 1\t157.7118\t157.70997\t157.70699\t0.\t13.21\t-0.3877\t0.1171\t0.5048\t35.3641\t0.044749\t-40.47893\t"
        "-40.476062\t-40.475117\t-40.498597\t6.469\t\nC\t-0.0126981359\t 1.0858041578\t 0.0080009958\t-0.535689\n"
        "H\t 0.002150416\t-0.0060313176\t 0.0019761204\t 0.133921\nH\t 1.0117308433\t 1.4637511618\t 2.765748e-4\t0.1\n"
        "H\t-0.540815069\t 1.4475266138\t-8.766437152*^-1\t 0.133923\nH\t-0.5238136345\t 1.4379326443\t0.9\t 0.1\n"
        "1341.307\t1341.3284\t1341.365\nC\tC\t\nInChI=1S/CH4/h1H4\tInChI=1S/CH4/h1H4\n"
    )
    file = tmp_path / "dsgdb9nsd.xyz.tar.bz2"
    with tarfile.open(file, "w:bz2") as archive:
        for name, text in (("a.xyz", methane), ("b.xyz", methane.replace("\tInChI=1S/CH4", "\tInChI=1S/CH3"))):
            member = tarfile.TarInfo(name)
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    result = converted(file, shipped_source("qm9"))
    row = result.frame.row(0, named=True)
    assert row["smiles"] == "C"
    assert row[f"homo_energy@{QM9_DFT}"] == pytest.approx(-0.3877 * HARTREE)
    assert row[f"homo_lumo_gap@{QM9_DFT}"] == pytest.approx(0.5048 * HARTREE)
    assert row[f"polarizability@{QM9_DFT}"] == pytest.approx(13.21 * BOHR3)
    assert "relaxed from C into C" in result.refused[0].reason


def test_qmugs_summary_and_curated_csv(converted: Reader, tmp_path: Path) -> None:
    summary = tmp_path / "summary.csv"
    summary.write_text(
        "smiles,chembl_id,conf_id,DFT_HOMO_ENERGY,DFT_LUMO_ENERGY,DFT_HOMO_LUMO_GAP,DFT_DIPOLE_TOT,GFN2_HOMO_ENERGY,"
        "GFN2_LUMO_ENERGY,GFN2_HOMO_LUMO_GAP,GFN2_DIPOLE_TOT,GFN2_POLARIZABILITY_MOLECULAR\n"
        "c1ccccc1,CHEMBL277500,conf_00,-0.33,0.07,0.40,0.0,-0.40,-0.24,0.16,0.0,68.0\n"
    )
    row = converted(summary, shipped_source("qmugs")).frame.row(0, named=True)
    assert row[f"homo_energy@{QMUGS_DFT}"] == pytest.approx(-0.33 * HARTREE)
    assert row["homo_lumo_gap@gfn2"] == pytest.approx(0.16 * HARTREE)
    assert row["polarizability@d4//gfn2"] == pytest.approx(68.0 * BOHR3)
    curated = tmp_path / "qmugs_curatedDFT.csv"
    curated.write_text("rdkit_smiles,compound_id,DFT_HOMO_LUMO_GAP\nc1ccccc1,CHEMBL277500,0.40\n")
    row = converted(curated, shipped_source("qmugs_curated")).frame.row(0, named=True)
    assert row[f"homo_lumo_gap@{QMUGS_DFT}"] == pytest.approx(0.40 * HARTREE)


def test_csce_columns_are_found_by_their_place(converted: Reader, tmp_path: Path) -> None:
    file = tmp_path / "csce_gap_synth.csv"
    file.write_text("id,smiles,n,gap,synth\n0,c1ccsc1,5,4.9,1.2\n1,CC,2,9.9,1.0\n")
    frame = converted(file, shipped_source("csce_gap_synth")).frame
    assert value_of(frame, "c1ccsc1", "homo_lumo_gap@dftb") == pytest.approx(4.9)
    assert value_of(frame, "CC", "synthesizability_score@structure") == pytest.approx(1.0)
