"""SDF files: one molecule a record, its data items as columns; the column ``structure`` is its SMILES."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from rdkit import Chem

from heliosc.chemistry.identity import MAX_HEAVY_ATOMS
from heliosc.datasets.declaration import SourceDeclaration
from heliosc.datasets.records.delimited import DAMAGE, opened
from heliosc.datasets.records.model import MAX_RECORD_BYTES, TOO_LONG
from heliosc.errors import InputError

STRUCTURE = "structure"
MAX_ATOMS = 5 * MAX_HEAVY_ATOMS  # hydrogens may be drawn
_END = b"$$$$"
_MOLECULE_END = b"M  END"
_ITEM = re.compile(r"^>[^<\n]*<(?P<name>[^>\n]+)>[^\n]*\n(?P<value>.*?)(?:\n[ \t]*\n|\Z)", re.MULTILINE | re.DOTALL)
_N_ATOMS = re.compile(r"^(?:[^\n]*\n){3}\s*(?P<n>\d{1,3})")


class SdfFormat:
    """Records that name their own columns."""

    runs_rdkit = True

    def columns(self, file: Path, declaration: SourceDeclaration) -> tuple[str, ...]:
        """None: each record names its own."""
        return ()

    def records(self, file: Path, declaration: SourceDeclaration) -> Iterator[tuple[bytes, int]]:
        """The bytes before each ``$$$$``; of an endless record its beginning. Gzip is read as it is.

        Raises
        ------
        InputError : the file cannot be read, or is no SDF
        """
        lines: list[bytes] = []
        size = 0
        is_sdf = False
        try:
            with opened(file) as stream:
                while line := stream.lines.readline(MAX_RECORD_BYTES + 1):
                    if line.startswith(_END):
                        is_sdf = True
                        yield b"".join(lines), stream.position()
                        lines, size = [], 0
                    elif size <= MAX_RECORD_BYTES:
                        lines.append(line)
                        size += len(line)
                rest = b"".join(lines)
                if rest.strip() and not is_sdf and _MOLECULE_END not in rest:
                    raise InputError(f"{file} is no SDF file: no record ends with $$$$; declare its true format")
                if rest.strip():
                    yield rest, stream.position()
        except DAMAGE as error:
            raise InputError(f"{file} is damaged: {error}; get it again") from error

    def cells(self, record: bytes, columns: tuple[str, ...], declaration: SourceDeclaration) -> dict[str, str]:
        """Data items, and the SMILES of the structure.

        Raises
        ------
        InputError : too long, not text, not a molecule, or with two values of a declared column
        """
        if len(record) > MAX_RECORD_BYTES:
            raise InputError(TOO_LONG)
        try:
            text = record.decode("utf-8").replace("\r\n", "\n").replace("\r", "\n")
        except UnicodeDecodeError as error:
            raise InputError(f"not UTF-8: byte {error.start + 1} is 0x{record[error.start]:02x}") from error
        declared = {name for column in declaration.columns for name in (column.column, column.minus)}
        items: dict[str, str] = {}
        for match in _ITEM.finditer(text):
            name, value = match["name"].strip(), match["value"].strip()
            if name in declared and items.get(name, value) != value:
                raise InputError(f"data item {name} stands twice, as {items[name][:40]!r} and {value[:40]!r}")
            items[name] = value
        return items | {STRUCTURE: _smiles(text)}


def _smiles(text: str) -> str:
    count = _N_ATOMS.match(text)
    if count and int(count["n"]) > MAX_ATOMS:
        raise InputError(f"molecule of {count['n']} atoms; expected at most {MAX_ATOMS}")
    block = text.split("M  END")[0] + "M  END\n"
    try:
        molecule = Chem.MolFromMolBlock(block)
    except (RuntimeError, ValueError) as error:
        raise InputError(f"not a mol block: {error}") from error
    if molecule is None:
        raise InputError("not a readable mol block; check the counts line, valences and aromatic bonds")
    return str(Chem.MolToSmiles(molecule))
