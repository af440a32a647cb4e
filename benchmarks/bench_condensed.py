"""Condensed-phase surrogates: speed in bulk, errors of the Hansen parameters, couplings, and what the score is worth.

1. Molecules per CPU second of all structural scores on the embedded library, beside RDKit's SA score in the same run.
2. Mean absolute errors of the Hansen parameters against measured ones (reference data), beside always guessing the
   median of the class.
3. Hole coupling of cofacial ethylene: GFN2-xTB and B3LYP/def2-SVP (with PySCF installed) beside MRCI+Q.
4. Rank correlation of the packing score with the GFN2-xTB interaction energy of relaxed dimers.

Prints tables and writes ``benchmarks/results/condensed.json``.
"""

from __future__ import annotations

import csv
import json
import os
import time
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from rdkit import Chem
from rich.console import Console
from rich.table import Table
from scipy.stats import spearmanr

from heliosc.chemistry.condensed_phase import condensed_phase_scores
from heliosc.chemistry.hansen import MEASURED, hansen_parameters
from heliosc.chemistry.packing import packing_score
from heliosc.chemistry.synthesizability import sa_score
from heliosc.errors import InputError, MissingDependencyError
from heliosc.qc.condensed.dft_orbitals import pyscf_orbitals
from heliosc.qc.condensed.dimers import Dimer
from heliosc.qc.condensed.tasks import stacking
from heliosc.qc.condensed.transfer_integrals import transfer_integrals
from heliosc.qc.external.settings import ProgramSettings
from heliosc.qc.geometries import Geometry

REFERENCE_DATA = Path(os.environ.get("HELIOSC_REFERENCE_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
RESULTS = Path(__file__).parent / "results" / "condensed.json"
# cofacial ethylene, meV (Kubas et al., J. Chem. Phys. 2014, 140, 104105)
MRCI_MEV = {3.5: 519.2, 4.0: 270.8, 4.5: 137.6, 5.0: 68.5}
ETHYLENE = Geometry(
    ("C", "C", "H", "H", "H", "H"),
    np.array([[0, 0, 0.6695], [0, 0, -0.6695], [0, 0.9289, 1.2321], [0, -0.9289, 1.2321], [0, 0.9289, -1.2321],
              [0, -0.9289, -1.2321]]),
)  # fmt: skip
STACKED = {
    "thiophene": "c1ccsc1",
    "benzene": "c1ccccc1",
    "naphthalene": "c1ccc2ccccc2c1",
    "anthracene": "c1ccc2cc3ccccc3cc2c1",
    "pyrene": "c1cc2ccc3cccc4ccc(c1)c2c34",
    "biphenyl": "c1ccc(-c2ccccc2)cc1",
    "2,2'-dimethylbiphenyl": "Cc1ccccc1-c1ccccc1C",
    "bithiophene": "c1csc(-c2cccs2)c1",
    "3,3'-dimethylbithiophene": "Cc1ccsc1-c1sccc1C",
    "fluorene": "c1ccc2c(c1)Cc1ccccc1-2",
    "9,9-dimethylfluorene": "CC1(C)c2ccccc2-c2ccccc21",
    "carbazole": "c1ccc2c(c1)[nH]c1ccccc12",
    "triphenylamine": "c1ccc(N(c2ccccc2)c2ccccc2)cc1",
    "benzothiadiazole": "c1ccc2nsnc2c1",
    "thienothiophene": "c1cc2sccc2s1",
    "tert-butylnaphthalene": "CC(C)(C)c1ccc2ccccc2c1",
}


def _rate(function: Callable[[Chem.Mol], Any], molecules: list[Chem.Mol]) -> float:
    """Molecules per CPU second."""
    start = time.process_time()
    for molecule in molecules:
        function(molecule)
    return len(molecules) / (time.process_time() - start)


def bulk_speed() -> dict[str, float]:
    """Molecules per CPU second on the embedded library."""
    with files("heliosc.datasets.library").joinpath("molecules.csv").open() as file:
        molecules = [Chem.MolFromSmiles(row["smiles"]) for row in csv.DictReader(file)]
    condensed_phase_scores(molecules[0])
    sa_score(molecules[0])  # both load their tables before the clock starts
    return {
        "molecules": len(molecules),
        "all structural scores per CPU s": _rate(condensed_phase_scores, molecules),
        "packing score alone per CPU s": _rate(packing_score, molecules),
        "peer: SA score of RDKit per CPU s": _rate(sa_score, molecules),
    }


def _measured() -> dict[str, Any]:
    values = defaultdict(list)
    with (REFERENCE_DATA / "hansen.csv").open() as file:
        for row in csv.DictReader(file):
            molecule = Chem.MolFromSmiles(row["smiles"])
            if molecule is not None:
                key = Chem.MolToSmiles(molecule, isomericSmiles=False)
                values[key].append([float(row[f"delta_{part}_MPa05"]) for part in "DPH"])
    return {smiles: np.median(rows, axis=0) for smiles, rows in values.items()}


def _class_names(molecule: Chem.Mol) -> list[str]:
    aromatic = [atom for atom in molecule.GetAtoms() if atom.GetIsAromatic()]
    names = ["all"]
    if not aromatic:
        names.append("aliphatic")
    else:
        names.append("heteroaromatic" if any(atom.GetAtomicNum() != 6 for atom in aromatic) else "aromatic")
    if any(atom.GetAtomicNum() == 16 for atom in molecule.GetAtoms()):
        names.append("with sulfur")
    return names


def hansen_errors() -> dict[str, dict[str, float]]:
    """Mean absolute errors by class, MPa^0.5, and those of guessing the median of the class."""
    pairs = defaultdict(list)
    for smiles, measured in _measured().items():
        molecule = Chem.MolFromSmiles(smiles)
        try:
            found = hansen_parameters(molecule)
        except InputError:
            continue
        if found.delta_p is not None and found.sources[0] != MEASURED:
            for name in _class_names(molecule):
                pairs[name].append(([found.delta_d, found.delta_p, found.delta_h], measured))
    table = {}
    for name, rows in pairs.items():
        estimated, measured = (np.array(part) for part in zip(*rows, strict=True))
        errors = np.abs(estimated - measured).mean(axis=0)
        guesses = np.abs(measured - np.median(measured, axis=0)).mean(axis=0)
        table[name] = {"n": len(rows)} | {
            label: float(value)
            for part, error, guess in zip("DPH", errors, guesses, strict=True)
            for label, value in ((f"delta_{part}", error), (f"delta_{part} of the median", guess))
        }
    return table


def couplings() -> dict[str, dict[str, float]]:
    """|J| of the HOMOs of cofacial ethylene, meV."""
    b3lyp = partial(pyscf_orbitals, settings=ProgramSettings(method="b3lyp", basis="def2-svp"))
    table = {}
    for distance, published in MRCI_MEV.items():
        dimer = Dimer(ETHYLENE, Geometry(ETHYLENE.symbols, ETHYLENE.positions + np.array([distance, 0.0, 0.0])))
        row = {"MRCI+Q (published)": published, "gfn2": 1000 * transfer_integrals(dimer)[0].size}
        try:
            row["b3lyp/def2-svp"] = 1000 * transfer_integrals(dimer, orbitals=b3lyp)[0].size
        except MissingDependencyError as error:
            print(error)
        table[f"{distance} A"] = row
    return table


def packing_against_dimers() -> tuple[dict[str, dict[str, float]], dict[str, float]]:
    """Score and dimer of each molecule, and the rank correlations."""
    rows = {}
    for name, smiles in STACKED.items():
        outcome = stacking({"smiles": smiles})
        score = packing_score(Chem.MolFromSmiles(smiles))
        heavy = Chem.MolFromSmiles(smiles).GetNumHeavyAtoms()
        energy = outcome["values"]["stacking_energy@gfn2"]
        rows[name] = {
            "score": float("nan") if score is None else score,
            "score with conformer": outcome["values"]["packing_score@gfn2"],
            "meV per pi atom": 1000 * energy,
            "meV per heavy atom": 1000 * energy * outcome["details"]["n_pi_atoms"] / heavy,
            "meV of the dimer": 1000 * energy * outcome["details"]["n_pi_atoms"],
            "contacts": outcome["values"]["stacking_contacts@gfn2"],
            "J hole meV": 1000 * outcome["values"]["transfer_integral_hole@gfn2"],
        }
    columns = {key: np.array([row[key] for row in rows.values()]) for key in next(iter(rows.values()))}
    targets = {"meV of the dimer": -1, "meV per heavy atom": -1, "meV per pi atom": -1, "contacts": 1}
    sizes = [Chem.MolFromSmiles(smiles).GetNumHeavyAtoms() for smiles in STACKED.values()]
    columns["heavy atoms (peer)"] = np.array(sizes)
    ranks = {
        f"{score} / {target}": float(spearmanr(columns[score], sign * columns[target]).statistic)
        for score in ("score", "score with conformer", "heavy atoms (peer)")
        for target, sign in targets.items()
    }
    return rows, ranks


def _print(title: str, rows: dict[str, dict[str, float]], *, digits: int = 2) -> None:
    table = Table(title=title)
    table.add_column("")
    for heading in next(iter(rows.values())):
        table.add_column(heading, justify="right")
    for name, row in rows.items():
        table.add_row(name, *(f"{value:.{digits}f}" for value in row.values()))
    Console(width=160).print(table)


def main() -> None:
    results: dict[str, Any] = {"speed": bulk_speed()}
    _print("Structural scores in bulk, one thread", {"": results["speed"]}, digits=0)
    if (REFERENCE_DATA / "hansen.csv").is_file():
        results["hansen_mae"] = hansen_errors()
        _print("Hansen parameters: mean absolute error, MPa^0.5", results["hansen_mae"])
    else:
        print(f"REFERENCE DATA MISSING: {REFERENCE_DATA / 'hansen.csv'}; set HELIOSC_REFERENCE_DATA")
    results["couplings_meV"] = couplings()
    _print("Hole coupling of cofacial ethylene, meV", results["couplings_meV"], digits=1)
    results["packing"], results["packing_ranks"] = packing_against_dimers()
    _print("Packing score and relaxed GFN2-xTB dimers", results["packing"])
    for name, value in results["packing_ranks"].items():
        print(f"Spearman rank correlation, {name}: {value:.2f}")
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
