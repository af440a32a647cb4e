"""Small drawings: the same lines as the large ones, in a tenth of the text."""

from __future__ import annotations

import re

from heliosc.handoff.drawing import structure_svg
from heliosc.report.thumbnails import HEIGHT, WIDTH, thumbnail

SMILES = "O=C1c2cc(C=C(C#N)C#N)ccc2-c2ccc(-c3cc(F)c(Cl)s3)nc21"


def test_every_line_of_the_full_drawing_is_kept() -> None:
    full = re.findall(r" d='([^']*)'", structure_svg(SMILES, width=WIDTH, height=HEIGHT))
    small = re.findall(r' d="([^"]*)"', thumbnail(SMILES, label="a") or "")
    numbers = [sorted(re.findall(r"[0-9.]+", " ".join(paths))) for paths in (full, small)]
    assert numbers[0] == numbers[1]


def test_takes_a_third_of_the_text_or_less() -> None:
    assert len(thumbnail(SMILES, label="a") or "") < len(structure_svg(SMILES, width=WIDTH, height=HEIGHT)) / 3


def test_the_label_is_escaped() -> None:
    assert 'aria-label="&quot;&gt;&lt;script&gt;"' in (thumbnail("c1ccccc1", label='"><script>') or "")


def test_what_cannot_be_drawn_is_none() -> None:
    assert thumbnail("C" * 150, label="a") is None
