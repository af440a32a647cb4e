"""Four-point GFN2-xTB: heliosc against the steps one after the other with ASE's BFGS from MMFF geometries.

Same Hamiltonian (tblite), same machine, same run, one thread, same MMFF geometry. Two plain recipes: every charge state
from the MMFF geometry, and the kinder one whose ions start at the neutral's minimum. heliosc's four steps are timed
between its geometry and its properties; the search for the geometry, IPEA1 energies and polarizability, which the plain
recipes leave out, stand beside it. Prints a table and writes ``benchmarks/results/four_point.json``: CPU seconds,
gradient evaluations, and the largest difference of the three minima, so that the comparison is one at equal final
energies.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

from ase import Atoms
from ase.optimize import BFGS
from rdkit import Chem
from rich.console import Console
from rich.table import Table
from tblite.ase import TBLite

from heliosc.qc.four_point import FourPointRun, FourPointSettings, run_four_point
from heliosc.qc.geometries import Geometry
from heliosc.qc.units import HARTREE_EV

MOLECULES = {
    "anthracene": "c1ccc2cc3ccccc3cc2c1",
    "dithienyl-benzothiadiazole": "c1csc(-c2ccc(-c3cccs3)c3nsnc23)c1",
    "DPP-T2": "CN1C(=O)C2=C(c3cccs3)N(C)C(=O)C2=C1c1cccs1",
    "triphenylamine": "c1ccc(N(c2ccccc2)c2ccccc2)cc1",
    "pentacene": "c1ccc2cc3cc4cc5ccccc5cc4cc3cc2c1",
    "terthiophene": "c1csc(-c2ccc(-c3cccs3)s2)c1",
    "BTBT": "c1ccc2c(c1)sc1c2sc2ccccc21",
    "naphthalene diimide": "CN1C(=O)c2ccc3c4c(ccc(c24)C1=O)C(=O)N(C)C3=O",
}
F_MAX = 0.02  # eV/A, about xtb's "normal" level
STATES = {"neutral": 0, "cation": 1, "anion": -1}
RESULTS = Path(__file__).parent / "results" / "four_point.json"


def naive_four_point(start: Geometry, *, are_ions_from_neutral: bool) -> tuple[dict[str, float], int, float]:
    """Energies of the three minima (Eh), gradient evaluations and CPU seconds of a plain recipe."""
    began = time.process_time()
    minima: dict[int, Atoms] = {}
    energies, n_evaluations = {}, 0
    for name, charge in STATES.items():
        warm = bool(charge) and are_ions_from_neutral
        atoms = minima[0].copy() if warm else Atoms(start.symbols, positions=start.positions)
        atoms.calc = TBLite(method="GFN2-xTB", charge=charge, multiplicity=1 + abs(charge), verbosity=0)
        optimizer = BFGS(atoms, logfile=None)
        optimizer.run(fmax=F_MAX, steps=500)
        n_evaluations += optimizer.get_number_of_steps() + 1
        minima[charge] = atoms
        energies[name] = atoms.get_potential_energy() / HARTREE_EV
    for charge, geometry in ((1, 0), (-1, 0), (0, 1), (0, -1)):
        atoms = minima[geometry].copy()
        atoms.calc = TBLite(method="GFN2-xTB", charge=charge, multiplicity=1 + abs(charge), verbosity=0)
        atoms.get_potential_energy()
        n_evaluations += 1
    return energies, n_evaluations, time.process_time() - began


def timed_four_point(smiles: str) -> tuple[FourPointRun, dict[str, float]]:
    """heliosc's calculation and the CPU seconds of its parts."""
    stamps = {"start": time.process_time()}

    def note(stage: str) -> None:
        stamps[stage] = time.process_time()

    run = run_four_point(Chem.MolFromSmiles(smiles), FourPointSettings(), progress=note)
    last = max(stamp for stage, stamp in stamps.items() if stage in STATES)
    return run, {
        "geometry": stamps["geometry"] - stamps["start"],
        "four_steps": last - stamps["geometry"],
        "extras": stamps["properties"] - last,
    }


def compare(smiles: str) -> dict[str, float]:
    """All three ways on one molecule."""
    run, seconds = timed_four_point(smiles)
    start = run.start.geometry
    naive_energies, naive_steps, naive_s = naive_four_point(start, are_ions_from_neutral=False)
    kind_energies, kind_steps, kind_s = naive_four_point(start, are_ions_from_neutral=True)
    ours = {
        "neutral": run.energies.neutral_at_neutral,
        "cation": run.energies.cation_at_cation,
        "anion": run.energies.anion_at_anion,
    }
    differences = [ours[name] - other[name] for name in STATES for other in (naive_energies, kind_energies)]
    return {
        "heliosc_s": seconds["four_steps"],
        "naive_s": naive_s,
        "kinder_naive_s": kind_s,
        "speed_up": naive_s / seconds["four_steps"],
        "speed_up_over_kinder": kind_s / seconds["four_steps"],
        "heliosc_evaluations": sum(run.n_evaluations.values()),
        "naive_evaluations": naive_steps,
        "kinder_evaluations": kind_steps,
        "largest_difference_meV": 1000 * HARTREE_EV * max(differences, key=abs),
        "heliosc_geometry_s": seconds["geometry"],
        "heliosc_extras_s": seconds["extras"],
    }


def main() -> None:
    timed_four_point("c1ccsc1")  # load the libraries before the clock starts
    rows = {name: compare(smiles) for name, smiles in MOLECULES.items()}
    total = {column: sum(row[column] for row in rows.values()) for column in next(iter(rows.values()))}
    total["speed_up"] = total["naive_s"] / total["heliosc_s"]
    total["speed_up_over_kinder"] = total["kinder_naive_s"] / total["heliosc_s"]
    total["largest_difference_meV"] = max((row["largest_difference_meV"] for row in rows.values()), key=abs)
    rows["all"] = total
    table = Table(title=f"Four-point GFN2-xTB, CPU seconds; load of the machine {os.getloadavg()[0]:.1f}")
    table.add_column("molecule")
    for heading in total:
        table.add_column(heading.replace("_", " "), justify="right")
    for name, row in rows.items():
        cells = (f"{value:.0f}" if "evaluations" in column else f"{value:.2f}" for column, value in row.items())
        table.add_row(name, *cells)
    Console(width=170).print(table)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps({"load": os.getloadavg()[0], **rows}, indent=2) + "\n")


if __name__ == "__main__":
    main()
