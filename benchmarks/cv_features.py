"""Vertical GFN2-xTB, IPEA1-xTB and ALPB energies of molecules with measured CV levels (HOPV15, named acceptors).

    nice -n 15 .venv/bin/python benchmarks/cv_features.py

About half an hour on one core; every molecule is written down as soon as it is done, and the same command goes on
where it stopped. Writes ``benchmarks/results/cv_features.json``: InChIKey -> ``name@level`` -> eV. The measured values
stay in the data sets (``$HELIOSC_REFERENCE_DATA`` or ``../shared/data``).
"""

from __future__ import annotations

import csv
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

from rdkit import Chem, RDLogger

from heliosc.chemistry.identity import inchikey, parse_smiles
from heliosc.errors import HelioscError
from heliosc.files import write_atomically
from heliosc.qc.calibration.features import vertical_features

DATA = Path(os.environ.get("HELIOSC_REFERENCE_DATA", Path(__file__).parents[2] / "shared" / "data"))
RESULTS = Path(__file__).parent / "results" / "cv_features.json"


def molecules() -> Iterator[Chem.Mol]:
    """Every molecule of the two sets with a measured level: acceptors, donors, repeat units, each smallest first."""
    with (DATA / "hopv15.csv").open() as stream:
        rows = [row for row in csv.DictReader(stream) if "nan" not in (row["HOMO"], row["LUMO"])]
    donors = [row["smiles"] for row in rows if row["construction"] != "polymer"]
    polymers = [row["smiles"] for row in rows if row["construction"] == "polymer"]
    with (DATA / "nfa_named.tsv").open() as stream:
        named = [row for row in csv.DictReader(stream, delimiter="\t") if row["SMILES"].strip()]
    acceptors = [row["SMILES"] for row in named if row["HOMO (eV)"].strip()]
    for group in (acceptors, donors, polymers):
        unique = {inchikey(molecule): molecule for molecule in map(parse_smiles, group)}
        yield from sorted(unique.values(), key=lambda molecule: molecule.GetNumAtoms())


def main() -> None:
    RDLogger.DisableLog("rdApp.*")
    stored = json.loads(RESULTS.read_text()) if RESULTS.exists() else {"command": "python benchmarks/cv_features.py"}
    values, failures = stored.setdefault("values", {}), stored.setdefault("failures", {})
    for molecule in molecules():
        key = inchikey(molecule)
        if key in values or key in failures:
            continue
        start = time.process_time()
        try:
            values[key] = {name: round(value, 4) for name, value in vertical_features(molecule).items()}
        except HelioscError as error:
            failures[key] = str(error)[:200]
        print(molecule.GetNumAtoms(), key, f"{time.process_time() - start:.1f} s", key in values, flush=True)
        write_atomically(RESULTS, json.dumps(stored, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
