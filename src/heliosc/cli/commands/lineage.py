"""``heliosc lineage``: from which data, models and calculations a value came."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.tree import Tree

from heliosc.campaign.lineage import Origin
from heliosc.campaign.lineage import lineage as find_lineage
from heliosc.cli.options import AsJson
from heliosc.cli.output import print_json, results

_LONGEST = 160
_FACTS_OF_VALUES = ("value", "unit", "std", "n_rows", "first_row")


def lineage(
    name: Annotated[str, typer.Argument(metavar="ID", help="Candidate id, InChIKey or SMILES.")],
    of_property: Annotated[
        str | None, typer.Option("--property", "-p", metavar="NAME[@LEVEL]", help="Only values of this property.")
    ] = None,
    runs: Annotated[Path, typer.Option("--runs", help="Folder that holds the runs.")] = Path("runs"),
    store: Annotated[Path, typer.Option(help="Folder of the master table's long store.")] = Path("data/store"),
    as_json: AsJson = False,
) -> None:
    """Tell from which data, models and calculations the values of a molecule came."""
    found = find_lineage(name, of_property=of_property, runs=runs, store=store)
    print_json(found.to_document()) if as_json else results.print(tree_of(found))


def tree_of(origin: Origin) -> Tree:
    """The origins as a tree for people."""
    tree = Tree(_label(origin))
    _fill(tree, origin)
    return tree


def _fill(tree: Tree, origin: Origin) -> None:
    if origin.what != "value":
        for name, value in origin.facts.items():
            for line in _lines(name, value):
                tree.add(escape(line), style="dim")
    for child in origin.comes_from:
        _fill(tree.add(_label(child)), child)


def _label(origin: Origin) -> str:
    text = f"[bold]{origin.what}[/] {escape(origin.title)}"
    if origin.what != "value":
        return text
    facts = {name: origin.facts[name] for name in _FACTS_OF_VALUES if name in origin.facts}
    shown = f" = {facts.pop('value'):.6g} {facts.pop('unit', '')}"
    rest = ", ".join(f"{name} {value}" for name, value in facts.items())
    return text + escape(shown) + (f" ({escape(rest)})" if rest else "")


def _lines(name: str, value: Any) -> list[str]:
    if name == "values" and isinstance(value, dict):
        return [_prediction(key, parts) for key, parts in value.items()]
    if isinstance(value, dict):
        value = ", ".join(f"{part} {entry}" for part, entry in value.items())
    text = f"{name.replace('_', ' ')}: {value}"
    return [text if len(text) <= _LONGEST else f"{text[:_LONGEST]} ..."]


def _prediction(key: str, parts: Mapping[str, Any]) -> str:
    doubt = f"std {parts['epistemic_std']:.2g} epistemic, {parts['aleatoric_std']:.2g} aleatoric"
    return f"{key} = {parts['mean']:.4g} {parts['unit']}, {doubt}"
