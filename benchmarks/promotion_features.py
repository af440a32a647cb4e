"""xTB energies behind the levels by cyclic voltammetry, for the named molecules of the embedded library.

    python benchmarks/promotion_features.py

Single points on the library's stored GFN2-xTB minima; resumable. Writes ``results/promotion_features.json``, which
``make bench-promotion`` reads.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

from heliosc.datasets.library.load import load_library
from heliosc.errors import HelioscError
from heliosc.files import write_atomically
from heliosc.qc.calibration.features import vertical_features_at
from heliosc.qc.geometries import Geometry

RESULTS = Path(__file__).parent / "results" / "promotion_features.json"
DECIMALS = 4


def main() -> None:
    library = load_library()
    named = {molecule.inchikey: molecule for molecule in library.labelled_molecules() if molecule.name}
    known = json.loads(RESULTS.read_text())["values"] if RESULTS.exists() else {}
    waiting = [(key, xyz) for key, state, xyz in library.geometries() if state == "neutral" and key in named]
    waiting.sort(key=lambda item: named[item[0]].n_heavy_atoms)
    for key, xyz in waiting:
        if key in known:
            continue
        try:
            values = vertical_features_at(Geometry.from_xyz(xyz))
        except HelioscError as error:
            print(f"{named[key].name}: {error}")
            continue
        known[key] = {name: round(value, DECIMALS) for name, value in values.items()}
        document = {"command": "python benchmarks/promotion_features.py", "values": known}
        write_atomically(RESULTS, json.dumps(document, indent=1, sort_keys=True) + "\n")
    print(f"{len(known)} of {len(waiting)} molecules")


if __name__ == "__main__":
    main()
