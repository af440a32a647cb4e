"""SchNet on GFN2-xTB geometries beside the MPNN ensemble at equal data: the molecules of the embedded library.

    python benchmarks/bench_surrogate.py --part schnet                # the library's molecules
    python benchmarks/bench_surrogate.py --part schnet --labels xtb   # and those labelled by `heliosc label`

All models learn from the same molecules, are calibrated on the same, and measured on the same tenth that none has
seen (random by InChIKey skeleton, 80/10/10). Figures are of test molecules, at the level of the keys. Every training
goes on from its checkpoints in ``--work`` when it is started again.

*neutral*: geometry of the neutral alone. *neutral + ions*: also how much every distance changes in the ions. The
reorganisation energies are differences of GFN2-xTB energies at just these geometries, so this one says how much of
the answer the geometries hold, not how well a molecule is predicted of which nothing was computed.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from heliosc.campaign.geometry_sources import XtbGeometries, library_geometries
from heliosc.datasets.library.load import load_library
from heliosc.datasets.splits import Split, random_split
from heliosc.properties import DEFAULT_TARGETS, PropertyTable
from heliosc.surrogates.ensemble import SurrogateEnsemble
from heliosc.surrogates.mpnn.config import MPNNConfig
from heliosc.surrogates.schnet import (
    ForceFieldGeometries,
    KnownGeometries,
    MolecularGeometry,
    SchNetConfig,
    SchNetEnsemble,
    with_geometry,
)

SEED = 0
COSTED = 12  # molecules whose geometries are computed for their cost
IONS: tuple[str, ...] = ("neutral", "cation", "anion")
SCHNET: dict[str, Any] = {
    "n_members": 1,
    "hidden": 96,
    "filters": 64,
    "interactions": 3,
    "epochs": 40,
    "learning_rate": 2e-3,
    "device": "cpu",
}
CONFIGS = {
    "SchNet, neutral": SchNetConfig(**SCHNET),
    "SchNet, neutral + ions": SchNetConfig(**SCHNET, states=IONS),
    "MPNN": MPNNConfig(device="cpu"),
}
FIGURES = ("mae", "rmse", "r2", "coverage_90", "miscalibration_area", "ence", "nll", "crps", "error_rank_correlation")


@dataclass(frozen=True)
class Task:
    """What all models learn from."""

    geometries: KnownGeometries
    table: PropertyTable
    split: Split
    n_missing: int


def library_task(labels: Path | None) -> Task:
    """The molecules of the library, and of a folder of further labels, that have all three geometries."""
    folders = [None] if labels is None else [None, labels]
    known = [library_geometries(folder) for folder in folders]
    geometries = KnownGeometries(known[0].level, {k: v for source in known for k, v in source.of_molecule.items()})
    tables = [load_library(folder).property_table(DEFAULT_TARGETS) for folder in folders]
    rows = {text: table.values[row] for table in tables for row, text in enumerate(table.smiles)}
    table, missing = with_geometry(
        PropertyTable(tuple(rows), DEFAULT_TARGETS, np.array(list(rows.values()))), geometries, states=IONS
    )
    return Task(geometries, table, random_split(table.smiles, seed=SEED), len(missing))


def train(name: str, task: Task, work: Path) -> tuple[Any, float]:
    """A model and the CPU seconds that all its epochs took, also those of earlier starts."""
    torch.set_num_threads(1)
    config, folder = CONFIGS[name], work / name.replace(", ", "-").replace(" ", "_")
    clock = Clock(folder / "cpu_s.txt", name)
    split = (task.split.train, task.split.validation, task.split.test)
    common: dict[str, Any] = {"split": split, "seed": SEED, "checkpoint_dir": folder, "progress": clock}
    if isinstance(config, SchNetConfig):
        model: Any = SchNetEnsemble.train(task.table, geometries=task.geometries, config=config, **common)
    else:
        model = SurrogateEnsemble.train(task.table, config=config, **common)
    return model, clock.read()


class Clock:
    """Counts CPU seconds from epoch to epoch in a file, and says where training stands."""

    def __init__(self, path: Path, name: str) -> None:
        self.path, self.name, self.last = path, name, time.process_time()

    def read(self) -> float:
        return float(self.path.read_text()) if self.path.exists() else 0.0

    def __call__(self, report: Any) -> None:
        now = time.process_time()
        self.path.write_text(f"{self.read() + now - self.last}")
        self.last = now
        print(f"{self.name}: {report}", flush=True)


def schnet(arguments: argparse.Namespace) -> dict[str, Any]:
    """SchNet beside the MPNN on the library."""
    task = library_task(arguments.labels)
    work = (arguments.work or Path("runs")) / "schnet-benchmark"
    rows: dict[str, Any] = {}
    for name, config in CONFIGS.items():
        model, cpu_s = train(name, task, work)
        test = model.metrics["test"]
        rows[name] = {
            "members": config.n_members,
            "training_CPU_s": cpu_s,
            "epochs": [len(curve["train"]) for curve in model.metrics["learning_curve"].values()],
            "parameters_of_a_member": sum(p.numel() for p in model.networks[0].parameters()),
            "molecules_per_CPU_s_predicted": _prediction_rate(model, task.table.smiles[:256]),
            "test_mae_of_one_member": one_member(model, task),
            "test": {key: {f: values[f] for f in FIGURES if f in values} for key, values in test.items()},
        }
    costs = {f"{name}, {' + '.join(states)}": cost for name, states, cost in geometry_costs(task)}
    result = {
        "load": os.getloadavg()[0],
        "molecules": {name: len(part) for name, part in asdict(task.split).items()},
        "without_geometry": task.n_missing,
        "geometries": task.geometries.level,
        "geometry_CPU_s_a_molecule": costs,
        "models": rows,
    }
    print_schnet(result)
    return result


def one_member(model: Any, task: Task) -> dict[str, float]:
    """Test MAE of a member by itself, the mean over all members."""
    test = task.table.rows(task.split.test)
    errors = np.abs(model.predict(test.smiles).members - test.values).mean(axis=(0, 1))
    return {str(key): float(error) for key, error in zip(test.keys, errors, strict=True)}


def _prediction_rate(model: Any, smiles: tuple[str, ...]) -> float:
    """From SMILES, and from geometries at hand where the model needs them."""
    model.predict(smiles[:8])
    began = time.process_time()
    model.predict(smiles)
    return len(smiles) / (time.process_time() - began)


def geometry_costs(task: Task) -> Iterator[tuple[str, tuple[str, ...], float]]:
    """Level, charge states, and CPU seconds a molecule of the test part that their geometries take."""
    smiles = task.table.rows(task.split.test[:COSTED]).smiles
    for provider, states in (
        (ForceFieldGeometries(), IONS[:1]),
        (XtbGeometries(), IONS[:1]),
        (XtbGeometries(), IONS),
    ):
        began = time.process_time()
        found = provider.find(smiles, states=states)
        n_found = sum(isinstance(entry, MolecularGeometry) for entry in found)
        yield provider.level, states, (time.process_time() - began) / n_found


def print_schnet(result: dict[str, Any]) -> None:
    models = result["models"]
    sizes = result["molecules"]
    table = Table(title=f"Test MAE, {sizes['train']} training and {sizes['test']} test molecules")
    table.add_column("property")
    columns = {}
    for name, row in models.items():
        if row["members"] > 1:
            columns[f"{name}, one member"] = row["test_mae_of_one_member"]
        columns[f"{name} ({row['members']})"] = {key: values["mae"] for key, values in row["test"].items()}
    for name in columns:
        table.add_column(name, justify="right")
    for key in next(iter(models.values()))["test"]:
        errors = [column[key] for column in columns.values()]
        cells = [f"[bold]{error:.4f}[/bold]" if error == min(errors) else f"{error:.4f}" for error in errors]
        table.add_row(key, *cells)
    console = Console(width=140)
    console.print(table)
    console.print(_uncertainty_table(models))
    for name, cost in result["geometry_CPU_s_a_molecule"].items():
        console.print(f"geometries, {name}: {cost:.2f} CPU s a molecule")


def _uncertainty_table(models: dict[str, Any]) -> Table:
    table = Table(title="Means over the properties, and costs")
    table.add_column("")
    for name in models:
        table.add_column(name, justify="right")
    for figure in FIGURES[3:]:
        means = [np.mean([values[figure] for values in row["test"].values()]) for row in models.values()]
        table.add_row(figure.replace("_", " "), *(f"{mean:.3f}" for mean in means))
    for figure in ("training_CPU_s", "molecules_per_CPU_s_predicted", "parameters_of_a_member"):
        table.add_row(figure.replace("_", " "), *(f"{row[figure]:,.0f}" for row in models.values()))
    return table
