"""The authors' QM9 archive: a tar of one small XYZ file a molecule, with the properties in its second line.

References
----------
Ramakrishnan, Dral, Rupp, von Lilienfeld, Sci. Data 2014, 1, 140022, 10.1038/sdata.2014.22 (table 2 and 3).
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from pathlib import Path

from heliosc.datasets.declaration import SourceDeclaration
from heliosc.datasets.records.delimited import DAMAGE
from heliosc.datasets.records.model import MAX_RECORD_BYTES, TOO_LONG
from heliosc.errors import InputError

_PROPERTIES = ("A", "B", "C", "mu", "alpha", "homo", "lumo", "gap", "r2", "zpve", "U0", "U", "H", "G", "Cv")


class Qm9Format:
    """Records that name their own columns: ``smiles`` and the properties of the comment line, atomic units and D."""

    runs_rdkit = False

    def columns(self, file: Path, declaration: SourceDeclaration) -> tuple[str, ...]:
        """None: the format fixes them."""
        return ()

    def records(self, file: Path, declaration: SourceDeclaration) -> Iterator[tuple[bytes, int]]:
        """Contents of the archive's ``.xyz`` members, in its order.

        Raises
        ------
        InputError : not an archive, or a damaged one
        """
        try:
            with file.open("rb") as raw, tarfile.open(fileobj=raw, mode="r:*") as archive:
                for member in archive:
                    stream = archive.extractfile(member) if member.isfile() else None
                    if stream is not None and member.name.endswith(".xyz"):
                        yield stream.read(MAX_RECORD_BYTES + 1), raw.tell()
        except (tarfile.TarError, *DAMAGE) as error:
            raise InputError(f"{file} is not a readable tar archive: {error}; download it again") from error

    def cells(self, record: bytes, columns: tuple[str, ...], declaration: SourceDeclaration) -> dict[str, str]:
        """Properties and SMILES of one molecule.

        Raises
        ------
        InputError : not of QM9's form, or a geometry that relaxed into another molecule than the one asked for
        """
        if len(record) > MAX_RECORD_BYTES:
            raise InputError(TOO_LONG)
        lines = record.decode("ascii", errors="replace").splitlines()
        try:
            n_atoms = int(lines[0])
            values = lines[1].split()[2:]
            smiles_asked, smiles_relaxed = lines[n_atoms + 3].split()
            inchi_asked, inchi_relaxed = lines[n_atoms + 4].split()
        except (IndexError, ValueError) as error:
            raise InputError("not a QM9 file: expected atoms, frequencies, two SMILES and two InChI") from error
        if len(values) != len(_PROPERTIES):
            raise InputError(f"{len(values)} properties; expected {len(_PROPERTIES)}")
        if inchi_asked != inchi_relaxed:
            raise InputError(
                f"the geometry relaxed from {smiles_asked} into {smiles_relaxed}; its values are of neither"
            )
        numbers = (value.replace("*^", "e") for value in values)
        return dict(zip(_PROPERTIES, numbers, strict=True)) | {"smiles": smiles_relaxed}
