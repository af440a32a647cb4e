"""The audit of a long store: everything that a reader of the master table should know before using it."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, select_autoescape

from heliosc.datasets.audit.agreement import Agreement, disagreements, level_offsets
from heliosc.datasets.audit.chemistry import ChemistryCoverage, chemistry_coverage
from heliosc.datasets.audit.coverage import Coverage, coverage, is_outlier, with_robust_z
from heliosc.datasets.audit.tables import StoreTables, open_store, scan_store
from heliosc.datasets.frames import pl
from heliosc.datasets.quarantine import printable
from heliosc.datasets.schema import MERGE_FILE, QUARANTINE_FILE
from heliosc.errors import InputError
from heliosc.files import write_atomically

MAX_OUTLIERS = 10_000
MIN_SHARED = 5  # pairs with fewer molecules are left to the JSON
_N_REASONS = 12
_MAX_SMILES = 2_000


@dataclass(frozen=True, slots=True)
class Audit:
    """What the store holds.

    Attributes
    ----------
    sources : of each source its rows, kept, duplicates, quarantined, as the merge counted them
    missing_descriptors : column -> number of molecules without it
    n_incomplete : molecules that lack at least one descriptor
    quarantine : reason -> number of rows, the most common first
    """

    n_molecules: int
    sources: tuple[dict[str, Any], ...]
    coverage: tuple[Coverage, ...]
    disagreements: tuple[Agreement, ...]
    level_offsets: tuple[Agreement, ...]
    chemistry: ChemistryCoverage
    missing_descriptors: dict[str, int]
    n_incomplete: int
    quarantine: dict[str, int]


def audit_store(folder: Path) -> Audit:
    """Check and describe the store that ``heliosc data merge`` wrote.

    Raises
    ------
    InputError : see ``open_store``; or the merge's own summary is missing
    """
    tables = open_store(folder)
    n_molecules = tables.molecules.select(pl.len()).collect().item()
    lacking = tables.molecules.select(
        *(pl.col(name).null_count() for name in tables.descriptors),
        _lacks_any(tables).sum().alias("any"),
    ).collect()
    *per_column, n_incomplete = lacking.row(0)
    return Audit(
        n_molecules,
        tuple(_summary(folder)["sources"]),
        tuple(coverage(tables.properties, n_molecules=n_molecules)),
        tuple(disagreements(tables.properties)),
        tuple(level_offsets(tables.properties)),
        chemistry_coverage(tables.molecules),
        {name: n for name, n in zip(tables.descriptors, per_column, strict=True) if n},
        n_incomplete or 0,
        _quarantine_reasons(folder / QUARANTINE_FILE),
    )


def write_audit(audit: Audit, folder: Path, *, store: Path) -> list[Path]:
    """Write ``audit.json``, ``audit.html``, ``outliers.csv`` and ``missing_descriptors.csv``; returns their paths.

    Raises
    ------
    ResourceError : the folder cannot be written
    """
    tables = scan_store(store)
    environment = Environment(
        loader=PackageLoader("heliosc.datasets.audit"), autoescape=select_autoescape(default=True)
    )
    contents = {
        "audit.json": json.dumps(asdict(audit), indent=1, sort_keys=True) + "\n",
        "audit.html": environment.get_template("page.html").render(audit=audit, min_shared=MIN_SHARED),
        "outliers.csv": _csv(_outliers(tables)),
        "missing_descriptors.csv": _csv(_missing(tables)),
    }
    for name, text in contents.items():
        write_atomically(folder / name, text)
    return [folder / name for name in contents]


def _lacks_any(tables: StoreTables) -> pl.Expr:
    if not tables.descriptors:
        return pl.lit(value=False)
    return pl.any_horizontal(pl.col(name).is_null() for name in tables.descriptors)


def _missing(tables: StoreTables) -> pl.DataFrame:
    """One row a molecule that lacks descriptors, with the names of those it lacks."""
    names = (pl.when(pl.col(name).is_null()).then(pl.lit(name)) for name in tables.descriptors)
    listed = pl.concat_list(list(names)).list.drop_nulls().list.join(";") if tables.descriptors else pl.lit("")
    return tables.molecules.filter(_lacks_any(tables)).select("smiles", listed.alias("missing")).collect()


def _outliers(tables: StoreTables) -> pl.DataFrame:
    far = with_robust_z(tables.properties).filter(is_outlier()).sort(pl.col("robust_z").abs(), descending=True)
    columns = ["smiles", "property", "level", "source", "value", "unit", "robust_z", "first_row"]
    return far.head(MAX_OUTLIERS).select(columns).collect()


def _csv(table: pl.DataFrame) -> str:
    """Text cells of foreign origin must not become formulas in a spreadsheet."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(table.columns)
    for row in table.rows():
        writer.writerow([printable(cell, _MAX_SMILES) if isinstance(cell, str) else cell for cell in row])
    return buffer.getvalue()


def _summary(folder: Path) -> dict[str, Any]:
    file = folder / MERGE_FILE
    try:
        return json.loads(file.read_text())
    except (OSError, ValueError) as error:
        raise InputError(f"{file} cannot be read ({error}); write it with: heliosc data merge") from error


def _quarantine_reasons(file: Path) -> dict[str, int]:
    if not file.is_file():
        return {}
    kind = pl.col("reason").str.replace_all(r"'[^']*'|-?\b[0-9][0-9.]*(e[+-]?[0-9]+)?\b", "...").str.slice(0, 100)
    counted = pl.scan_csv(file, infer_schema=False).group_by(kind.alias("reason")).agg(pl.len().alias("n")).collect()
    return dict(counted.sort("n", "reason", descending=[True, False]).head(_N_REASONS).rows())
