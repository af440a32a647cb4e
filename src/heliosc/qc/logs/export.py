"""What was read, as files: every job, every value with its origin, every failure with its reason, results by molecule.

``results.json`` holds outcomes in the form that four-point tasks return, so that a store of results can take them.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from heliosc.files import write_atomically
from heliosc.properties import PropertyKey
from heliosc.qc.logs.folder import FolderReport
from heliosc.qc.logs.jobs import LogFailure, LogJob, LogSource
from heliosc.qc.logs.sets import LogSet

SOURCE = "log"
_VALUE_COLUMNS = ("smiles", "property", "level", "value", "unit", "source", "program", "version", "file", "sha256")
_FAILURE_COLUMNS = ("file", "job", "n_jobs", "program", "version", "error_class", "reason", "sha256")
_FORMULA_STARTS = "=+-@"


def write_report(report: FolderReport, sets: Sequence[LogSet], folder: Path) -> None:
    """Write ``jobs.json``, ``results.json``, ``values.csv`` and ``failures.csv``.

    Raises
    ------
    ResourceError : the folder cannot be written
    """
    write_atomically(folder / "jobs.json", _json([job_record(job) for job in report.jobs]))
    write_atomically(folder / "results.json", _json([outcome(result) for result in sets]))
    values = [row for result in sets for row in value_rows(result)]
    write_atomically(folder / "values.csv", _csv(_VALUE_COLUMNS, values))
    write_atomically(folder / "failures.csv", _csv(_FAILURE_COLUMNS, map(failure_row, report.failures)))


def job_record(job: LogJob) -> dict[str, Any]:
    """Everything about one job; missing is ``None``, never zero."""
    output = job.output
    return {
        **_origin(job.source),
        "program": job.program,
        "version": output.version,
        "level": job.level,
        "method": output.method,
        "basis": output.basis,
        "dispersion": output.dispersion,
        "solvent": output.solvent,
        "keywords": job.keywords,
        "charge": job.charge,
        "multiplicity": job.multiplicity,
        "energy_hartree": job.energy_hartree,
        "scf_converged": output.scf_converged,
        "optimization_converged": output.optimization_converged,
        "special_geometry": output.special_geometry,
        "homo_eV": output.homo_eV,
        "lumo_eV": output.lumo_eV,
        "dipole_debye": output.dipole_debye,
        "polarizability_A3": output.polarizability_A3,
        "s_squared": output.s_squared,
        "excitation_method": output.excitation_method,
        "excited_states": [asdict(state) for state in output.excited_states],
        "frequencies_per_cm": list(output.frequencies_per_cm),
        "unshifted_vertical_ionization_energy_eV": job.vertical_eV[0],
        "unshifted_vertical_electron_affinity_eV": job.vertical_eV[1],
        "geometry": job.geometry.to_xyz(f"{job.level} {job.source}") if job.geometry else None,
        "geometry_file": job.geometry_file,
        "flags": list(job.flags),
    }  # fmt: skip


def outcome(result: LogSet) -> dict[str, Any]:
    """A set in the form of a four-point task's result, with its origin in ``details``."""
    jobs = [job for origin in result.origins.values() for job in origin]
    return {
        "smiles": result.smiles,
        "values": {str(key): value for key, value in result.values.items()},
        "geometries": {
            state: geometry.to_xyz(f"{state}, {result.level}") for state, geometry in result.geometries.items()
        },
        "program": " + ".join(sorted({job.program for job in jobs})),
        "version": " + ".join(sorted({job.output.version or "unknown" for job in jobs})),
        "details": {
            "source": SOURCE,
            "level": result.level,
            "is_complete": result.is_complete,
            "energies_hartree": result.energies_hartree,
            "lambda_terms_eV": result.lambda_terms(),
            "flags": result.flags,
            "energies_from": {role: _origin(job.source) for role, job in result.jobs.items()},
            "geometries_from": {state: _origin(job.source) for state, job in result.minima.items()},
            "values_from": {str(key): [_origin(job.source) for job in jobs] for key, jobs in result.origins.items()},
        },
    }


def identity(result: LogSet) -> dict[str, Any]:
    """What makes a parsed result the same one when it is parsed again: the bytes it was read from, and its level."""
    jobs = sorted({(job.source.sha256, job.source.part) for origin in result.origins.values() for job in origin})
    return {"task": "parsed_logs", "schema": 1, "smiles": result.smiles, "level": result.level, "jobs": jobs}


def value_rows(result: LogSet) -> list[dict[str, Any]]:
    """One row a value, with the files it was made of."""
    return [_value_row(result, key, value) for key, value in result.values.items()]


def failure_row(failure: LogFailure) -> dict[str, Any]:
    """One row of ``failures.csv``."""
    source = failure.source
    return {
        "file": source.file,
        "job": source.part,
        "n_jobs": source.n_parts,
        "program": failure.program,
        "version": failure.version,
        "error_class": failure.error_class,
        "reason": failure.reason,
        "sha256": source.sha256,
    }


def _value_row(result: LogSet, key: PropertyKey, value: float) -> dict[str, Any]:
    jobs = result.origins[key]
    return {
        "smiles": result.smiles,
        "property": key.name,
        "level": key.level,
        "value": value,
        "unit": key.unit,
        "source": SOURCE,
        "program": jobs[0].program,
        "version": jobs[0].output.version,
        "file": "; ".join(str(job.source) for job in jobs),
        "sha256": "; ".join(job.source.sha256 for job in jobs),
    }


def _origin(source: LogSource) -> dict[str, Any]:
    return {"file": source.file, "sha256": source.sha256, "job": source.part, "n_jobs": source.n_parts}


def _json(data: Any) -> str:
    return json.dumps(data, indent=1, allow_nan=False) + "\n"


def _csv(columns: Sequence[str], rows: Iterable[dict[str, Any]]) -> str:
    stream = io.StringIO()
    writer = csv.DictWriter(stream, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
    return stream.getvalue()


def _cell(value: Any) -> Any:
    """Texts of files must not become formulas of a spreadsheet."""
    return f"'{value}" if isinstance(value, str) and value.startswith(tuple(_FORMULA_STARTS)) else value
