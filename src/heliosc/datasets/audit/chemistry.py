"""Which chemistry the molecules cover: elements, sizes, rings, and how many scaffolds they share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from heliosc.chemistry.identity import parse_smiles
from heliosc.chemistry.scaffolds import murcko_scaffold
from heliosc.datasets.frames import pl

SCAFFOLD_SAMPLE = 20_000
_N_SCAFFOLDS = 12
# an atom of a SMILES text, in brackets or of the organic subset
_BRACKET = r"\[[0-9]*([A-Za-z][a-z]?)"
_ORGANIC = r"(Cl|Br|[BCNOPSFIbcnops])"


@dataclass(frozen=True, slots=True)
class ChemistryCoverage:
    """Shares refer to all molecules, scaffolds to a sample.

    Attributes
    ----------
    elements : symbol -> number of molecules with it, the most common first; hydrogen is left out
    heavy_atoms, rings : number -> number of molecules
    n_sampled : molecules whose Bemis-Murcko scaffolds were drawn, evenly in the store's order
    n_scaffolds : different ones among them
    scaffolds : the most common ones and their number
    """

    elements: dict[str, int]
    heavy_atoms: dict[int, int]
    rings: dict[int, int]
    n_sampled: int
    n_scaffolds: int
    scaffolds: dict[str, int]


def chemistry_coverage(molecules: pl.LazyFrame) -> ChemistryCoverage:
    """Look at every molecule.

    Parameters
    ----------
    molecules : with ``smiles``, ``n_heavy_atoms`` and ``n_rings``
    """
    n_molecules = molecules.select(pl.len()).collect().item()
    every = max(1, -(-n_molecules // SCAFFOLD_SAMPLE))
    sample = molecules.select("smiles").gather_every(every).collect()
    scaffolds = Counter(murcko_scaffold(parse_smiles(text)) or "no ring" for text in sample["smiles"])
    return ChemistryCoverage(
        _elements(molecules),
        _counted(molecules, "n_heavy_atoms"),
        _counted(molecules, "n_rings"),
        sample.height,
        len(scaffolds),
        dict(scaffolds.most_common(_N_SCAFFOLDS)),
    )


def _elements(molecules: pl.LazyFrame) -> dict[str, int]:
    text = pl.col("smiles")
    in_brackets = text.str.extract_all(_BRACKET).list.eval(pl.element().str.extract(_BRACKET, 1))
    organic = text.str.replace_all(r"\[[^\]]*\]", "").str.extract_all(_ORGANIC)
    symbols = in_brackets.list.concat(organic).list.eval(pl.element().str.to_titlecase()).list.unique()
    rows = molecules.select(symbols.alias("symbol")).explode("symbol").group_by("symbol").agg(pl.len()).collect().rows()
    return dict(sorted(_without_hydrogen(rows), key=lambda entry: (-entry[1], entry[0])))


def _without_hydrogen(rows: Iterable[tuple]) -> list[tuple[str, int]]:
    return [(symbol, n) for symbol, n in rows if symbol not in (None, "H")]


def _counted(molecules: pl.LazyFrame, column: str) -> dict[int, int]:
    rows = molecules.drop_nulls(column).group_by(pl.col(column).cast(pl.Int64)).agg(pl.len()).sort(column).collect()
    return dict(rows.rows())
