"""Four-point GFN2-xTB: heliosc against the four steps one after the other with ASE's BFGS from MMFF geometries.

Same Hamiltonian (tblite), same machine, same run, one thread. Prints a table and writes
``benchmarks/results/four_point.json``: CPU seconds, gradient evaluations, and the energy of the neutral's minimum, so
that the comparison is one at equal final energies.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

from rich.console import Console
from rich.table import Table

from heliosc.qc.tasks import four_point

MOLECULES = {
    "anthracene": "c1ccc2cc3ccccc3cc2c1",
    "dithienyl-benzothiadiazole": "c1csc(-c2ccc(-c3cccs3)c3nsnc23)c1",
    "DPP-T2": "CN1C(=O)C2=C(c3cccs3)N(C)C(=O)C2=C1c1cccs1",
    "triphenylamine": "c1ccc(N(c2ccccc2)c2ccccc2)cc1",
}
HARTREE_EV = 27.211386245988
F_MAX = 0.02  # eV/A, about xtb's "normal" level
RESULTS = Path(__file__).parent / "results" / "four_point.json"


def naive_four_point(smiles: str) -> tuple[float, int]:
    """Energy of the neutral's minimum (Eh) and gradient evaluations of the plain recipe."""
    from ase import Atoms
    from ase.optimize import BFGS
    from rdkit import Chem
    from rdkit.Chem import AllChem
    from tblite.ase import TBLite

    molecule = Chem.AddHs(Chem.MolFromSmiles(smiles))
    AllChem.EmbedMolecule(molecule, randomSeed=1)
    AllChem.MMFFOptimizeMolecule(molecule, maxIters=1000)
    symbols = [atom.GetSymbol() for atom in molecule.GetAtoms()]
    minima, n_steps, energy = {}, 0, 0.0
    for charge in (0, 1, -1):
        atoms = minima[0].copy() if charge else Atoms(symbols, positions=molecule.GetConformer().GetPositions())
        atoms.calc = TBLite(method="GFN2-xTB", charge=charge, multiplicity=1 + abs(charge), verbosity=0)
        optimizer = BFGS(atoms, logfile=None)
        optimizer.run(fmax=F_MAX, steps=500)
        n_steps += optimizer.get_number_of_steps() + 1
        minima[charge] = atoms
        energy = atoms.get_potential_energy() / HARTREE_EV if charge == 0 else energy
    for charge, geometry in ((1, 0), (-1, 0), (0, 1), (0, -1)):
        atoms = minima[geometry].copy()
        atoms.calc = TBLite(method="GFN2-xTB", charge=charge, multiplicity=1 + abs(charge), verbosity=0)
        atoms.get_potential_energy()
        n_steps += 1
    return energy, n_steps


def compare(smiles: str) -> dict[str, float]:
    """Both ways on one molecule."""
    start = time.process_time()
    ours = four_point({"smiles": smiles})
    ours_s = time.process_time() - start
    start = time.process_time()
    naive_energy, naive_steps = naive_four_point(smiles)
    naive_s = time.process_time() - start
    energy = ours["details"]["energies_hartree"]["neutral_at_neutral"]
    return {
        "heliosc_cpu_s": ours_s,
        "naive_cpu_s": naive_s,
        "speed_up": naive_s / ours_s,
        "heliosc_evaluations": sum(ours["details"]["n_evaluations"].values()),
        "naive_evaluations": naive_steps,
        "energy_difference_meV": 1000 * HARTREE_EV * (energy - naive_energy),
    }


def main() -> None:
    four_point({"smiles": "c1ccsc1"})  # load the libraries before the clock starts
    rows = {name: compare(smiles) for name, smiles in MOLECULES.items()}
    table = Table(title="Four-point GFN2-xTB (heliosc also does IPEA1 energies and the polarizability)")
    table.add_column("molecule")
    for heading in next(iter(rows.values())):
        table.add_column(heading.replace("_", " "), justify="right")
    for name, row in rows.items():
        table.add_row(name, *(f"{value:.2f}" for value in row.values()))
    Console(width=160).print(table)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
