"""Results of a store with everything known about them: rows for the master table, QCSchema for other programs.

References
----------
Smith et al., WIREs Comput. Mol. Sci. 2021, 11, e1491 (QCSchema). doi:10.1002/wcms.1491
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from heliosc.chemistry.identity import inchikey, parse_smiles
from heliosc.datasets.library.labels import (
    FAILURE_COLUMNS,
    FAILURES_FILE,
    LABELS_FILE,
    POLYMERS_FILE,
    SCHEMA,
    is_repeat_unit,
)
from heliosc.execution import QCResultStore
from heliosc.execution.tasks import Attempt
from heliosc.files import ensure_folder, write_atomically
from heliosc.properties import CalculationResult
from heliosc.qc.qcschema import atomic_results, grid_of
from heliosc.qc.results import calculation_result

ROW_SCHEMA = pa.schema(
    [
        *SCHEMA,
        ("standard_error", pa.float64()),
        ("conditions", pa.string()),
        ("status", pa.string()),
        ("requested_level", pa.string()),
        ("reason", pa.string()),
        ("n_attempts", pa.int32()),
        ("remedies", pa.string()),
        ("grid", pa.string()),
        ("keywords", pa.string()),
        ("cpu_time_s", pa.float32()),
        ("cores", pa.int32()),
        ("host", pa.string()),
        ("finished_at", pa.float64()),
        ("calculation_key", pa.string()),
    ]
)
"""The columns of labels, and: ``standard_error`` in the value's unit and ``conditions`` (size, length, capping) of
condensed-phase values; ``status`` (done, fallback) with the level asked for and the reason; ``n_attempts`` of
the store; ``remedies`` that convergence needed, joined by ``|``; integration ``grid`` (coarse, normal, fine) of DFT
single points and the user's own ``keywords``, which no level names; Unix seconds; null = not known."""

CSV_FILE, POLYMERS_CSV_FILE, QCSCHEMA_FOLDER, DETAILS_FOLDER = "labels.csv", "polymers.csv", "qcschema", "details"
_SPREADSHEET_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class StoredResult:
    """A finished calculation with what the store knows of it."""

    key: str
    result: CalculationResult
    attempt: Attempt | None
    n_attempts: int


def stored_results(store: QCResultStore, keys: Iterable[str] | None = None) -> Iterator[StoredResult]:
    """Every result of these keys, or of the whole store, that holds properties of a molecule; other tasks do not.

    Raises
    ------
    ParseError : a result that is not whole
    """
    for key, state in sorted(store.states(keys).items()):
        outcome = store.result(key) if state == "done" else None
        if not isinstance(outcome, Mapping) or not {"smiles", "values"} <= set(outcome):
            continue
        attempts = store.attempts(key)
        attempt = next((attempt for attempt in attempts if attempt.outcome == "done"), None)
        wall_s = None if attempt is None else attempt.wall_s
        yield StoredResult(key, calculation_result(outcome, wall_time_s=wall_s), attempt, len(attempts))


def export_results(store: QCResultStore, out: Path, *, keys: Iterable[str] | None = None) -> dict[str, int]:
    """Write ``labels.parquet``, ``labels.csv``, ``failures.csv``, ``qcschema/KEY.json`` and ``details/KEY.json``.

    Values of polymers are written to ``polymers.parquet`` and ``polymers.csv`` instead, where there are some. The
    folder can be merged into the master data set like one that ``heliosc label`` wrote.

    Parameters
    ----------
    keys : which tasks; all of the store by default

    Returns
    -------
    dict : ``calculations``, ``values``, ``polymer_values``, ``failures``, ``qcschema``, ``details``

    Raises
    ------
    ResourceError : the folder cannot be written
    """
    ensure_folder(out)
    chosen = None if keys is None else set(keys)
    results = list(stored_results(store, chosen))
    everything = [row for stored in results for row in result_rows(stored)]
    rows = [row for row in everything if not is_repeat_unit(row["smiles"])]
    polymers = [row for row in everything if is_repeat_unit(row["smiles"])]
    _write_tables(rows, out / LABELS_FILE, out / CSV_FILE)
    if polymers:
        _write_tables(polymers, out / POLYMERS_FILE, out / POLYMERS_CSV_FILE)
    else:
        for name in (POLYMERS_FILE, POLYMERS_CSV_FILE):
            (out / name).unlink(missing_ok=True)
    failures = sorted(
        (failure.key, failure.error_class, failure.reason)
        for failure in store.failures()
        if chosen is None or failure.key in chosen
    )
    write_atomically(out / FAILURES_FILE, _failures_csv(store, failures))
    return {
        "calculations": len(results),
        "values": len(rows),
        "polymer_values": len(polymers),
        "failures": len(failures),
        "qcschema": sum(_write_qcschema(stored, out / QCSCHEMA_FOLDER) for stored in results),
        "details": sum(_write_details(stored, out / DETAILS_FOLDER) for stored in results),
    }


def result_rows(stored: StoredResult) -> Iterator[dict[str, Any]]:
    """One row a value, with the columns of ``ROW_SCHEMA``."""
    result, attempt, details = stored.result, stored.attempt, stored.result.details
    common = {
        "inchikey": None if is_repeat_unit(result.smiles) else inchikey(parse_smiles(result.smiles)),
        "smiles": result.smiles,
        "program": result.program,
        "program_version": result.version,
        "wall_time_s": result.wall_time_s,
        "flags": ";".join(sorted(details.get("flags", ()))),
        "conditions": details.get("conditions"),
        "status": details.get("status", "done"),
        "requested_level": details.get("requested_level"),
        "reason": details.get("reason"),
        "n_attempts": stored.n_attempts,
        "remedies": "|".join(details.get("attempts", ())),
        "grid": grid_of(details),
        "keywords": " ".join(details.get("keywords", ())),
        "cpu_time_s": None if attempt is None else attempt.cpu_s,
        "cores": details.get("n_cores", 1),
        "host": _host(attempt),
        "finished_at": None if attempt is None else attempt.finished_at,
        "calculation_key": stored.key,
    }
    errors = details.get("standard_errors", {})
    for key, value in sorted(result.values.items()):
        of_property = {"property": key.name, "level": key.level, "value": float(value), "unit": key.unit}
        yield common | of_property | {"standard_error": errors.get(str(key))}


def _write_tables(rows: list[dict[str, Any]], parquet: Path, text: Path) -> None:
    write_atomically(parquet, _parquet(rows))
    write_atomically(text, _csv(rows))


def _host(attempt: Attempt | None) -> str | None:
    """Name of the machine, without what tells its boots and containers apart."""
    return None if attempt is None or attempt.host is None else attempt.host.split("/", maxsplit=1)[0]


def _parquet(rows: list[dict[str, Any]]) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(rows, ROW_SCHEMA), sink, compression="zstd")
    data: bytes = sink.getvalue().to_pybytes()
    return data


def _csv(rows: list[dict[str, Any]]) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(ROW_SCHEMA.names)
    writer.writerows([_cell(row[name]) for name in ROW_SCHEMA.names] for row in rows)
    return buffer.getvalue()


def _cell(value: Any) -> Any:
    """Texts that a spreadsheet would take for a formula get an apostrophe; numbers stay numbers."""
    if isinstance(value, str) and value.startswith(_SPREADSHEET_FORMULA):
        return f"'{value}"
    return "" if value is None else value


def _failures_csv(store: QCResultStore, failures: list[tuple[str, str, str]]) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(FAILURE_COLUMNS)
    for key, error_class, reason in failures:
        smiles = store.payload(key).get("smiles", "")
        writer.writerow([_cell(smiles), error_class, _cell(" ".join(reason.split()))])
    return buffer.getvalue()


def _write_details(stored: StoredResult, folder: Path) -> bool:
    """Whether the result is one of the condensed phase, whose arrangements, oligomers or series do not fit a table."""
    if "conditions" not in stored.result.details:
        return False
    result = stored.result
    document = {"smiles": result.smiles, "geometries": dict(result.geometries), "details": dict(result.details)}
    ensure_folder(folder)
    text = json.dumps(document, indent=1, sort_keys=True, allow_nan=False, default=list)
    write_atomically(folder / f"{stored.key[:16]}.json", f"{text}\n")
    return True


def _write_qcschema(stored: StoredResult, folder: Path) -> bool:
    """Whether the result held energies and geometries to write."""
    provenance: dict[str, Any] = {"calculation_key": stored.key}
    attempt = stored.attempt
    if attempt is not None:
        provenance |= {"wall_time": attempt.wall_s, "hostname": _host(attempt)}
    documents = atomic_results(stored.result, provenance=provenance)
    if not documents:
        return False
    ensure_folder(folder)
    text = json.dumps(documents, indent=1, sort_keys=True, allow_nan=False)
    write_atomically(folder / f"{stored.key[:16]}.json", f"{text}\n")
    return True
