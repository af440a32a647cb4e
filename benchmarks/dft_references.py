"""Adiabatic IE and EA at B3LYP/def2-SVP on GFN2-xTB geometries (preset ``dft-fast``) for molecules with measured ones.

    nice -n 15 .venv/bin/python benchmarks/dft_references.py

About half an hour on one core; every molecule is written down as soon as it is done, and the same command goes on where
it stopped. Writes ``benchmarks/results/dft_references.json``. Large molecules (``LARGEST``) are left out.
"""

from __future__ import annotations

import csv
import json
import os
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

from rdkit import Chem

from heliosc.files import write_atomically
from heliosc.qc.external.settings import ProgramSettings
from heliosc.qc.four_point import FourPointSettings, run_four_point
from heliosc.qc.pyscf import PySCFExecutor
from heliosc.qc.units import HARTREE_EV
from heliosc.qc.vertical import lowest_multiplicity

SETTINGS = ProgramSettings("b3lyp", "def2-svp", grid="coarse", memory_mb=6000)
LARGEST = 16  # heavy atoms
TABLE = Path(__file__).parent / "data" / "gas_phase.csv"
RESULTS = Path(__file__).parent / "results" / "dft_references.json"
CHARGES = {"neutral": 0, "cation": 1, "anion": -1}


def energies(smiles: str, states: tuple[str, ...]) -> tuple[dict[str, float], list[str]]:
    """Energy of each charge state at its own GFN2-xTB minimum, Eh, and what had to be tried."""
    run = run_four_point(Chem.MolFromSmiles(smiles), FourPointSettings())
    executor, found, attempts = PySCFExecutor(SETTINGS), {}, []
    for state in states:
        geometry, charge = run.geometries[state], CHARGES[state]
        multiplicity = lowest_multiplicity(geometry.symbols, charge=charge)
        point = executor.single_point(geometry, charge=charge, multiplicity=multiplicity)
        found[state] = point.energy_hartree
        attempts += point.attempts
    return found, attempts


def main() -> None:
    stored = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    stored |= {"level": f"{PySCFExecutor(SETTINGS).level}//gfn2", "command": "python benchmarks/dft_references.py"}
    done = stored.setdefault("molecules", {})
    with TABLE.open() as stream:
        rows = sorted(csv.DictReader(stream), key=lambda row: len(row["smiles"]))
    for row in rows:
        molecule = Chem.MolFromSmiles(row["smiles"])
        if row["name"] in done or molecule.GetNumHeavyAtoms() > LARGEST:
            continue
        wanted = [s for s, c in (("cation", "adiabatic_ie_eV"), ("anion", "adiabatic_ea_eV")) if row[c]]
        start = time.process_time()
        found, attempts = energies(row["smiles"], ("neutral", *wanted))
        done[row["name"]] = {
            "adiabatic_ie_eV": (found["cation"] - found["neutral"]) * HARTREE_EV if "cation" in found else None,
            "adiabatic_ea_eV": (found["neutral"] - found["anion"]) * HARTREE_EV if "anion" in found else None,
            "attempts": attempts,
            "cpu_s": round(time.process_time() - start, 1),
        }
        write_atomically(RESULTS, json.dumps(stored, indent=1) + "\n")
        print(row["name"], done[row["name"]], flush=True)


if __name__ == "__main__":
    main()
