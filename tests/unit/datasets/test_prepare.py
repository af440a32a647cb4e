"""Sides, statistics, seed and pool of a small wide table."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from heliosc.chemistry.identity import inchikey, parse_smiles
from heliosc.cli.app import app
from heliosc.datasets.normalisation import normalisation_of, read_normalisation, write_normalisation
from heliosc.datasets.prepare import PrepareSettings, load_prepared, prepare, training_smiles
from heliosc.datasets.splits import stratified_split
from heliosc.errors import InputError
from heliosc.properties import PropertyKey, PropertyTable

HOMO, LAMBDA = PropertyKey.parse("homo_energy@gfn2"), PropertyKey.parse("lambda_hole@gfn2")
N_LABELLED, N_BARE = 100, 20


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Alkylthiophenes and alkylbenzenes: 100 with a HOMO, half of those with lambda, 20 with neither."""
    file = tmp_path_factory.mktemp("wide") / "all_mols.csv"
    rings = ("c1ccsc1", "c1ccccc1", "c1ccoc1")
    smiles = [f"{'C' * n}{ring}" for n in range(1, 41) for ring in rings]
    with file.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(
            [
                "smiles",
                "inchikey",
                str(HOMO),
                str(LAMBDA),
                "sa_score@structure",
                "dipole_moment@gfn2",
                "optical_gap@gfn2",
            ]
        )
        for index, text in enumerate(smiles):
            homo = -6 - index / 100 if index < N_LABELLED else ""
            reorganisation = 0.1 + index / 1000 if index < N_LABELLED and index % 2 else ""
            key = inchikey(parse_smiles(text))
            writer.writerow([text, key, homo, reorganisation, 2.0, 1.0 if index == 3 else "", 2.5])
    return file


def column(file: Path, name: str = "smiles") -> list[str]:
    with file.open(newline="") as stream:
        return [row[name] for row in csv.DictReader(stream)]


@pytest.mark.parametrize("method", ["random", "scaffold", "stratified"])
def test_every_labelled_molecule_is_on_one_side_and_test_never_in_the_pool(
    table: Path, tmp_path: Path, method: str
) -> None:
    fractions = (0.3, 0.35, 0.35)
    counts = prepare(table, tmp_path, PrepareSettings(method=method, fractions=fractions, n_seed=10))  # type: ignore[arg-type]
    sides = {side: set(column(tmp_path / f"{side}.csv")) for side in ("train", "validation", "test")}
    assert sum(len(side) for side in sides.values()) == N_LABELLED == len(set.union(*sides.values()))
    seed, pool = set(column(tmp_path / "seed.csv")), set(column(tmp_path / "pool.csv"))
    assert len(seed) == counts["seed"] == 10
    assert seed <= sides["train"]
    assert pool == set(column(table)) - seed - sides["test"]
    if method == "scaffold":
        rings = [{text.lstrip("C") for text in side} for side in sides.values()]
        assert sum(len(ring) for ring in rings) == 3  # each ring system on one side only


def test_the_pool_has_no_stereoisomer_or_tautomer_of_a_test_molecule(tmp_path: Path) -> None:
    """Labelling one would put the test molecule's skeleton into the training data of the loop."""
    table = tmp_path / "all_mols.csv"
    labelled = [f"{'C' * n}C(O)c1ccccc1" for n in range(1, 41)]
    with table.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["smiles", "inchikey", str(HOMO)])
        for index, text in enumerate(labelled):
            stereoisomer = text.replace("C(O)", "[C@H](O)")
            writer.writerow([text, inchikey(parse_smiles(text)), -6 - index / 100])
            writer.writerow([stereoisomer, inchikey(parse_smiles(stereoisomer)), ""])
    prepare(table, tmp_path, PrepareSettings(fractions=(0.4, 0.3, 0.3), n_seed=5))
    test, pool = column(tmp_path / "test.csv"), set(column(tmp_path / "pool.csv"))
    assert test
    assert not pool & {text.replace("C(O)", "[C@H](O)") for text in test}
    assert len(pool) == 2 * len(labelled) - 2 * len(test) - 5


def test_targets_are_those_with_enough_different_values_unless_named(table: Path, tmp_path: Path) -> None:
    prepare(table, tmp_path / "all", PrepareSettings())
    assert json.loads((tmp_path / "all" / "split.json").read_text())["targets"] == [str(HOMO), str(LAMBDA)]
    prepare(table, tmp_path / "one", PrepareSettings(targets=(LAMBDA,)))
    document = json.loads((tmp_path / "one" / "split.json").read_text())
    assert sum(document["molecules"][side] for side in ("train", "validation", "test")) == N_LABELLED // 2
    with pytest.raises(InputError, match="lacks lambda_electron@gfn2; it has: homo_energy@gfn2"):
        prepare(table, tmp_path, PrepareSettings(targets=(PropertyKey.parse("lambda_electron@gfn2"),)))


def test_two_preparations_are_equal_and_another_seed_is_another_split(table: Path, tmp_path: Path) -> None:
    for name, seed in ("first", 0), ("again", 0), ("other", 1):
        prepare(table, tmp_path / name, PrepareSettings(seed=seed))
    contents = {
        name: {file.name: file.read_bytes() for file in (tmp_path / name).iterdir()}
        for name in ("first", "again", "other")
    }
    assert contents["first"] == contents["again"]
    assert contents["first"]["test.csv"] != contents["other"]["test.csv"]


def test_statistics_are_of_the_training_side_and_checked_on_loading(table: Path, tmp_path: Path) -> None:
    prepare(table, tmp_path, PrepareSettings())
    prepared = load_prepared(tmp_path)
    homos = np.array([float(text) for text in column(tmp_path / "train.csv", str(HOMO))])
    position = prepared.normalisation.keys.index(HOMO)
    assert prepared.normalisation.mean[position] == pytest.approx(homos.mean())
    assert prepared.normalisation.std[position] == pytest.approx(homos.std(ddof=1))
    assert prepared.normalisation.n_known[position] == len(homos)
    train = tmp_path / "train.csv"
    lines = train.read_text().splitlines()
    train.write_text("\n".join(lines[:-1]) + "\n")
    with pytest.raises(InputError, match="not made from this training side"):
        load_prepared(tmp_path)


def test_smiles_of_the_training_side_are_listed_without_its_values(table: Path, tmp_path: Path) -> None:
    prepare(table, tmp_path, PrepareSettings())
    assert training_smiles(tmp_path) == list(load_prepared(tmp_path).train.smiles)
    with pytest.raises(InputError, match="heliosc data split"):
        training_smiles(tmp_path / "nothing")


def test_a_changed_or_damaged_statistics_file_is_refused(tmp_path: Path) -> None:
    training = PropertyTable(("C", "CC", "CCC"), (HOMO,), np.array([[-9.0], [-8.0], [-7.0]]))
    file = tmp_path / "normalisation.json"
    write_normalisation(normalisation_of(training), file)
    assert read_normalisation(file, training).mean == (-8.0,)
    file.write_text(file.read_text().replace("-8.0", "-8.5"))
    with pytest.raises(InputError, match="statistics differ"):
        read_normalisation(file, training)
    file.write_text("{")
    with pytest.raises(InputError, match="heliosc data split"):
        read_normalisation(file, training)


def test_a_constant_target_cannot_be_normalised() -> None:
    with pytest.raises(InputError, match="homo_energy@gfn2"):
        normalisation_of(PropertyTable(("C", "CC"), (HOMO,), np.array([[-9.0], [-9.0]])))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.one_of(st.floats(-10, 10), st.just(float("nan"))), min_size=40, max_size=120), st.integers(0, 3))
def test_a_stratified_split_gives_every_side_the_whole_range(values: list[float], seed: int) -> None:
    array = np.array(values)
    known = np.isfinite(array)
    skeletons = [f"{index // 2}" for index in range(len(values))]  # pairs of rows of one molecule
    smiles = ["C"] * len(values)
    molecules_known = len({key for key, is_known in zip(skeletons, known, strict=True) if is_known})
    if molecules_known < 10:
        with pytest.raises(InputError, match="stratified"):
            stratified_split(smiles, array, seed=seed, skeletons=skeletons)
        return
    split = stratified_split(smiles, array, fractions=(0.5, 0.25, 0.25), seed=seed, skeletons=skeletons)
    rows = np.concatenate([split.train, split.validation, split.test])
    assert sorted(rows) == list(range(len(values)))
    sides = [{skeletons[row] for row in side} for side in (split.train, split.validation, split.test)]
    assert sum(map(len, sides)) == len(set(skeletons))  # no molecule on two sides


def test_a_stratified_split_takes_its_share_of_every_bin() -> None:
    values = np.arange(1000.0)
    split = stratified_split(["C"] * 1000, values, n_bins=10, skeletons=[str(index) for index in range(1000)])
    per_bin = [
        np.bincount((side // 100).astype(int), minlength=10) for side in (split.train, split.validation, split.test)
    ]
    assert [set(counts) for counts in per_bin] == [{80}, {10}, {10}]


@pytest.mark.parametrize("n_rows", [50, 64, 136])
def test_small_bins_of_a_stratified_split_leave_no_side_short(n_rows: int) -> None:
    keys = [str(index) for index in range(n_rows)]
    split = stratified_split(["C"] * n_rows, np.arange(float(n_rows)), n_bins=10, skeletons=keys)
    assert abs(len(split.validation) - n_rows / 10) <= 1
    assert abs(len(split.test) - n_rows / 10) <= 1


def test_the_command_writes_fragments_and_trees_too(table: Path, tmp_path: Path) -> None:
    answer = CliRunner().invoke(
        app, ["data", "split", str(table), "--out", str(tmp_path), "--seed-size", "5", "--json"]
    )
    assert answer.exit_code == 0, answer.stderr
    counts = {row["what"]: row["n"] for row in json.loads(answer.stdout)}
    assert counts["trees"] == counts["train"]
    assert counts["fragments"] >= 4  # three rings and the carbon-carbon bond
    missing = CliRunner().invoke(app, ["data", "split", str(tmp_path / "none.csv")])
    assert missing.exit_code == 3
    assert "heliosc data merge" in missing.stderr
