"""``heliosc data``: from public data sets and own files to one master table."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.progress import Progress

from heliosc.cli.commands.graft import graft
from heliosc.cli.commands.verify_data import verify
from heliosc.cli.data_progress import describe_progress, fetch_progress, merge_progress
from heliosc.cli.errors import messages
from heliosc.cli.options import AsJson
from heliosc.cli.output import print_json, print_table
from heliosc.errors import PartialResultError, UsageError

if TYPE_CHECKING:
    from heliosc.datasets.locate import SourceFiles
    from heliosc.datasets.prepare import PrepareSettings

app = typer.Typer(no_args_is_help=True, help="Data sets into the master table: sources, fetch, merge, audit, split.")

Downloads = Annotated[Path, typer.Option("--data", help="Folder of the downloads, or of the files you have.")]
_DOWNLOADS = Path("data/downloads")


@app.command()
def sources(data: Downloads = _DOWNLOADS, as_json: AsJson = False) -> None:
    """List the known sources: what they give, under what licence, and whether their files are here."""
    from heliosc.datasets.declaration import shipped_sources
    from heliosc.datasets.locate import present_sources

    here = {found.declaration.name for found in present_sources([data])}
    rows = [
        {
            "source": source.name,
            "files_here": source.name in here,
            "download": bool(source.downloads) or source.package is not None,
            "properties": len(source.columns),
            "licence": source.licence.name,
            "title": source.title,
        }
        for source in shipped_sources().values()
    ]
    print_table(rows, title="data sources", as_json=as_json)


@app.command()
def fetch(
    name: Annotated[str, typer.Argument(help="Source, see: heliosc data sources.")],
    copy: Annotated[Path | None, typer.Option("--from", help="Take this file instead of downloading.")] = None,
    data: Downloads = _DOWNLOADS,
    as_json: AsJson = False,
) -> None:
    """Download a source from its public home, checked; the same command resumes a broken download."""
    from heliosc.datasets.declaration import shipped_source
    from heliosc.datasets.fetch import fetch as fetch_source
    from heliosc.datasets.fetch import fetch_from

    source = shipped_source(name)
    terms = f"{source.licence.name} {source.licence.url or ''}. {source.licence.note}".strip(". ")
    messages.print(f"{source.title}\nlicence: {terms}\ncite: {source.reference}", markup=False, soft_wrap=True)
    if copy is not None:
        files = [fetch_from(source, copy, data)]
    else:
        with fetch_progress() as listener:
            files = fetch_source(source, data, listener=listener)
    rows = [
        {"file": str(file.path), "bytes": file.n_bytes, "sha256": file.sha256, "compared": file.was_checked}
        for file in files
    ]
    print_table(rows, title=f"files of {name}", as_json=as_json)


@app.command()
def merge(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[SOURCE[=FILE]]...", help="none = all whose files are in --data.")
    ] = None,
    column_map: Annotated[
        list[Path] | None, typer.Option("--map", help="YAML column map of a file of your own; see the how-to.")
    ] = None,
    data: Downloads = _DOWNLOADS,
    store: Annotated[Path, typer.Option(help="Folder of the long store.")] = Path("data/store"),
    out: Annotated[Path, typer.Option(help="The wide table.")] = Path("data/raw/all_mols.csv"),
    workers: Annotated[int, typer.Option(min=0, help="Processes; 0 = one a core.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Merge sources into the long store and the wide master table. The same command again goes on where it was."""
    from heliosc.datasets.merge import MergeSettings
    from heliosc.datasets.merge import merge as merge_sources

    chosen = _chosen_sources(names or [], column_map or [], data, store)
    settings = MergeSettings(store, out, n_workers=workers) if workers else MergeSettings(store, out)
    with merge_progress() as listener:
        report = merge_sources(chosen, settings, listener=listener)
    if as_json:
        print_json(asdict(report))
    else:
        print_table([asdict(count) for count in report.sources], title="rows of each source", as_json=False)
    messages.print(
        f"{report.n_molecules} molecules in {out}, {report.n_polymers} repeat units in {settings.polymer_file}"
    )
    if any(count.n_quarantined for count in report.sources):
        messages.print(f"rows set aside, with reasons: {settings.quarantine_file}")
    empty = [count.source for count in report.sources if count.n_quarantined and not count.n_kept]
    if empty:
        raise PartialResultError(
            f"not one row of {', '.join(empty)} could be used; reasons in {settings.quarantine_file}. The usual cause "
            "is a wrong unit or sign in the column map"
        )


@app.command()
def describe(
    file: Annotated[Path, typer.Argument(help="CSV with a SMILES column, or a list of SMILES.")],
    out: Annotated[Path, typer.Option(help="Parquet file to write.")] = Path("descriptors.parquet"),
    workers: Annotated[int, typer.Option(min=1, help="Processes.")] = 1,
    seed: Annotated[int, typer.Option(help="Of the conformers.")] = 0,
) -> None:
    """All descriptors of chosen molecules: RDKit's 2D set, and shape and planarity of the best MMFF94 conformer."""
    from heliosc.cli.commands.label import read_molecules, refuse_to_hide
    from heliosc.datasets.full_descriptors import describe_file

    molecules, n_unreadable = read_molecules(file)
    with describe_progress() as listener:
        n_incomplete = describe_file(molecules, out, n_workers=workers, seed=seed, listener=listener)
    messages.print(f"{len(molecules)} molecules in {out}, {n_incomplete} incomplete: see its column missing")
    refuse_to_hide(n_unreadable, file)


def _chosen_sources(names: list[str], maps: list[Path], data: Path, store: Path) -> list[SourceFiles]:
    """Sources by name, ``name=file`` and column map; with none of them all that are there, the library included.

    Raises
    ------
    UsageError : nothing to merge
    InputError : an unknown source, or one without its file
    """
    from heliosc.datasets.declaration import read_declaration
    from heliosc.datasets.labels_source import library_source
    from heliosc.datasets.locate import locate, present_sources

    work = store / ".work"
    chosen = [_named_source(name, data, work) for name in names]
    chosen += [locate(read_declaration(path), [path.parent, data]) for path in maps]
    if not names and not maps:
        chosen = [library_source(work), *present_sources([data])]
    if not chosen:
        raise UsageError("nothing to merge; name a source, e.g. heliosc data merge ocelot=ocelot.csv")
    return chosen


def _named_source(text: str, data: Path, work: Path) -> SourceFiles:
    from heliosc.datasets.declaration import shipped_source
    from heliosc.datasets.labels_source import LABELS, LIBRARY, label_folder_source, library_source
    from heliosc.datasets.locate import given_files, locate

    name, separator, path = text.partition("=")
    if name == LIBRARY:
        return library_source(work)
    if name == LABELS:
        return label_folder_source(Path(path or "labels"), work=work)
    source = shipped_source(name)
    return given_files(source, Path(path)) if separator else locate(source, [data])


app.command()(graft)
app.command()(verify)


@app.command()
def audit(
    store: Annotated[Path, typer.Option(help="Folder of the long store.")] = Path("data/store"),
    out: Annotated[Path, typer.Option(help="Folder for the page, the JSON and the lists.")] = Path("data/audit"),
    as_json: AsJson = False,
) -> None:
    """Check the master data and describe them: coverage, distributions, outliers, disagreements, chemistry."""
    from heliosc.datasets.audit.audit import audit_store, write_audit

    found = audit_store(store)
    files = write_audit(found, out, store=store)
    if as_json:
        print_json(asdict(found))
        return
    rows = [
        {
            "property": row.property,
            "level": row.level,
            "source": row.source,
            "molecules": row.n_molecules,
            "median": row.median,
            "unit": row.unit,
            "outliers": row.n_outliers,
        }
        for row in found.coverage
    ]
    print_table(rows, title=f"{found.n_molecules} molecules", as_json=False)
    messages.print(f"written: {', '.join(map(str, files))}", soft_wrap=True)


@app.command()
def split(
    table: Annotated[Path, typer.Argument(help="The wide table.")] = Path("data/raw/all_mols.csv"),
    out: Annotated[Path, typer.Option(help="Folder of the prepared files.")] = Path("data/prepared"),
    method: Annotated[
        Literal["random", "scaffold", "stratified"], typer.Option(help="How molecules are parted.")
    ] = "random",
    target: Annotated[list[str] | None, typer.Option("--target", metavar="NAME@LEVEL", help="none = all.")] = None,
    by: Annotated[str | None, typer.Option(metavar="NAME@LEVEL", help="Target of the stratified split.")] = None,
    fractions: Annotated[tuple[float, float, float], typer.Option(help="Shares of training, validation and test.")] = (
        0.8,
        0.1,
        0.1,
    ),
    n_seed: Annotated[
        int, typer.Option("--seed-size", min=1, help="Labelled molecules an active loop begins with.")
    ] = 500,
    seed: Annotated[int, typer.Option(min=0, help="Fixes the split and the draw.")] = 0,
    trees: Annotated[bool, typer.Option(help="Fragment vocabulary and tree tensors of the training side too.")] = True,
    as_json: AsJson = False,
) -> None:
    """Part the master table for training and the active loop, with statistics, fragment vocabulary and tree tensors."""
    from heliosc.datasets.prepare import PrepareSettings
    from heliosc.properties import PropertyKey

    settings = PrepareSettings(
        method=method,
        targets=tuple(map(PropertyKey.parse, target or ())),
        stratify_by=PropertyKey.parse(by) if by else None,
        fractions=fractions,
        seed=seed,
        n_seed=n_seed,
    )
    counts = prepare_for_training(table, out, settings, with_trees=trees)
    print_table([{"what": name, "n": n} for name, n in counts.items()], title=f"prepared in {out}", as_json=as_json)


def prepare_for_training(table: Path, out: Path, settings: PrepareSettings, *, with_trees: bool) -> dict[str, int]:
    """Split a wide table and, where wanted, decompose its training side; returns the numbers of all that was written.

    Raises
    ------
    InputError, ResourceError : see ``prepare`` and ``write_tree_tensors``
    """
    from heliosc.campaign.tree_tensors import write_tree_tensors
    from heliosc.datasets.prepare import prepare, training_smiles

    counts = prepare(table, out, settings)
    if with_trees:
        smiles = training_smiles(out)
        with Progress(console=messages, disable=not messages.is_terminal) as bars:
            bar = bars.add_task("junction trees", total=len(smiles))
            written = write_tree_tensors(smiles, out, on_molecule=lambda: bars.advance(bar))
        counts |= {"trees": written.n_trees, "without_tree": written.n_refused, "fragments": written.n_words}
    return counts
