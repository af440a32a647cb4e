"""Densities of liquids from periodic MMFF94 dynamics beside the measured ones, and beside volume increments.

Two liquids at 298.15 K and 1 bar, each in a box of its own; mean and standard error over the equilibrated part. The
peer in the same run is the density from Mathieu's volume increments. Cohesive energies stand beside the measured
enthalpy of vaporisation less RT. About 10 CPU minutes at the defaults; ``--time-ps`` and ``--molecules`` set the size,
and names choose liquids. Every liquid is written to ``benchmarks/results/density.json`` as it finishes, replacing its
earlier entry; the density is printed at every sample.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

from rdkit import Chem
from rich.console import Console
from rich.table import Table

from heliosc.chemistry.conformers import embed_conformers
from heliosc.chemistry.molar_volume import estimated_density
from heliosc.qc.condensed.bulk import BulkSettings, OpenmmExecutor
from heliosc.qc.geometries import Geometry

RESULTS = Path(__file__).parent / "results" / "density.json"
RT_KJ = 2.479
EV_KJ = 96.48533212
# density g/cm3 at 298.15 K (Riddick, Bunger, Sakano, Organic Solvents, 4th ed. 1986); enthalpy of vaporisation, kJ/mol
# at 298.15 K (Majer, Svoboda, Enthalpies of Vaporization of Organic Compounds, IUPAC 1985)
LIQUIDS: dict[str, tuple[str, float, float | None]] = {
    "benzene": ("c1ccccc1", 0.8737, 33.83),
    "thiophene": ("c1ccsc1", 1.0583, None),
}


def simulate(name: str, settings: BulkSettings, *, seed: int) -> dict[str, Any]:
    """One liquid: measured, simulated and estimated density, and what the run was."""
    smiles, measured, vaporisation = LIQUIDS[name]
    molecule = Chem.MolFromSmiles(smiles)
    best = embed_conformers(molecule, n_conformers=1, seed=seed)[0]
    executor, started = OpenmmExecutor(), time.process_time()
    start = Geometry(best.symbols, best.positions)
    result = executor.simulate(
        Chem.AddHs(molecule),
        start,
        settings,
        seed=seed,
        on_sample=lambda density: print(f"{name} {density:.4f}", flush=True),
    )
    row: dict[str, Any] = {
        "smiles": smiles,
        "measured_g_cm3": measured,
        "mmff94_npt_g_cm3": result.density.value,
        "standard_error_g_cm3": result.density.standard_error,
        "deviation_percent": 100.0 * (result.density.value / measured - 1.0),
        "increments_g_cm3": estimated_density(molecule),
        "cohesive_energy_kJ_mol": result.cohesive_energy[0] * EV_KJ,
        "cohesive_energy_error_kJ_mol": result.cohesive_energy[1] * EV_KJ,
        "measured_cohesive_energy_kJ_mol": None if vaporisation is None else vaporisation - RT_KJ,
        "n_molecules": result.n_molecules,
        "time_ps": settings.time_ps,
        "cutoff_A": settings.cutoff_A,
        "equilibration_ps": result.density.n_discarded * settings.sample_ps,
        "n_blocks": result.density.n_blocks,
        "platform": result.platform,
        "openmm": executor.version(),
        "machine": platform.machine(),
        "cpu_s": time.process_time() - started,
        "density_series_g_cm3": [round(float(value), 4) for value in result.series],
    }
    return row


def show(results: dict[str, dict[str, Any]]) -> None:
    """Print what has been computed so far."""
    table = Table(title="Density at 298.15 K and 1 bar, g/cm3; cohesive energy, kJ/mol")
    for heading in ("liquid", "measured", "MMFF94 NPT", "off by %", "increments", "E(coh)", "measured", "ps", "CPU s"):
        table.add_column(heading, justify="right")
    for name, row in results.items():
        cohesion = row["measured_cohesive_energy_kJ_mol"]
        table.add_row(
            name,
            f"{row['measured_g_cm3']:.3f}",
            f"{row['mmff94_npt_g_cm3']:.3f} +- {row['standard_error_g_cm3']:.3f}",
            f"{row['deviation_percent']:+.1f}",
            f"{row['increments_g_cm3']:.3f}",
            f"{row['cohesive_energy_kJ_mol']:.1f} +- {row['cohesive_energy_error_kJ_mol']:.1f}",
            "" if cohesion is None else f"{cohesion:.1f}",
            f"{row['time_ps']:g}",
            f"{row['cpu_s']:.0f}",
        )
    Console(width=160).print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description="Densities of liquids with MMFF94 and OpenMM")
    parser.add_argument("names", nargs="*", metavar="LIQUID", help=", ".join(LIQUIDS))
    parser.add_argument("--time-ps", type=float, default=200.0)
    parser.add_argument("--molecules", type=int, default=64)
    parser.add_argument("--cutoff", type=float, default=9.0)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    settings = BulkSettings(time_ps=asked.time_ps, n_molecules=asked.molecules, cutoff_A=asked.cutoff)
    results = json.loads(RESULTS.read_text()) if RESULTS.is_file() else {}
    for name in asked.names or LIQUIDS:
        results[name] = simulate(name, settings, seed=asked.seed)
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(json.dumps(results, indent=1) + "\n")
    show(results)


if __name__ == "__main__":
    main()
