"""The optical gap of what is handed off: computed once, kept, and never missing without a word."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from heliosc.campaign import optical
from heliosc.campaign.calculations import FOUR_POINT
from heliosc.campaign.optical import NOT_COMPUTED, compute_optical, read_optical_keys, with_optical
from heliosc.campaign.records import CandidateRecord, read_candidates
from heliosc.campaign.run_folder import RunFolder
from heliosc.chemistry.identity import inchikey, parse_smiles
from heliosc.cli.commands.results import write_calculations, write_handoff
from heliosc.config import Config, load_config
from heliosc.errors import InputError, ParseError, UsageError
from heliosc.execution import QCResultStore
from heliosc.handoff.dossier import Judgement, build_dossier
from heliosc.handoff.promotion.runs import stored_ledger
from heliosc.qc.excited_states import excited_states, excited_states_identity
from heliosc.qc.geometries import Geometry
from heliosc.qc.tasks import four_point

LEVEL = "hf/sto-3g"
S1 = "singlet_excitation_energy@tda-hf/sto-3g[pyscf]//gfn2"
ETHYLENE = "C=C"


@pytest.fixture(scope="module")
def ethylene() -> dict[str, Any]:
    return four_point({"smiles": ETHYLENE})


@pytest.fixture
def run(make_run_folder: Callable[..., Path], ethylene: dict[str, Any]) -> RunFolder:
    """A finished run with one computed candidate, ethylene."""
    folder = RunFolder(make_run_folder(n_rounds=1, batch=2))
    with QCResultStore(folder.store_location()) as store:
        key = store.submit(FOUR_POINT, {"smiles": ETHYLENE})
        task = store.claim("test", 60.0)
        assert task is not None
        store.complete(task.key, task.token, ethylene)
    first = read_candidates(folder.path)[0]
    candidate = replace(
        first,
        smiles=ETHYLENE,
        inchikey=inchikey(parse_smiles(ETHYLENE)),
        computed=ethylene["values"],
        calculation_key=key,
    )
    folder.write_candidates(0, [candidate])
    return folder


def _config() -> Config:
    return load_config(None, ["qc.resources.max_workers=1"])


def _candidate(run: RunFolder) -> CandidateRecord:
    return read_candidates(run.path)[0]


def _dossier_texts(result: dict[str, Any], candidate: CandidateRecord) -> str:
    judgement = Judgement(stored_ledger(candidate, result, role=None))
    dossier = build_dossier(candidate, judgement=judgement, result=result, origin={}, references={})
    return " ".join(
        str(cell) for table in (dossier.electronics, dossier.analytics) for row in table.rows for cell in row
    )


def test_values_are_those_of_the_program_at_that_geometry(ethylene: dict[str, Any]) -> None:
    pytest.importorskip("pyscf", reason="PySCF is not installed: pip install 'heliosc[dft]'")
    from heliosc.qc.external.settings import ProgramSettings
    from heliosc.qc.pyscf import PySCFExecutor

    geometry = ethylene["geometries"]["neutral"]
    result = excited_states({"smiles": ETHYLENE, "geometry": geometry, "level": LEVEL, "n_cores": 2})
    assert result["details"]["n_cores"] == 2  # what is exported as cores
    direct = PySCFExecutor(ProgramSettings("hf", "sto-3g")).excitations(Geometry.from_xyz(geometry))
    assert result["values"][S1] == pytest.approx(direct.singlet_eV, abs=1e-6)
    assert result["values"][S1.replace("singlet", "triplet")] == pytest.approx(direct.triplet_eV, abs=1e-6)
    strength = result["values"][S1.replace("singlet_excitation_energy", "oscillator_strength")]
    assert strength == pytest.approx(direct.oscillator_strength, abs=1e-6)


def test_another_geometry_or_level_is_another_calculation(ethylene: dict[str, Any]) -> None:
    pytest.importorskip("pyscf", reason="PySCF is not installed: pip install 'heliosc[dft]'")
    payload = {"smiles": ETHYLENE, "geometry": ethylene["geometries"]["neutral"], "level": LEVEL}
    identity = excited_states_identity(payload)
    assert identity == excited_states_identity({**payload, "n_cores": 2, "memory_gb": 8.0, "smiles": "C=C"})
    assert identity != excited_states_identity({**payload, "geometry": ethylene["geometries"]["cation"]})
    assert identity != excited_states_identity({**payload, "level": "hf/6-31g"})


def test_the_package_carries_the_optical_gap(run: RunFolder) -> None:
    pytest.importorskip("pyscf", reason="PySCF is not installed: pip install 'heliosc[dft]'")
    folder = write_handoff(run, best=1, optical_level=LEVEL)
    assert folder is not None
    first = _calculations(folder, _candidate(run).id)
    assert first["properties"][S1]["unit"] == "eV"
    with QCResultStore(run.store_location()) as store:
        done = store.counts().done
    folder = write_handoff(run, best=1)  # asked for once, kept for ever
    assert _calculations(folder, _candidate(run).id) == first
    write_handoff(run, best=1, optical_level=LEVEL)
    with QCResultStore(run.store_location()) as store:
        assert store.counts().done == done == 2
    assert S1.split("@")[0] in (write_calculations(run) / "labels.csv").read_text()


def _calculations(folder: Path | None, name: str) -> dict[str, Any]:
    assert folder is not None
    with zipfile.ZipFile(folder / f"{name}.zip") as archive:
        return dict(json.loads(archive.read(f"{name}_calculations.json")))


def test_dossier_says_the_wavelength_or_why_there_is_none(run: RunFolder, ethylene: dict[str, Any]) -> None:
    candidate = _candidate(run)
    with QCResultStore(run.store_location()) as store:
        missing = with_optical(ethylene, store, None)
    assert NOT_COMPUTED in _dossier_texts(missing, candidate)
    known = {**ethylene, "values": {**ethylene["values"], S1: 2.0}}
    assert "near 620 nm (vertical S1 2.00 eV" in _dossier_texts(known, candidate)  # 1239.84 / 2
    assert "not computed" not in _dossier_texts(known, candidate)


def test_a_failure_leaves_its_reason(run: RunFolder, ethylene: dict[str, Any]) -> None:
    with QCResultStore(run.store_location()) as store:
        key = store.submit("x.y:z", {"smiles": ETHYLENE})
        assert "unfinished" in with_optical(ethylene, store, key)["optical"]
        task = store.claim("test", 60.0)
        assert task is not None
        store.fail(task.key, task.token, "input", "too many electrons")
        result = with_optical(ethylene, store, key)
    assert "failed: too many electrons" in _dossier_texts(result, _candidate(run))
    assert result["values"] == ethylene["values"]


def test_a_level_without_excited_states_is_refused(run: RunFolder, ethylene: dict[str, Any]) -> None:
    with QCResultStore(run.store_location()) as store, pytest.raises(UsageError, match="no excited states"):
        compute_optical(run.path, [_candidate(run)], store, _config(), level="gfn2")
    with pytest.raises(InputError, match="no excited states"):
        excited_states({"smiles": ETHYLENE, "geometry": ethylene["geometries"]["neutral"], "level": "gfn2"})


@pytest.mark.parametrize(
    ("transport", "memory_mb"),
    [(["execution.transport=local"], None), (["execution.transport=slurm", "execution.slurm.folder=/shared"], 10_000)],
)
def test_only_a_scheduler_is_asked_for_memory(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch, transport: list[str], memory_mb: int | None
) -> None:
    pytest.importorskip("pyscf", reason="PySCF is not installed: pip install 'heliosc[dft]'")
    monkeypatch.setattr(optical, "run_calculations", lambda *_: None)
    config = load_config(None, [*transport, "qc.resources.memory_gb=8"])
    with QCResultStore(run.store_location()) as store:
        compute_optical(run.path, [_candidate(run)], store, config, level=LEVEL)
        task = store.claim("test", 60.0)
    assert task is not None
    assert task.memory_mb == memory_mb  # 8 GB, and 2 GB of address space for libraries


def test_a_damaged_list_of_keys_is_named(run: RunFolder) -> None:
    (run.path / "optical.json").write_text("{")
    with pytest.raises(ParseError, match="is damaged"):
        read_optical_keys(run.path)


def test_handing_off_with_an_optical_gap_continues_the_same_run() -> None:
    assert load_config(None, ["campaign.optical_level=dft-fast"]).digest() == Config().digest()
