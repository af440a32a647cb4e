"""What a synthetic chemist finds in the package: every block, a crate that notebooks read, routes, harmless texts."""

from __future__ import annotations

import gzip
import io
import json
import shutil
import stat
import subprocess
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from heliosc.campaign.records import CandidateRecord, read_candidates
from heliosc.campaign.run_folder import RunFolder
from heliosc.handoff.archive import safe_name
from heliosc.handoff.blocks.electronics import references_beside
from heliosc.handoff.blocks.processing import side_chain_suggestion
from heliosc.handoff.dossier import Dossier, Judgement, build_dossier
from heliosc.handoff.eln import ElnDataset, eln_bytes
from heliosc.handoff.package import write_package
from heliosc.handoff.promotion.ledger import Decision, GateEntry, GateLedger, Verdict
from heliosc.handoff.promotion.runs import stored_ledger
from heliosc.handoff.retrosynthesis import NOT_SET_UP, find_route

MakeResult = Callable[[CandidateRecord], dict[str, Any]]
DATE = "2026-11-23T00:00:00+00:00"


@pytest.fixture
def candidate(run_folder: Path) -> CandidateRecord:
    return next(c for c in read_candidates(run_folder) if c.computed)


def _dossier(candidate: CandidateRecord, result: dict[str, Any], **judgement: Any) -> Dossier:
    plain = {"ledger": stored_ledger(candidate, result, role=None)}
    return build_dossier(candidate, judgement=Judgement(**(plain | judgement)), result=result, origin={}, references={})


def _files(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def test_every_block_of_the_specification_is_there(candidate: CandidateRecord, make_result: MakeResult) -> None:
    dossier = _dossier(candidate, make_result(candidate))
    labels = {str(row[0]) for table in dossier.tables() for row in table.rows}
    assert {"Formula", "Molecular weight", "Exact mass", "InChI", "InChIKey", "SMILES"} <= labels
    assert {"SA score, core", "SA score, full molecule", "Retrosynthesis", "Proposed steps"} <= labels
    assert {"Hansen parameters", "Solvents to try", "Side chains", "Morphology"} <= labels
    assert {"[M+H]⁺ (monoisotopic)", "Absorption", "Calculation", "Engine", "Wall time"} <= labels
    assert "not a safety data sheet" in dossier.hazards.note
    assert dossier.electronics.columns == ("Property", "Predicted", "± std", "Computed", "Unit", "Level")


def test_what_was_not_evaluated_is_no_number(candidate: CandidateRecord, make_result: MakeResult) -> None:
    dossier = _dossier(candidate, make_result(candidate))
    facts = dict(dossier.synthesis.rows)
    assert str(facts["Retrosynthesis"]).startswith("not evaluated")
    assert "not evaluated" in str(dict(dossier.partner.rows)["Partner, offsets, Voc"])


def test_a_ledger_takes_the_place_of_the_windows_and_of_the_draft_mark(
    candidate: CandidateRecord, make_result: MakeResult
) -> None:
    entry = GateEntry(
        "ionisation energy", Verdict.PASS, True, limit="5.00 to 5.60 eV", value=5.3, std=0.1, unit="eV",
        level="b3lyp/def2-svp[pyscf]//gfn2", tier="dft", scale="CV", margin=0.3, probability=0.97,
    )  # fmt: skip
    ledger = GateLedger(candidate.id, candidate.smiles, "donor", Decision.PROMOTED, (entry,))
    draft = _dossier(candidate, make_result(candidate))
    judged = _dossier(candidate, make_result(candidate), ledger=ledger)
    assert (draft.status, judged.status) == ("promoted · draft, xTB level", "promoted")
    (row,) = judged.gates.rows
    assert [str(cell) for cell in row[1:6]] == ["5.30", "0.10", "5.00 to 5.60 eV", "0.30", "0.97"]
    assert "promoted as donor" in judged.gates.note


def test_side_chains_are_suggested_for_a_bare_core_and_not_for_a_dressed_one() -> None:
    from rdkit import Chem

    bare = Chem.MolFromSmiles("Cc1ccc(-c2ccc(-c3ccc(C)s3)s2)s1")
    assert "in place of 2 methyl groups" in side_chain_suggestion(bare)
    dressed = Chem.MolFromSmiles("CCCCCCc1ccc(-c2ccc(-c3ccc(CCCCCC)s3)s2)s1")
    assert side_chain_suggestion(dressed).startswith("as drawn: 12 alkyl carbons")
    assert "a chemist chooses" in side_chain_suggestion(Chem.MolFromSmiles("c1ccc2cc3ccccc3cc2c1"))


def _crate() -> dict[str, bytes]:
    hostile = ElnDataset(
        "../../x", {"Note": "<script>alert(1)</script>"}, {"../up.csv": b"a", "b.pdf": b"%PDF"}, ("k",)
    )
    return _files(eln_bytes("my run", [hostile, ElnDataset("two", {}, {})], date=DATE))


def test_the_eln_follows_its_specification() -> None:
    # https://github.com/TheELNConsortium/TheELNFileFormat: one root folder, RO-Crate 1.1 metadata in it, parts listed
    files = _crate()
    (root,) = {name.split("/")[0] for name in files}
    document = json.loads(files[f"{root}/ro-crate-metadata.json"])
    assert document["@context"] == "https://w3id.org/ro/crate/1.1/context"
    entities = {entity["@id"]: entity for entity in document["@graph"]}
    descriptor = entities["ro-crate-metadata.json"]
    assert descriptor["conformsTo"] == {"@id": "https://w3id.org/ro/crate/1.1"}
    assert descriptor["about"] == {"@id": "./"}
    crate = entities["./"]
    assert {"name", "description", "datePublished", "license"} <= set(crate)
    for part in crate["hasPart"]:
        dataset = entities[part["@id"]]
        assert dataset["@type"] == "Dataset"
    described = {entity_id for entity_id, entity in entities.items() if entity["@type"] == "File"}
    assert {f"{root}/{name.removeprefix('./')}" for name in described} == set(files) - {
        f"{root}/ro-crate-metadata.json"
    }
    assert entities["./two/"]["author"]["@id"] in entities


def test_the_eln_is_harmless() -> None:
    files = _crate()
    assert not [name for name in files if ".." in name.split("/") or name.startswith("/")]
    assert b"<script>" not in files["my_run-" + safe_name("my run").rsplit("-", 1)[1] + "/ro-crate-metadata.json"]


def test_the_eln_is_read_by_the_reference_library(tmp_path: Path) -> None:
    rocrate = pytest.importorskip("rocrate.rocrate", reason="rocrate is not installed; run: pip install rocrate")
    archive = tmp_path / "x.eln"
    archive.write_bytes(eln_bytes("x", [ElnDataset("two", {}, {"b.csv": b"1"})], date=DATE))
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(tmp_path)
    crate = rocrate.ROCrate(tmp_path / "x")
    assert crate.root_dataset["name"] == "heliosc hand-off x"


def test_the_manifest_satisfies_sha256sum(
    make_run_folder: Callable[..., Path], make_result: MakeResult, tmp_path: Path
) -> None:
    if shutil.which("sha256sum") is None:
        pytest.skip("sha256sum is not installed; run: apt-get install coreutils")
    run = make_run_folder(n_rounds=1, batch=2)
    results = {c.calculation_key: _with_energies(make_result(c)) for c in read_candidates(run) if c.computed}
    folder = write_package(run, results=results, best=2)
    for archive in folder.glob("*.zip"):
        target = tmp_path / archive.stem
        with zipfile.ZipFile(archive) as opened:
            opened.extractall(target)
        done = subprocess.run(["sha256sum", "--check", "--strict", "manifest.sha256"], cwd=target, capture_output=True)
        assert done.returncode == 0, done.stdout
    _check_qcschema(next(folder.glob("*-r0-*.zip")))


def _with_energies(result: dict[str, Any]) -> dict[str, Any]:
    energies = {"neutral_at_neutral": -40.0, "cation_at_neutral": -39.7, "anion_at_anion": -40.1}
    return {**result, "details": {"level": "gfn2", "energies_hartree": energies}}


def _check_qcschema(archive: Path) -> None:
    files = {name: text for name, text in _files(archive.read_bytes()).items() if name.startswith("qcschema/")}
    documents = {name.removeprefix("qcschema/"): json.loads(text) for name, text in files.items()}
    assert set(documents) == {"neutral_at_neutral.json", "cation_at_neutral.json", "anion_at_anion.json"}
    assert documents["cation_at_neutral.json"]["molecule"]["molecular_charge"] == 1
    assert documents["anion_at_anion.json"]["return_result"] == -40.1
    assert all(document["schema_name"] == "qcschema_output" for document in documents.values())


def test_hostile_texts_are_only_texts(
    make_run_folder: Callable[..., Path], make_result: MakeResult, tmp_path: Path
) -> None:
    run = make_run_folder(n_rounds=1, batch=1)
    (record,) = read_candidates(run)
    attack = "<img src=x onerror=alert(1)> =cmd|'/C calc'!A0 ../../../etc/passwd & %00"
    hostile = replace(record, id=attack, reason=attack, source="@SUM(1)", role="+1")
    RunFolder(run).write_candidates(0, [hostile])
    before = {path for path in tmp_path.rglob("*") if path.is_file()}
    folder = write_package(run, [attack], results={hostile.calculation_key: make_result(hostile)})
    fresh = {path for path in tmp_path.rglob("*") if path.is_file()} - before
    assert all(path.is_relative_to(folder) for path in fresh)
    (archive,) = (path for path in folder.glob("*.zip") if not path.name.endswith("-handoff.zip"))
    files = _files(archive.read_bytes())
    (eln,) = (content for name, content in files.items() if name.endswith(".eln"))
    metadata = next(text.decode() for name, text in _files(eln).items() if name.endswith("ro-crate-metadata.json"))
    assert "&lt;img src=x" in metadata
    assert "<td><img" not in metadata
    (book,) = (content for name, content in files.items() if name.endswith(".xlsx"))
    assert not [name for name, text in _files(book).items() if "worksheets/sheet" in name and b"<f>" in text]


ROUTE = {"data": [{"target": "x", "is_solved": True, "number_of_steps": 3, "number_of_precursors": 4,
                   "trees": [{"smiles": "x", "children": []}]}]}  # fmt: skip


@pytest.fixture
def aizynthcli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Stands in for the program: takes its options, writes an answer in its format around invented numbers."""

    def set_up(body: str) -> None:
        program = tmp_path / "aizynthcli"
        program.write_text(f"#!/bin/sh\n{body}\n")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        answer = tmp_path / "answer.json.gz"
        answer.write_bytes(gzip.compress(json.dumps(ROUTE).encode()))
        monkeypatch.setenv("HELIOSC_AIZYNTHCLI", str(program))
        monkeypatch.setenv("HELIOSC_AIZYNTH_CONFIG", str(tmp_path / "config.yml"))

    return set_up


def test_a_route_of_aizynthfinder_is_told_where_it_is_set_up(
    aizynthcli: Callable[[str], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HELIOSC_AIZYNTHCLI", raising=False)
    assert find_route("c1ccsc1") is NOT_SET_UP
    aizynthcli(f'[ "$1" = --smiles ] && grep -q c1ccsc1 "$2" && cp {tmp_path}/answer.json.gz "$6"')
    answer = find_route("c1ccsc1")
    assert answer.summary == "AiZynthFinder: a route of 3 steps from 4 compounds of its stock"
    assert len(answer.routes) == 1


@pytest.mark.parametrize(("body", "words"), [("echo broken policy >&2; exit 1", "broken policy"), ("exit 0", "failed")])
def test_a_failed_search_is_not_evaluated(aizynthcli: Callable[[str], None], body: str, words: str) -> None:
    aizynthcli(body)
    answer = find_route("c1ccsc1")
    assert answer.summary.startswith("not evaluated")
    assert words in answer.summary


def test_a_search_that_takes_too_long_is_not_evaluated(aizynthcli: Callable[[str], None]) -> None:
    aizynthcli("sleep 5")
    assert "took more than" in find_route("c1ccsc1", timeout_s=0.2).summary


def test_known_materials_stand_at_the_same_level_or_not_at_all(
    candidate: CandidateRecord, make_result: MakeResult
) -> None:
    computed = make_result(candidate)["values"]
    beside = references_beside(computed, {"Y6": {"lambda_hole@gfn2": 0.136}, "P3HT trimer": {}})
    assert beside is not None
    assert beside.columns == ("Material", "λ(hole) eV")
    assert [[str(cell) for cell in row] for row in beside.rows[1:]] == [["Y6", "0.136"], ["P3HT trimer", "—"]]
    elsewhere = references_beside({"lambda_hole@b3lyp/def2-svp": 0.2}, {"Y6": {"lambda_hole@gfn2": 0.136}})
    assert elsewhere is not None
    assert elsewhere.rows == (("Y6", "not computed at b3lyp/def2-svp"),)
    assert references_beside(computed, {}) is None
