"""Labels on disk: ``labels.parquet`` (long), ``geometries.parquet`` and ``failures.csv`` of one folder.

Values of polymers stand in ``polymers.parquet``, under the SMILES of their repeat unit with its two ``[*]`` and without
InChIKey, so that nothing reads them as molecules.

The same results give the same bytes whatever the order they came in, so a rebuilt library can be compared by hash.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from heliosc.chemistry.identity import inchikey, parse_smiles
from heliosc.datasets.library.geometries import encode_geometries
from heliosc.files import write_atomically
from heliosc.properties import CalculationFailure, CalculationResult

LABELS_FILE = "labels.parquet"
POLYMERS_FILE = "polymers.parquet"
GEOMETRIES_FILE = "geometries.parquet"
FAILURES_FILE = "failures.csv"
FAILURE_COLUMNS = ("smiles", "error_class", "reason")
SCHEMA = pa.schema(
    [
        ("inchikey", pa.string()),
        ("smiles", pa.string()),
        ("property", pa.string()),
        ("level", pa.string()),
        ("value", pa.float64()),
        ("unit", pa.string()),
        ("program", pa.string()),
        ("program_version", pa.string()),
        ("wall_time_s", pa.float32()),
        ("flags", pa.string()),
    ]
)


def write_labels(results: Sequence[CalculationResult], failures: Sequence[CalculationFailure], folder: Path) -> None:
    """Write the files of a labelled list; each is complete or absent, that of polymers absent where there are none.

    Of two results of one molecule the first by SMILES is kept.

    Raises
    ------
    InputError : a result whose SMILES cannot be read
    ParseError : a geometry that cannot be read
    ResourceError : the folder cannot be written
    """
    latest_first = sorted(results, key=lambda r: r.smiles, reverse=True)
    keyed = {inchikey(parse_smiles(r.smiles)): r for r in latest_first if not is_repeat_unit(r.smiles)}
    ordered = sorted(keyed.items())
    units = sorted({r.smiles: r for r in latest_first if is_repeat_unit(r.smiles)}.items())
    write_atomically(folder / LABELS_FILE, _labels_parquet(ordered))
    write_atomically(folder / GEOMETRIES_FILE, encode_geometries((key, r.geometries) for key, r in ordered))
    write_atomically(folder / FAILURES_FILE, _failures_csv(failures))
    if units:
        write_atomically(folder / POLYMERS_FILE, _labels_parquet((None, result) for _, result in units))
    else:
        (folder / POLYMERS_FILE).unlink(missing_ok=True)


def is_repeat_unit(smiles: str) -> bool:
    """Whether a SMILES has attachment points, and so is no molecule."""
    return "*" in smiles


def _labels_parquet(results: Iterable[tuple[str | None, CalculationResult]]) -> bytes:
    rows = [row for key, result in results for row in _rows(key, result)]
    table = pa.Table.from_pylist([dict(zip(SCHEMA.names, row, strict=True)) for row in rows], SCHEMA)
    buffer = io.BytesIO()
    dictionary = [field.name for field in SCHEMA if field.name != "value"]
    pq.write_table(table, buffer, compression="zstd", compression_level=19, use_dictionary=dictionary)
    return buffer.getvalue()


def _rows(key: str | None, result: CalculationResult) -> Iterable[tuple[object, ...]]:
    flags = ";".join(sorted(result.details.get("flags", ())))
    for property_key, value in sorted(result.values.items()):
        yield (
            key,
            result.smiles,
            property_key.name,
            property_key.level,
            float(value),
            property_key.unit,
            result.program,
            result.version,
            None if result.wall_time_s is None else round(result.wall_time_s, 3),
            flags,
        )


def _failures_csv(failures: Sequence[CalculationFailure]) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(FAILURE_COLUMNS)
    writer.writerows(sorted({(f.smiles, f.error_class, " ".join(f.reason.split())) for f in failures}))
    return buffer.getvalue()
