"""Geometries that xtb leaves beside its output, which does not print them for single points."""

from __future__ import annotations

import re
from pathlib import Path

from heliosc.errors import ParseError
from heliosc.qc.geometries import Geometry
from heliosc.qc.xtb.parse import symbols

_MAX_BYTES = 1_000_000
_SAME_ENERGY_HARTREE = 1e-6


def geometry_beside(text: str, *, energy_hartree: float, folder: Path) -> tuple[Geometry | None, str | None]:
    """Geometry and name of the file it was read from; ``None`` when none can be trusted.

    Trusted are ``xtbopt.xyz`` with the energy of this output in its title, and the coordinate file that the output
    names when its elements are those of the output.
    """
    optimized = _read(folder / "xtbopt.xyz")
    if optimized and _has_energy(optimized[1], energy_hartree):
        return optimized[0], "xtbopt.xyz"
    named = re.search(r"coordinate file +: +(\S+)", text)
    name = Path(named.group(1)).name if named else ""  # never outside the folder
    given = _read(folder / name) if name.endswith(".xyz") else None
    if given and given[0].symbols == symbols(text):
        return given[0], name
    return None, None


def _read(path: Path) -> tuple[Geometry, str] | None:
    """Geometry and title line of an XYZ file; ``None`` when it is absent or something else."""
    if not path.is_file() or path.stat().st_size > _MAX_BYTES:
        return None
    text = path.read_text(errors="replace")
    try:
        return Geometry.from_xyz(text), text.splitlines()[1]
    except ParseError:
        return None


def _has_energy(title: str, energy_hartree: float) -> bool:
    found = re.search(r"energy: +(-?\d+\.\d+)", title)
    return found is not None and abs(float(found.group(1)) - energy_hartree) < _SAME_ENERGY_HARTREE
