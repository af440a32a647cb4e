"""One molecule of the library, and its row in ``molecules.csv``."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

from heliosc.errors import InputError

COLUMNS = ("smiles", "inchikey", "name", "class", "origin", "family", "n_heavy_atoms")
LARGE_HEAVY_ATOMS = 45


@dataclass(frozen=True, slots=True)
class LibraryMolecule:
    """One molecule of the library.

    Attributes
    ----------
    smiles : canonical, without stereo marks
    inchikey : standard InChIKey
    name, class_name : of named molecules; None and empty for the others
    origin : ``named`` or ``enumerated``
    family : recipe, e.g. ``fused``, ``D-A``, ``A-D-A``; ``named`` for named ones
    n_heavy_atoms : atoms other than hydrogen
    side_chains : of named molecules: ``none``, ``shortened to methyl``, ``removed``
    notes : of named molecules
    """

    smiles: str
    inchikey: str
    name: str | None
    class_name: str
    origin: str
    family: str
    n_heavy_atoms: int
    side_chains: str = ""
    notes: str = ""

    @property
    def is_large(self) -> bool:
        """Whether metrics of this molecule are reported apart, with today's acceptors."""
        return self.n_heavy_atoms >= LARGE_HEAVY_ATOMS


def write_molecules(molecules: Sequence[LibraryMolecule]) -> str:
    """The list as CSV text, in labelling order."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(
        [m.smiles, m.inchikey, m.name or "", m.class_name, m.origin, m.family, m.n_heavy_atoms] for m in molecules
    )
    return buffer.getvalue()


def read_molecules(text: str) -> list[LibraryMolecule]:
    """The list from its CSV text.

    Raises
    ------
    InputError : other columns than ``COLUMNS``, or a row that does not fit them
    """
    rows = list(csv.reader(text.splitlines()))
    if not rows or tuple(rows[0]) != COLUMNS:
        raise InputError(
            f"molecules.csv has columns {rows[0] if rows else []}, expected {list(COLUMNS)}; reinstall heliosc"
        )
    return [_molecule(row, number) for number, row in enumerate(rows[1:], start=2)]


def _molecule(row: list[str], number: int) -> LibraryMolecule:
    try:
        smiles, key, name, class_name, origin, family, n_heavy = row
        return LibraryMolecule(smiles, key, name or None, class_name, origin, family, int(n_heavy))
    except ValueError as error:
        raise InputError(f"molecules.csv, line {number}: {row!r} does not fit {COLUMNS} ({error})") from error
