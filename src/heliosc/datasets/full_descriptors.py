"""All descriptors of chosen molecules, on request: RDKit's whole 2D set, and shape and planarity of a conformer.

They take from milliseconds to seconds a molecule, too much for millions of rows; ``bulk_descriptors`` has the cheap
ones that every molecule of the master table gets.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from rdkit import Chem
from rdkit.Chem import Descriptors, rdMolDescriptors
from rdkit.Geometry import Point3D

from heliosc.chemistry.conformers import Conformer, embed_conformers
from heliosc.chemistry.identity import parse_smiles
from heliosc.chemistry.packing import conformer_packing_score
from heliosc.chemistry.planarity import planarity
from heliosc.datasets import bulk_descriptors
from heliosc.datasets.consolidate import parquet_bytes
from heliosc.datasets.frames import pl
from heliosc.datasets.workers import ItemWatch, WorkerPool
from heliosc.errors import ConvergenceError, InputError
from heliosc.files import write_atomically

ITEM_SECONDS = 120.0
N_CONFORMERS = 4
JOB_MOLECULES = 8
SHAPE_COLUMNS = (
    "mmff94_planarity_deviation_A",
    "mmff94_planarity_span_A",
    "mmff94_largest_torsion_deg",
    "mmff94_packing_score",
    "mmff94_radius_of_gyration_A",
    "mmff94_asphericity",
    "mmff94_npr1",
    "mmff94_npr2",
)
RDKIT_COLUMNS = tuple(f"rdkit_{name}" for name, _ in Descriptors.descList)
COLUMNS = (*bulk_descriptors.COLUMNS, *RDKIT_COLUMNS, *SHAPE_COLUMNS)
SCHEMA = pa.schema(
    [
        pa.field("smiles", pa.string(), nullable=False),
        pa.field("missing", pa.string()),
        *(pa.field(name, pa.float64()) for name in COLUMNS),
    ]
)
"""``missing`` says why a molecule has no shape, or nothing at all."""


@dataclass(frozen=True, slots=True)
class _Job:
    start: int
    smiles: tuple[str, ...]
    seed: int


def describe_file(
    smiles: Sequence[str],
    file: Path,
    *,
    n_workers: int,
    seed: int = 0,
    listener: Callable[[int, int], None] = lambda done, total: None,
) -> int:
    """Write all descriptors of the molecules as Parquet, in their order; returns how many lack some.

    Raises
    ------
    ResourceError : the file cannot be written, or a worker ran out of memory
    """
    jobs = [_Job(i, tuple(smiles[i : i + JOB_MOLECULES]), seed) for i in range(0, len(smiles), JOB_MOLECULES)]
    parts: dict[int, list[tuple]] = {}
    with WorkerPool(n_workers=n_workers, item_seconds=ITEM_SECONDS) as pool:
        for job, rows in pool.run(_describe, jobs):
            parts[job.start] = rows
            listener(sum(map(len, parts.values())), len(smiles))
    rows = [row for start in sorted(parts) for row in parts[start]]
    kinds = {"smiles": pl.String, "missing": pl.String} | dict.fromkeys(COLUMNS, pl.Float64)
    frame = pl.DataFrame(rows, schema=kinds, orient="row")
    write_atomically(file, parquet_bytes(frame, SCHEMA))
    return len(rows) - frame["missing"].null_count()


def describe_in_full(smiles: str, *, seed: int = 0) -> tuple[dict[str, float | None], str | None]:
    """All columns of one molecule, and why some are missing.

    Raises
    ------
    InputError : the SMILES cannot be read
    """
    molecule = parse_smiles(smiles)
    cheap = dict(zip(bulk_descriptors.COLUMNS, bulk_descriptors.describe_smiles(smiles), strict=True))
    whole = {f"rdkit_{name}": _finite(value) for name, value in Descriptors.CalcMolDescriptors(molecule).items()}
    try:
        best = embed_conformers(molecule, n_conformers=N_CONFORMERS, seed=seed)[0]
    except (ConvergenceError, InputError) as error:
        return {**cheap, **whole, **dict.fromkeys(SHAPE_COLUMNS)}, str(error)
    if best.force_field != "mmff94":
        return {**cheap, **whole, **dict.fromkeys(SHAPE_COLUMNS)}, f"no MMFF94 parameters, only {best.force_field}"
    return {**cheap, **whole, **dict(zip(SHAPE_COLUMNS, _shape(molecule, best), strict=True))}, None


def _shape(molecule: Chem.Mol, conformer: Conformer) -> tuple[float | None, ...]:
    solid = Chem.AddHs(molecule)
    frame = Chem.Conformer(solid.GetNumAtoms())
    for index, position in enumerate(conformer.positions):
        frame.SetAtomPosition(index, Point3D(*map(float, position)))
    solid.AddConformer(frame)
    sizes = tuple(
        _finite(function(solid))
        for function in (
            rdMolDescriptors.CalcRadiusOfGyration,
            rdMolDescriptors.CalcAsphericity,
            rdMolDescriptors.CalcNPR1,
            rdMolDescriptors.CalcNPR2,
        )
    )
    try:
        flat = planarity(molecule, conformer.positions)
    except InputError:  # no conjugated system
        return (None, None, None, None, *sizes)
    score = conformer_packing_score(molecule, flat)
    return flat.deviation, flat.span, flat.largest_torsion, score, *sizes


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _describe(job: _Job, watch: ItemWatch) -> list[tuple]:
    return [_row(text, watch(index), job.seed) for index, text in enumerate(job.smiles)]


def _row(text: str, refusal: str | None, seed: int) -> tuple:
    try:
        values, missing = ({}, refusal) if refusal is not None else describe_in_full(text, seed=seed)
    except (InputError, RuntimeError, ValueError) as error:  # RDKit's own descriptors fail on odd structures
        values, missing = {}, str(error)
    return (text, missing, *(values.get(name) for name in COLUMNS))
