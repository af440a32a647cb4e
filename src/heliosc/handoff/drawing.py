"""2D structures as SVG or PNG, with element colours that keep their contrast on white."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rdkit import Chem
from rdkit.Chem import rdDepictor
from rdkit.Chem.Draw import rdMolDraw2D

from heliosc.chemistry.identity import parse_smiles
from heliosc.errors import InputError

MAX_DRAWN_HEAVY_ATOMS = 120
"""Larger molecules are unreadable in a table and slow to lay out."""

_INK = (0.13, 0.15, 0.19)
_ELEMENT_COLOURS = {
    -1: _INK,
    6: _INK,
    7: (0.16, 0.28, 0.62),
    8: (0.69, 0.14, 0.11),
    9: (0.07, 0.42, 0.31),
    16: (0.47, 0.36, 0.00),
    17: (0.07, 0.42, 0.31),
    34: (0.55, 0.27, 0.07),
    35: (0.07, 0.42, 0.31),
}


def structure_svg(smiles: str, *, width: int = 260, height: int = 180) -> str:
    """Structure drawing, transparent background.

    Raises
    ------
    InputError : unparsable or too large to draw
    """
    canvas = rdMolDraw2D.MolDraw2DSVG(width, height)
    options: Any = canvas.drawOptions()
    options.clearBackground = False
    _draw(smiles, canvas, width=width)
    return str(canvas.GetDrawingText())


def structure_png(smiles: str, *, width: int = 1200, height: int = 800) -> bytes:
    """Structure drawing on white.

    Raises
    ------
    InputError : unparsable or too large to draw
    """
    canvas = rdMolDraw2D.MolDraw2DCairo(width, height)
    _draw(smiles, canvas, width=width)
    return bytes(canvas.GetDrawingText())


def blocks_png(smiles: Sequence[str], *, legends: Sequence[str], width: int = 2000, height: int = 420) -> bytes | None:
    """Several structures in a row, each with a legend, on white; None for none, or where one is too large to draw."""
    try:
        molecules = [_laid_out(text) for text in smiles]
    except InputError:
        return None
    if not molecules:
        return None
    canvas = rdMolDraw2D.MolDraw2DCairo(width, height, width // len(molecules), height)
    options: Any = canvas.drawOptions()
    options.setAtomPalette(_ELEMENT_COLOURS)
    options.padding = 0.06
    options.legendFontSize = 36
    options.includeMetadata = False
    options.prepareMolsBeforeDrawing = False
    canvas.DrawMolecules(molecules, legends=list(legends))
    canvas.FinishDrawing()
    return bytes(canvas.GetDrawingText())


def _draw(smiles: str, canvas: Any, *, width: int) -> None:
    """``canvas`` is one of RDKit's drawers, whose type stubs do not know their options."""
    molecule = _laid_out(smiles)
    options = canvas.drawOptions()
    options.setAtomPalette(_ELEMENT_COLOURS)
    options.padding = 0.04
    options.fixedBondLength = width / 9.0
    options.bondLineWidth = max(1.4, width / 300)
    options.scaleBondWidth = False
    options.includeMetadata = False
    canvas.DrawMolecule(molecule)
    canvas.FinishDrawing()


def _laid_out(smiles: str) -> Chem.Mol:
    molecule = parse_smiles(smiles)
    if molecule.GetNumHeavyAtoms() > MAX_DRAWN_HEAVY_ATOMS:
        raise InputError(
            f"{molecule.GetNumHeavyAtoms()} heavy atoms are too many to draw; the limit is {MAX_DRAWN_HEAVY_ATOMS}"
        )
    rdDepictor.Compute2DCoords(molecule)
    rdDepictor.StraightenDepiction(molecule)
    return rdMolDraw2D.PrepareMolForDrawing(molecule, addChiralHs=False)
