"""The hand-off: everything a synthesis laboratory needs of the chosen candidates, in one folder.

``handoff/`` of a run holds one zip a candidate, an overview workbook, and one zip with all of it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import heliosc
from heliosc.campaign.records import CandidateRecord, read_candidates
from heliosc.campaign.run_folder import RunFolder
from heliosc.errors import InputError
from heliosc.experiments.form import HEADER, form_rows
from heliosc.files import write_atomically
from heliosc.handoff.archive import safe_name, with_manifest, zip_bytes
from heliosc.handoff.calculations import calculations_json, qcschema_documents
from heliosc.handoff.device import DeviceContext
from heliosc.handoff.dossier import Dossier, Judgement, build_dossier
from heliosc.handoff.drawing import blocks_png, structure_png
from heliosc.handoff.eln import ElnDataset, eln_bytes
from heliosc.handoff.labels import Number, number, ordered_keys, symbol, unit
from heliosc.handoff.pdf import dossier_pdf
from heliosc.handoff.promotion.ledger import GateLedger
from heliosc.handoff.promotion.runs import stored_ledger
from heliosc.handoff.ranking import best_of_run
from heliosc.handoff.retrosynthesis import find_route
from heliosc.handoff.spreadsheets import csv_text
from heliosc.handoff.structures import charged_structures, to_sdf
from heliosc.handoff.workbook import dossier_workbook, overview_workbook
from heliosc.secrets import without_passwords
from heliosc.selection.roles import Role, load_roles

DEFAULT_BEST = 4
_RUN_FILES = ("config.yaml", "environment.json")
_ENGINES = ("rdkit", "tblite", "pyscf", "torch", "chemprop")

README = """heliosc hand-off package

Predicted and computed properties of proposed molecules; a value is measured only where its level says experiment.
Not a safety data sheet.

<id>.pdf               two pages to read first
<id>.xlsx              the same as tables, with the proposed synthesis and the return form
<id>.sdf               neutral, cation and anion, optimised geometries (MDL V3000)
<id>_*.xyz             the same geometries
<id>_calculations.json properties and geometries for programs
qcschema/              every single-point energy as QCSchema (AtomicResult)
<id>_gates.json        every criterion of the promotion with its numbers
<id>.eln               for the electronic lab notebook (RO-Crate)
<id>_return_form.csv   please fill in and send back, also when the synthesis failed
manifest.sha256        checksums: sha256sum --check manifest.sha256
"""


@dataclass(frozen=True, slots=True)
class PackageContext:
    """What is known beside the run folder; all of it may be left out.

    Attributes
    ----------
    references : known material -> ``name@level`` -> value computed the same way
    ledgers : candidate id -> gate ledger of its promotion; who has none is judged by what is stored alone
    devices : candidate id -> suggested partners and device estimates
    """

    references: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    ledgers: Mapping[str, GateLedger] = field(default_factory=dict)
    devices: Mapping[str, DeviceContext] = field(default_factory=dict)


def write_package(
    run_folder: Path,
    candidate_ids: Sequence[str] | None = None,
    *,
    results: Mapping[str, Mapping[str, Any]],
    roles: Mapping[str, Role] | None = None,
    context: PackageContext | None = None,
    best: int = DEFAULT_BEST,
) -> Path:
    """Write the hand-off of some candidates and return its folder.

    Parameters
    ----------
    candidate_ids : which ones; None = the ``best`` of the run
    results : calculation key -> four-point result (``values``, ``geometries``, ``program``, ``version``,
        ``wall_time_s``, ``details``)
    roles : for the gates and the ranking; None = those of the run's configuration

    Raises
    ------
    InputError : this is no run folder, an unknown candidate, one without a stored result, or nothing computed yet
    ParseError : a stored geometry is not of its molecule
    ResourceError : the folder cannot be written
    """
    if roles is None:
        roles = load_roles(RunFolder(run_folder).read_config().selection.role_file)
    chosen = choose_candidates(run_folder, candidate_ids, computed=results, roles=roles, best=best)
    origin = _run_facts(run_folder)
    run_files = _run_files(run_folder)
    folder = run_folder / "handoff"
    everything: dict[str, bytes] = {}
    overview, datasets = [], []
    for candidate in chosen:
        drawing = _drawing(candidate)
        files, dossier = _candidate_files(
            candidate,
            result=results[candidate.calculation_key],
            role=roles.get(candidate.role),
            drawing=drawing,
            origin=origin,
            context=context or PackageContext(),
        )
        name = safe_name(candidate.id)
        dataset = _eln_dataset(dossier, files)
        files |= {f"{name}.eln": eln_bytes(name, [dataset], date=_date(run_folder)), **run_files}
        write_atomically(folder / f"{name}.zip", zip_bytes(with_manifest(files)))
        everything |= {f"{name}/{file}": content for file, content in files.items()}
        overview.append((dossier, drawing))
        datasets.append(dataset)
    run_name = safe_name(run_folder.resolve().name)
    everything |= {
        "overview.xlsx": _overview(overview),
        f"{run_name}.eln": eln_bytes(run_name, datasets, date=_date(run_folder)),
    }
    write_atomically(folder / "overview.xlsx", everything["overview.xlsx"])
    write_atomically(folder / f"{run_name}-handoff.zip", zip_bytes(with_manifest(everything)))
    return folder


def choose_candidates(
    run_folder: Path,
    candidate_ids: Sequence[str] | None,
    *,
    computed: Collection[str],
    roles: Mapping[str, Role],
    best: int = DEFAULT_BEST,
) -> list[CandidateRecord]:
    """The candidates asked for by id, or the best of the run.

    Parameters
    ----------
    computed : calculation keys that have a result

    Raises
    ------
    InputError : this is no run folder, an unknown candidate, one without a result, or nothing computed yet
    """
    candidates = read_candidates(run_folder)
    ranked = [candidate for candidate in best_of_run(candidates, roles) if candidate.calculation_key in computed]
    if candidate_ids is None:
        if not ranked:
            raise InputError(f"{run_folder} has no computed candidate to hand off; run more rounds: heliosc run")
        return ranked[:best]
    known = {candidate.id: candidate for candidate in candidates}
    with_result = {candidate.id: candidate for candidate in ranked}
    for name in candidate_ids:
        if name not in known:
            raise InputError(f"no candidate {name!r} in {run_folder}; candidates.csv lists them")
        if name not in with_result:
            raise InputError(f"candidate {name!r} has no computed result to hand off{_why(known[name])}")
    return [with_result[name] for name in dict.fromkeys(candidate_ids)]


def _why(candidate: CandidateRecord) -> str:
    if candidate.failure is None:
        return "; finish its round first: heliosc run"
    return f": its calculation failed ({candidate.failure.get('error_class')}: {candidate.failure.get('reason')})"


def _candidate_files(
    candidate: CandidateRecord,
    *,
    result: Mapping[str, Any],
    role: Role | None,
    drawing: bytes | None,
    origin: Mapping[str, str],
    context: PackageContext,
) -> tuple[dict[str, bytes], Dossier]:
    name = safe_name(candidate.id)
    structures = charged_structures(candidate.smiles, result["geometries"])
    judgement = Judgement(
        ledger=context.ledgers.get(candidate.id) or stored_ledger(candidate, result, role=role),
        device=context.devices.get(candidate.id),
        retrosynthesis=find_route(candidate.smiles),
    )
    dossier = build_dossier(candidate, judgement=judgement, result=result, origin=origin, references=context.references)
    texts = {
        f"{name}.sdf": to_sdf(structures, name=candidate.id, fields=_sdf_fields(candidate, result)),
        f"{name}_calculations.json": calculations_json(
            structures, result=result, candidate_id=candidate.id, calculation_key=candidate.calculation_key
        ),
        f"{name}_return_form.csv": csv_text(HEADER, form_rows(candidate.id, candidate.smiles, candidate.inchikey)),
        "README.txt": README.replace("<id>", name),
        **{
            f"{name}_{item.state}.xyz": item.geometry.to_xyz(f"{safe_name(candidate.id)} {item.state}")
            for item in structures
        },
        **qcschema_documents(candidate, result),
        f"{name}_gates.json": _json(judgement.ledger.to_document()),
    }
    if judgement.retrosynthesis.routes:
        texts[f"{name}_routes.json"] = _json(judgement.retrosynthesis.routes)
    files = {file: text.encode() for file, text in texts.items()}
    files[f"{name}.pdf"] = dossier_pdf(dossier, drawing=drawing, blocks=_blocks(dossier))
    files[f"{name}.xlsx"] = dossier_workbook(dossier, drawing=drawing)
    return files, dossier


def _sdf_fields(candidate: CandidateRecord, result: Mapping[str, Any]) -> dict[str, str]:
    levels = ", ".join(sorted({key.level for key in ordered_keys(result["values"])}))
    return {
        "id": candidate.id,
        "SMILES": candidate.smiles,
        "InChIKey": candidate.inchikey,
        "levels_of_theory": levels,
    }


def _json(document: Any) -> str:
    return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def _blocks(dossier: Dossier) -> bytes | None:
    blocks = dossier.proposal.building_blocks if dossier.steps is not None else ()
    return blocks_png(blocks, legends=[f"B{i}" for i in range(1, len(blocks) + 1)])


def _eln_dataset(dossier: Dossier, files: Mapping[str, bytes]) -> ElnDataset:
    """What a notebook shows at once, and the files that belong to it; the QCSchema documents stay in the zip."""
    facts = {str(label): str(text) for label, text in dossier.identity.rows}
    facts |= {"Status": dossier.status, "Gates": dossier.gates.note}
    inside = {name: content for name, content in files.items() if "/" not in name and name != "README.txt"}
    return ElnDataset(dossier.candidate.id, facts, inside, ("heliosc", dossier.candidate.role))


def _date(run_folder: Path) -> str:
    """When the run was set up; UTC."""
    moment = (run_folder / "config.yaml").stat().st_mtime
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds")


def _drawing(candidate: CandidateRecord) -> bytes | None:
    try:
        return structure_png(candidate.smiles)
    except InputError:  # too large to draw: the dossier says so in the place of the drawing
        return None


def _overview(dossiers: Sequence[tuple[Dossier, bytes | None]]) -> bytes:
    keys = ordered_keys(key for dossier, _ in dossiers for key in dossier.candidate.computed)
    header = [
        "Role", "Decision", "SMILES", "Window met", "Alerts", "SA core",
        *(f"{symbol(key)} {unit(key)} ({key.level})".replace("  ", " ") for key in keys),
    ]  # fmt: skip
    rows = []
    for dossier, drawing in dossiers:
        candidate = dossier.candidate
        verdict = {True: "yes", False: "no", None: "not judged"}[candidate.meets_window]
        values = [number(key, candidate.computed.get(str(key))) for key in keys]
        alerts = ", ".join(candidate.alerts) or "none found"
        cells = [
            candidate.role,
            dossier.status,
            candidate.smiles,
            verdict,
            alerts,
            Number(candidate.sa_score_core, 1),
            *values,
        ]
        rows.append((candidate.id, drawing, cells))
    return overview_workbook(header, rows)


def _run_files(run_folder: Path) -> dict[str, bytes]:
    """Name in the package -> content; a store's password does not leave the house."""
    files = {name: run_folder / name for name in _RUN_FILES if (run_folder / name).exists()}
    return {f"run/{name}": without_passwords(file.read_text(encoding="utf-8")).encode() for name, file in files.items()}


def _run_facts(run_folder: Path) -> dict[str, str]:
    """Origin of the run: its name, versions, seed, and the hashes of models, configuration and environment."""
    files = _run_files(run_folder)
    hashes = {
        f"SHA-256 of {name.removeprefix('run/')}": hashlib.sha256(content).hexdigest()
        for name, content in files.items()
    }
    return {
        "Run": run_folder.resolve().name,
        "heliosc": heliosc.__version__,
        **_environment_facts(files.get("run/environment.json")),
        **hashes,
    }


def _environment_facts(content: bytes | None) -> dict[str, str]:
    """Seed, versions and hashes of the data-derived models; what the run did not write down is not known."""
    try:
        known = json.loads(content or b"{}")
        versions = ", ".join(f"{name} {known['packages'][name]}" for name in _ENGINES if name in known["packages"])
        models = ", ".join(f"{name} {digest[:16]}" for name, digest in sorted(known["weights"].items()))
        return {"Seed": str(known["seed"]), "Versions": versions, "Models (SHA-256)": models}
    except (ValueError, KeyError, TypeError):
        return {"Seed": "not known", "Versions": "not known"}
