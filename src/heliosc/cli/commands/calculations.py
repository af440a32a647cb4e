"""``heliosc qc run``, ``export`` and ``levels``: calculations at any level with any program."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from heliosc.cli.commands.label import label_molecules, read_molecules, refuse_to_hide
from heliosc.cli.errors import messages
from heliosc.cli.options import AsJson, ConfigFile, Overrides
from heliosc.cli.output import print_json, print_table
from heliosc.config import QCSettings, load_config
from heliosc.errors import InputError, PartialResultError, UsageError
from heliosc.execution import QCResultStore


def run(
    file: Annotated[
        Path | None, typer.Argument(help="CSV with a SMILES column or a list of SMILES; none = qc.molecules.")
    ] = None,
    level: Annotated[
        str | None, typer.Option(help="gfn2, ipea-gfn2, dft-fast, dft, or A//B such as wb97x-d3bj/def2-svp//gfn2.")
    ] = None,
    program: Annotated[
        str | None, typer.Option(help="auto, tblite, xtb, pyscf, psi4, orca or gaussian; auto = the embedded one.")
    ] = None,
    workflow: Annotated[
        str | None, typer.Option(help="four-point, stacking, cluster, polymer or density; see `heliosc qc workflows`.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for labels, geometries and failures.")] = Path("calculations"),
    store: Annotated[
        str | None, typer.Option(help="Store file or postgresql:// URL; none = the configured one, else in OUT.")
    ] = None,
    config: ConfigFile = None,
    override: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """Compute molecules at a level of theory with a program. The same command again goes on where it was."""
    settings = load_config(config, [*_options(workflow, level, program), *(override or ())])
    location = store or settings.execution.store or out / "store.sqlite"
    file = file or settings.qc.molecules
    if file is None:
        raise UsageError("no molecules: name a FILE, or one in the configuration as qc.molecules")
    if not file.exists():
        raise InputError(
            f"there is no file {file}; the master table data/raw/all_mols.csv is written by heliosc data merge"
        )
    molecules, n_unreadable = read_molecules(file)
    summary = label_molecules(molecules, settings, out=out, location=location)
    summary |= {"workflow": settings.qc.workflow, "level": effective_level(settings.qc)}
    summary |= {"program": settings.qc.program, "store": str(location)}
    if as_json:
        print_json(summary)
    messages.print(f"{summary['done']} computed, {summary['failed']} failed; results in {out}")
    if summary["failed"]:
        raise PartialResultError(f"{summary['failed']} molecules have no result; reasons in {out / 'failures.csv'}")
    refuse_to_hide(n_unreadable, file)


def export(
    store: Annotated[str, typer.Argument(help="Store file or postgresql:// URL.")],
    out: Annotated[Path, typer.Option(help="Folder for labels.parquet, labels.csv and qcschema/.")] = Path("export"),
    as_json: AsJson = False,
) -> None:
    """Write every result with level, program, version, times, cores, host and attempts; energies as QCSchema."""
    from heliosc.campaign.exporting import export_results

    with QCResultStore(store) as opened:
        summary = export_results(opened, out)
    if as_json:
        print_json({**summary, "out": str(out)})
    n_values = summary["values"] + summary["polymer_values"]
    messages.print(f"{n_values} values of {summary['calculations']} calculations written to {out}")


def levels(as_json: AsJson = False) -> None:
    """Presets of the level of theory: what they are, cost and measured error."""
    from heliosc.qc.levels import PRESETS

    rows: list[dict[str, Any]] = [
        {"level": scheme.name, "meaning": scheme.meaning, "cost": scheme.cost, "error": scheme.error}
        for scheme in PRESETS.values()
    ]
    print_table(rows, title="Levels of theory (CPU time of a molecule of 35 atoms)", as_json=as_json)


def workflows(as_json: AsJson = False) -> None:
    """What can be computed of a substance: the four-point set of a molecule, and the condensed phase."""
    from heliosc.qc.condensed.workflows import WORKFLOWS

    rows: list[dict[str, Any]] = [
        {"workflow": "four-point", "levels": "any, see `heliosc qc levels`", "meaning": "IE, EA, lambda, orbitals, S1"}
    ]
    rows += [
        {"workflow": name, "levels": " or ".join(entry.levels), "meaning": entry.meaning}
        for name, entry in WORKFLOWS.items()
    ]
    print_table(rows, title="Workflows of `heliosc qc run --workflow`", as_json=as_json)


def effective_level(settings: QCSettings) -> str:
    """The level at which a configuration computes, whatever its workflow.

    Raises
    ------
    UsageError : the workflow does not have the level asked for
    """
    from heliosc.campaign.condensed import FOUR_POINT_WORKFLOW, condensed_level

    return settings.level if settings.workflow == FOUR_POINT_WORKFLOW else condensed_level(settings)


def _options(workflow: str | None, level: str | None, program: str | None) -> list[str]:
    pairs = (("qc.workflow", workflow), ("qc.level", level), ("qc.program", program))
    return [f"{name}={json.dumps(value)}" for name, value in pairs if value is not None]  # JSON texts are YAML texts
