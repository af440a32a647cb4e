"""``python -m heliosc.datasets.library.build``: write ``molecules.csv`` from the named table and the enumerator."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Sequence
from pathlib import Path

from heliosc.datasets.library.molecules import LibraryMolecule, library_molecules

MOLECULES_FILE = Path(__file__).with_name("molecules.csv")
COLUMNS = ("smiles", "name", "class", "origin", "family")


def molecules_csv(molecules: Sequence[LibraryMolecule]) -> str:
    """The list as CSV text, in labelling order."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([m.smiles, m.name or "", m.class_name, m.origin, m.family] for m in molecules)
    return buffer.getvalue()


def main() -> None:
    """Write the file and say how many molecules it holds."""
    molecules = library_molecules()
    MOLECULES_FILE.write_text(molecules_csv(molecules), encoding="utf-8")
    n_large = sum(m.is_large and m.origin == "enumerated" for m in molecules)
    n_named = sum(m.origin == "named" for m in molecules)
    sys.stderr.write(f"{len(molecules)} molecules ({n_named} named, {n_large} large enumerated) in {MOLECULES_FILE}\n")


if __name__ == "__main__":
    main()
