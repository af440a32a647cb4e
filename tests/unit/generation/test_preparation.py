"""Preparation on disk: equal to the one in memory, resumed, cached, counted."""

from __future__ import annotations

import errno
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from rdkit import rdBase

from heliosc.errors import InputError, ResourceError
from heliosc.generation.evaluation.held_out import split_held_out
from heliosc.generation.jtvae import JTVAE, JTVAEConfig, ModelConfig, TrainingConfig, preparation, shards
from heliosc.generation.jtvae.arrays import COLUMNS, SPACES, RowReader
from heliosc.generation.jtvae.flat_files import GrowingArray
from heliosc.generation.jtvae.molecule_graph import constitution, molecule_graph
from heliosc.generation.jtvae.preparation import MANIFEST_FILE, PreparedFolder, prepare_on_disk
from heliosc.generation.jtvae.schedule import build_vocabulary, prepare_graphs, read_graphs
from heliosc.generation.jtvae.valence import LegalMoves
from heliosc.generation.jtvae.vocabulary import Vocabulary
from heliosc.properties import PropertyKey, PropertyTable

SMILES = [
    "Cc1ccc(-c2ccc(C#N)s2)cc1",
    "c1ccc2c(c1)[nH]c1ccccc12",
    "Cc1ccc(-c2ccc(C#N)s2)cc1",
    "N#Cc1ccc(-c2ccc(C)cc2)s1",  # the same, written backwards
    "c1ccc(-c2cccs2)cc1",
    "C1CCCCCCC1",
    "CC",
    "C",
    "[CH2]c1ccccc1",
    "not a molecule",
]


def equal(first: PreparedFolder, second: PreparedFolder) -> bool:
    return (
        list(first.prepared.smiles) == list(second.prepared.smiles)
        and all(np.array_equal(first.prepared.columns[n], second.prepared.columns[n]) for n in COLUMNS)
        and all(np.array_equal(first.prepared.sizes[s], second.prepared.sizes[s]) for s in SPACES)
        and first.vocabulary.to_document() == second.vocabulary.to_document()
    )


def test_disk_and_memory_hold_the_same(tmp_path: Path) -> None:
    on_disk = prepare_on_disk(SMILES, tmp_path, held_out=0.0, shard_size=3)
    graphs, refused = read_graphs(SMILES)
    vocabulary = build_vocabulary(graphs.values())
    legal = LegalMoves(vocabulary)
    in_memory = prepare_graphs(SMILES, graphs, refused=refused, vocabulary=vocabulary, legal=legal)
    assert on_disk.vocabulary.to_document() == vocabulary.to_document()
    assert list(on_disk.rows) == list(in_memory.rows) == [0, 1, 4, 5, 6]
    assert list(on_disk.prepared.smiles) == list(in_memory.prepared.smiles)
    for batch in ([0, 1, 2, 3, 4], [3, 1]):
        ours, theirs = RowReader(on_disk.prepared).take(batch), RowReader(in_memory.prepared).take(batch)
        for name in COLUMNS:
            np.testing.assert_array_equal(ours.columns[name], theirs.columns[name], err_msg=name)


def test_shards_and_processes_change_nothing(tmp_path: Path) -> None:
    whole = prepare_on_disk(SMILES, tmp_path / "whole", held_out=0.0)
    parts = prepare_on_disk(SMILES, tmp_path / "parts", held_out=0.0, shard_size=2, n_workers=2)
    assert equal(whole, parts)
    assert {k: v for k, v in whole.manifest.items() if k != "data"} == {
        k: v for k, v in parts.manifest.items() if k != "data"
    }


def test_what_is_left_out_is_counted_by_cause(tmp_path: Path) -> None:
    found = prepare_on_disk(SMILES, tmp_path, held_out=0.0, least_count=2)
    assert found.manifest["refused"] == {
        "single atom": 1,
        "radical": 1,
        "cannot be read, or over a size limit": 1,
    }
    assert found.manifest["n_duplicates"] == 2
    # rings seen once: the pyrrole of carbazole and the ring of eight
    assert found.manifest["unknown"]["ring system of 8 atoms outside the vocabulary"] == 1
    assert found.manifest["unknown"]["ring system of 5 atoms outside the vocabulary"] == 1
    assert found.manifest["n_molecules"] + sum(found.manifest["unknown"].values()) == 5
    assert found.manifest["examples"]["C"].endswith("at least two heavy atoms")


def test_words_of_held_out_molecules_stay_out(tmp_path: Path, hard_molecules: list[str]) -> None:
    some = hard_molecules[15:45]
    found = prepare_on_disk(some, tmp_path, held_out=0.4)
    n_unknown = sum(found.manifest["unknown"].values())
    assert n_unknown > 0
    trained = set(found.prepared.columns["word"][: found.prepared.sizes["nodes"].sum()].tolist())
    assert max(trained) < len(found.vocabulary)
    counts = found.manifest
    assert counts["n_training"] + counts["n_held_out"] == counts["n_molecules"] == len(found.prepared)
    assert min(counts["n_training"], counts["n_held_out"]) > 0
    assert min(found.vocabulary.counts) > 0


def test_the_training_part_is_the_split_and_equals_it_prepared_alone(tmp_path: Path, hard_molecules: list[str]) -> None:
    some = hard_molecules[15:45]
    training, held_out = split_held_out(some, 0.4)
    found = prepare_on_disk(some, tmp_path / "all", held_out=0.4, shard_size=7)
    alone = prepare_on_disk(training, tmp_path / "training", held_out=0.0)
    assert list(found.training.smiles) == list(alone.prepared.smiles)
    assert found.vocabulary.to_document() == alone.vocabulary.to_document()
    for name in COLUMNS:
        np.testing.assert_array_equal(found.training.columns[name], alone.prepared.columns[name], err_msg=name)
    n = len(found.training)
    assert {some[row] for row in found.rows[:n]} <= set(training)
    assert {some[row] for row in found.rows[n:]} <= set(held_out)


@pytest.mark.parametrize("held_out", [0.0, 0.3])
def test_a_folder_changes_nothing_about_a_training(tmp_path: Path, hard_molecules: list[str], held_out: float) -> None:
    config = JTVAEConfig(
        ModelConfig(hidden=16, word_size=8, place_size=6, tree_latent=4, graph_latent=4),
        TrainingConfig(epochs=1, held_out=held_out),
    )
    some = hard_molecules[15:45]
    values = np.arange(30.0)[:, None]
    values[3] = np.nan
    table = PropertyTable(tuple(some), (PropertyKey("dipole_moment", "gfn2"),), values)
    models = [
        JTVAE.train(
            some, properties=table, config=config, device="cpu", checkpoint_folder=folder, n_evaluation_samples=0
        )
        for folder in (None, tmp_path)
    ]
    for name, expected in models[0].network.state_dict().items():
        assert torch.equal(models[1].network.state_dict()[name], expected), name
    (folder,) = (tmp_path / "prepared").iterdir()
    training = set(split_held_out(some, held_out)[0])
    known = np.array([n for n, text in enumerate(some) if n != 3 and text in training], dtype=float)
    assert len(known) < 29 or held_out == 0
    assert json.loads((folder / "statistics.json").read_text()) == {
        "dipole_moment@gfn2": {
            "mean": pytest.approx(known.mean()), "std": pytest.approx(known.std()), "n_known": len(known)
        }
    }  # fmt: skip
    assert rdBase.rdkitVersion == json.loads((folder / "vocabulary.json").read_text())["rdkit"]


def test_all_refused_molecules_are_counted_though_some_are_named(tmp_path: Path) -> None:
    config = JTVAEConfig(
        ModelConfig(hidden=16, word_size=8, place_size=6, tree_latent=4, graph_latent=4),
        TrainingConfig(epochs=1, held_out=0.0),
    )
    radicals = [f"[CH2]{'C' * n}" for n in range(1, 31)]
    for folder in (None, tmp_path):
        metrics = JTVAE.train(
            ["c1ccsc1", "Cc1ccsc1", *radicals],
            config=config,
            device="cpu",
            checkpoint_folder=folder,
            n_evaluation_samples=0,
        ).metrics
        assert (metrics["n_refused"], len(metrics["refused"])) == (30, 20)


@pytest.mark.parametrize(("name", "content"), [("manifest.json", b"[]"), ("rows.npy", b""), ("vocabulary.json", b"")])
def test_a_damaged_preparation_is_refused_by_name(tmp_path: Path, name: str, content: bytes) -> None:
    prepare_on_disk(["c1ccsc1", "Cc1ccsc1"], tmp_path, held_out=0.0)
    (folder,) = tmp_path.iterdir()
    (folder / name).write_bytes(content)
    with pytest.raises(InputError, match=f"{folder.name} holds no complete preparation.*prepare anew"):
        prepare_on_disk(["c1ccsc1", "Cc1ccsc1"], tmp_path, held_out=0.0)


def test_a_full_disk_is_told_and_the_same_call_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    some = ["c1ccsc1", "Cc1ccsc1"]
    with monkeypatch.context() as patch:
        patch.setattr(preparation, "_join", full)
        with pytest.raises(ResourceError, match=r"cannot write .*No space left.*run the same again"):
            prepare_on_disk(some, tmp_path, held_out=0.0)
    assert prepare_on_disk(some, tmp_path, held_out=0.0).manifest["n_molecules"] == 2


def spin(*_: object, **__: object) -> None:
    while True:
        pass


@pytest.mark.parametrize("step", ["molecule_graph", "tree_columns"])
def test_a_molecule_over_the_time_limit_is_left_out_and_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """In either pass; the others are prepared as ever."""
    original = getattr(shards, step)

    def stalls_once(*given: object) -> object:
        monkeypatch.setattr(shards, step, original)
        return spin()

    monkeypatch.setattr(shards, step, stalls_once)
    found = prepare_on_disk(SMILES[:2], tmp_path, held_out=0.0, seconds=0.2)
    counted = found.manifest["refused"] if step == "molecule_graph" else found.manifest["unknown"]
    assert counted == {"over the time limit": 1}
    assert list(found.prepared.smiles) == [constitution_of(SMILES[1])]


def constitution_of(smiles: str) -> str:
    return molecule_graph(constitution(smiles)).smiles


def test_an_interrupted_preparation_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = prepare_on_disk(SMILES, tmp_path / "expected", held_out=0.0, shard_size=3)
    scan, scanned = preparation.scan_shard, []

    def failing(shard, **settings) -> None:
        if shard.number == 2 and len(scanned) == 2:
            raise KeyboardInterrupt
        scanned.append(shard.number)
        scan(shard, **settings)

    monkeypatch.setattr(preparation, "scan_shard", failing)
    with pytest.raises(KeyboardInterrupt):
        prepare_on_disk(SMILES, tmp_path / "cut", held_out=0.0, shard_size=3)
    (folder,) = (tmp_path / "cut").iterdir()
    before = {file.name: file.stat().st_mtime_ns for file in (folder / "shards").iterdir()}
    assert sorted(before) == ["000000.scan", "000001.scan"]
    scanned.append(-1)
    shards_seen: dict[str, int] = {}

    def note(_: int) -> None:
        shards_seen.update({f.name: f.stat().st_mtime_ns for f in (folder / "shards").glob("*.scan")})

    assert equal(prepare_on_disk(SMILES, tmp_path / "cut", held_out=0.0, shard_size=3, done=note), expected)
    assert {name: shards_seen[name] for name in before} == before


@pytest.mark.parametrize("kind", ["scan", "arrays"])
def test_a_damaged_shard_of_an_interrupted_preparation_is_named_and_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    def interrupted(*_: object, **__: object) -> dict[str, object]:
        raise KeyboardInterrupt

    smiles = ["c1ccsc1", "Cc1ccsc1", "c1ccc2ccccc2c1"]
    with monkeypatch.context() as patch:
        patch.setattr(preparation, "_join", interrupted)
        with pytest.raises(KeyboardInterrupt):
            prepare_on_disk(smiles, tmp_path, held_out=0.0, shard_size=2)
    (damaged,) = tmp_path.glob(f"*/shards/000001.{kind}")
    damaged.write_bytes(damaged.read_bytes()[:-7])
    with pytest.raises(InputError, match=rf"000001\.{kind} is damaged .*remove it"):
        prepare_on_disk(smiles, tmp_path, held_out=0.0, shard_size=2)
    damaged.unlink()
    assert len(prepare_on_disk(smiles, tmp_path, held_out=0.0, shard_size=2).training) == 3


@pytest.mark.parametrize("document", [[], 3, {"format": 1}, {"format": preparation.LAYOUT_VERSION, "words": 2}])
def test_a_foreign_vocabulary_is_refused(document: object) -> None:
    with pytest.raises(InputError, match="vocabulary"):
        Vocabulary.from_document(document)


def test_a_second_call_reads_what_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = prepare_on_disk(SMILES, tmp_path, held_out=0.0)

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("prepared again")

    monkeypatch.setattr(preparation, "scan_shard", refuse)
    assert equal(prepare_on_disk(SMILES, tmp_path, held_out=0.0), first)
    with pytest.raises(AssertionError):
        prepare_on_disk([*SMILES, "CCC"], tmp_path, held_out=0.0)
    with pytest.raises(AssertionError):
        prepare_on_disk(SMILES, tmp_path, held_out=0.1)


def test_other_layouts_and_damage_are_refused(tmp_path: Path) -> None:
    prepare_on_disk(SMILES, tmp_path, held_out=0.0)
    (folder,) = tmp_path.iterdir()
    manifest = json.loads((folder / MANIFEST_FILE).read_text())
    (folder / MANIFEST_FILE).write_text(json.dumps(manifest | {"layout": 99}))
    with pytest.raises(InputError, match="layout 99"):
        PreparedFolder.open(folder)
    (folder / MANIFEST_FILE).write_text(json.dumps(manifest))
    (folder / "columns" / "word.npy").unlink()
    with pytest.raises(InputError, match="no complete preparation"):
        PreparedFolder.open(folder)


def test_nothing_usable_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no molecule"):
        prepare_on_disk([], tmp_path, held_out=0.0)
    with pytest.raises(InputError, match="single atom"):
        prepare_on_disk(["C"], tmp_path, held_out=0.0)


def test_growing_array_is_an_npy_file(tmp_path: Path) -> None:
    array = GrowingArray(tmp_path / "a.npy", np.int32)
    array.append(np.arange(3))
    array.append(np.arange(0))
    array.append(np.array([7]))
    array.close()
    assert np.load(tmp_path / "a.npy", mmap_mode="r").tolist() == [0, 1, 2, 7]
