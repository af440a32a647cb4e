"""``python -m heliosc.datasets.library.build``: write ``molecules.csv`` from the named table and the enumerator."""

from __future__ import annotations

import sys
from pathlib import Path

from heliosc.datasets.library.molecules import library_molecules
from heliosc.datasets.library.records import write_molecules
from heliosc.files import write_atomically

MOLECULES_FILE = Path(__file__).with_name("molecules.csv")


def main() -> None:
    """Write the file and say how many molecules it holds."""
    molecules = library_molecules()
    write_atomically(MOLECULES_FILE, write_molecules(molecules))
    n_named = sum(molecule.origin == "named" for molecule in molecules)
    n_large = sum(molecule.is_large and molecule.origin == "enumerated" for molecule in molecules)
    sys.stderr.write(f"{len(molecules)} molecules ({n_named} named, {n_large} large enumerated) in {MOLECULES_FILE}\n")


if __name__ == "__main__":
    main()
