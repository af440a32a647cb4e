"""Files that cannot train a surrogate: each ends with one clear message, before anything is trained."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from heliosc.campaign.training import surrogate_data
from heliosc.cli.app import app

IE = "vertical_ionization_energy@ipea1//gfn2"
GAP = "homo_lumo_gap@gfn2"
N = 150


def _write(header: str, *columns: list[str], n: int = N) -> None:
    smiles = [f"{'C' * length}{end}" for length in range(1, 41) for end in ("O", "N", "S", "F")][:n]
    rows = [",".join(cells) for cells in zip(smiles, *columns, strict=False)]
    Path("data.csv").write_text("\n".join([header, *rows]) + "\n")


def _numbers(low: float, high: float, n: int = N) -> list[str]:
    return [f"{value:.4f}" for value in np.random.default_rng(0).uniform(low, high, n)]


def _no_smiles() -> None:
    _write(f"molecule,{IE}", _numbers(6, 9))


def _hartree_among_ev() -> None:
    values = _numbers(6, 9)
    values[3:40] = [f"{float(value) / 27.2114:.5f}" for value in values[3:40]]
    _write(f"smiles,{IE}", values)


def _all_mev() -> None:
    _write("smiles,lambda_hole@gfn2", _numbers(100, 400))


def _with_words() -> None:
    _write(f"smiles,{IE}", [f"{value} eV" for value in _numbers(6, 9)])


def _nan() -> None:
    _write(f"smiles,{IE},{GAP}", _numbers(6, 9), ["NaN"] * (N - 7) + _numbers(1, 4, 7))


def _constant() -> None:
    _write(f"smiles,{IE},{GAP}", _numbers(6, 9), ["2.5"] * N)


def _one() -> None:
    _write(f"smiles,{IE}", ["8.9"], n=1)


def _wrong_sign() -> None:
    _write(f"smiles,{IE}", [f"-{value}" for value in _numbers(6, 9)])


def _good() -> None:
    _write(f"smiles,{IE},{GAP}", _numbers(6, 9), _numbers(1, 4))


@pytest.mark.parametrize(
    ("make", "more", "words"),
    [
        (_no_smiles, [], ["no SMILES column", "molecule", "expected one named smiles"]),
        (_hartree_among_ev, [], [f"37 of {N} values of {IE} look like hartree, not eV", "multiply them by 27.2114"]),
        (_all_mev, [], ["all values of lambda_hole@gfn2 look like meV", "multiply them by 0.001"]),
        (_with_words, [], ["0 usable molecules", f"{N} rows were set aside", "eV'; expected a finite number in eV"]),
        (_nan, [], [f"{GAP} has 7 known values among {N} molecules", "need at least 134", "--targets"]),
        (_constant, [], [f"all {N} known values of {GAP} are 2.5", "nothing to learn"]),
        (_one, [], ["1 usable molecule;", "need at least 134"]),
        (_wrong_sign, [], ["outside 0 to 40 eV", "correct the sign or unit"]),
        (_good, ["--targets", "homo_lumo_gpa@gfn2"], ["unknown property 'homo_lumo_gpa'", "homo_lumo_gap"]),
        (_good, ["--targets", "homo_energy@gfn2"], ["no column homo_energy@gfn2", IE, GAP]),
        (_good, ["--targets", "homo_lumo_gap"], ["names no level of theory"]),
        (_good, ["--targets", f"{GAP},{GAP}"], ["named twice"]),
        (_good, ["-o", "surrogate.target_weights={homo_energy@gfn2: 2}"], ["target_weights names homo_energy@gfn2"]),
        (_good, ["-o", f"surrogate.target_weights={{{GAP}: 0}}"], ["target_weights", "greater than 0"]),
    ],
    ids=lambda value: value.__name__.strip("_") if callable(value) else None,
)
def test_a_clear_error_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[], None], more: list[str], words: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    make()
    outcome = CliRunner().invoke(app, ["train", "surrogate", "--data", "data.csv", "--out", "model", *more])
    assert isinstance(outcome.exception, SystemExit)
    flat = " ".join(outcome.output.split())
    assert outcome.exit_code in (2, 3), flat
    for word in words:
        assert word in flat
    assert not Path("model").exists()


def test_the_bad_column_can_be_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    _constant()
    data = surrogate_data(Path("data.csv"), targets=[IE])
    assert [str(key) for key in data.table.keys] == [IE]
    assert len(data.table.smiles) == N


def test_targets_come_in_the_order_asked_for_and_without_empty_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ie = _numbers(6, 9)
    _write(f"smiles,{IE},{GAP}", ie, ["", *_numbers(1, 4, N - 1)])
    both = surrogate_data(Path("data.csv"), targets=[GAP, IE]).table
    assert [str(key) for key in both.keys] == [GAP, IE]
    assert both.values[0, 1] == float(ie[0])
    assert np.isnan(both.values[0, 0])
    assert len(surrogate_data(Path("data.csv"), targets=[GAP]).table.smiles) == N - 1


def test_a_wide_but_whole_column_is_no_mixture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    spread = [f"{value:.4f}" for value in np.geomspace(0.03, 4.0, N)]  # lambda of odd molecules, above the usual range
    _write("smiles,lambda_hole@gfn2", spread)
    assert len(surrogate_data(Path("data.csv")).table.smiles) == N


@pytest.mark.parametrize(
    ("override", "told"),
    [
        ("surrogate.network={hiden: 64}", "did you mean 'hidden'"),
        ("surrogate.network={epochs: 3}", "a setting of its own"),
        ("surrogate.network={dropout: 2.0}", "expected 0 to below 1"),
        ("surrogate.network={hidden: wide}", "expected a whole number"),
        ("surrogate.network={hidden: 32.5}", "expected a whole number"),
        ("surrogate.network={depth: true}", "expected a whole number"),
        ("surrogate.network={learning_rate: .nan}", "expected a finite number"),
        ("surrogate.network={gradient_clip: -1}", "expected a positive number"),
        ("surrogate.network={weight_decay: -3}", "expected 0 or more"),
        ("surrogate.network={use_descriptors: 0}", "expected true or false"),
        ("surrogate.start_from=nowhere", "nowhere"),
    ],
)
def test_bad_network_settings_are_told(
    override: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    _write(f"smiles,{IE}", _numbers(6, 9))
    outcome = CliRunner().invoke(app, ["train", "surrogate", "--data", "data.csv", "-o", override])
    assert outcome.exit_code == 3
    assert told in " ".join(outcome.output.split())


@pytest.mark.parametrize("model", ["surrogate", "generator"])
@pytest.mark.parametrize("out", ["mine", "."])
def test_a_folder_of_other_things_is_not_trained_into(
    out: str, model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine").mkdir()
    Path("mine/notes.txt").write_text("years")
    _write(f"smiles,{IE}", _numbers(6, 9))
    outcome = CliRunner().invoke(app, ["train", model, "--data", "data.csv", "--out", out])
    assert outcome.exit_code == 3
    assert "would be replaced as a whole" in " ".join(outcome.output.split())
    assert not Path("mine.checkpoints").exists()  # said before the training, not after it
    assert Path("mine/notes.txt").read_text() == "years"


def test_what_no_surrogate_predicts_is_not_learnt_from_either(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    _write(f"smiles,{IE}", _numbers(6, 9))
    lines = Path("data.csv").read_text().splitlines()
    for row, smiles in ((3, "C[N+](C)(C)C"), (5, "c1ccccc1.c1ccsc1"), (7, "[CH2]CC")):
        lines[row - 1] = f"{smiles},7.0"
    Path("data.csv").write_text("\n".join(lines) + "\n")
    data = surrogate_data(Path("data.csv"))
    assert len(data.table.smiles) == N - 3
    assert [(entry.row, word in entry.reason) for entry, word in zip(
        data.quarantined, ("charge +1", "several fragments", "radical"), strict=True)
    ] == [(3, True), (5, True), (7, True)]  # fmt: skip
