"""``heliosc data graft``: side chains on marked sites, and solubility, miscibility and SA of the material as made."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from heliosc.cli.commands.label import read_molecules, refuse_to_hide
from heliosc.cli.errors import messages
from heliosc.cli.options import AsJson
from heliosc.cli.output import print_json
from heliosc.errors import InputError, PartialResultError, UsageError

if TYPE_CHECKING:
    from heliosc.chemistry.materials import Material

_LEVEL = "structure"


def graft(
    file: Annotated[Path, typer.Argument(help="CSV with a SMILES column, or a list; sites marked [*:1], [*:2].")],
    chain: Annotated[
        list[str], typer.Option("--chain", metavar="N=CHAIN", help="Chain on sites N: a name such as 2-octyldodecyl.")
    ],
    methyl: Annotated[
        bool, typer.Option("--methyl", help="Take the methyl groups on conjugated cores for sites number 1.")
    ] = False,
    out: Annotated[Path, typer.Option(help="CSV file to write.")] = Path("materials.csv"),
    as_json: AsJson = False,
) -> None:
    """Put side chains on cores and repeat units; Hansen parameters, chi, density, packing and SA of what comes out."""
    from heliosc.chemistry.materials import made_material
    from heliosc.files import write_atomically

    chains = _chains(chain)
    cores, n_unreadable = read_molecules(file)
    materials, n_refused = [], 0
    for core in cores:
        try:
            materials.append(made_material(core, chains, marks_methyl=methyl))
        except InputError as error:
            n_refused += 1
            messages.print(f"{core}: {error}", markup=False, soft_wrap=True)
    unused = set(chains) - {number for material in materials for number, _ in material.side_chains}
    if materials and unused:
        raise UsageError(f"no molecule of {file} has sites {', '.join(map(str, sorted(unused)))}; leave the chain out")
    rows = [_row(material) for material in materials]
    write_atomically(out, _csv(rows))
    if as_json:
        print_json(rows)
    messages.print(f"{len(rows)} materials in {out}")
    if n_refused:
        raise PartialResultError(f"{n_refused} of {len(cores)} have no result, each with its reason above")
    refuse_to_hide(n_unreadable, file)


def _chains(texts: list[str]) -> dict[int, str]:
    """Number of the site -> chain.

    Raises
    ------
    UsageError : not of the form N=CHAIN, or a number twice
    """
    chains: dict[int, str] = {}
    for text in texts:
        number, separator, name = text.partition("=")
        if not separator or not number.isdecimal() or not int(number) or not name:
            raise UsageError(f"--chain {text[:80]!r}; expected N=CHAIN, e.g. 1=2-octyldodecyl or 2=*OCCOC")
        if int(number) in chains:
            raise UsageError(f"--chain names sites {number} twice; give one chain for each number")
        chains[int(number)] = name
    return chains


def _row(material: Material) -> dict[str, Any]:
    return {
        "smiles": material.smiles,
        "core": material.core,
        "side_chains": "; ".join(f"{number}={chain}" for number, chain in material.side_chains),
        "scored_units": material.n_units,
        **{f"{name}@{_LEVEL}": value for name, value in material.scores.items()},
    }


def _csv(rows: list[dict[str, Any]]) -> str:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue()
