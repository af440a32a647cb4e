"""``heliosc pipeline``: the data stages as the configuration says, for ``dvc.yaml`` and for scripts."""

from __future__ import annotations

from dataclasses import asdict

import typer

from heliosc.campaign.update.stages import fetch_sources, merge_sources, split_table
from heliosc.cli.data_progress import fetch_progress, merge_progress
from heliosc.cli.options import AsJson, ConfigFile, Overrides
from heliosc.cli.output import print_json, print_table
from heliosc.config import load_config

app = typer.Typer(no_args_is_help=True, help="Data stages by configuration (section data), as dvc.yaml calls them.")


@app.command()
def fetch(config: ConfigFile = None, override: Overrides = None, as_json: AsJson = False) -> None:
    """Download the sources of data.sources that are not there."""
    with fetch_progress() as listener:
        files = fetch_sources(load_config(config, override or ()).data, listener=listener)
    print_table([{"file": name, "sha256": digest} for name, digest in files.items()], title="fetched", as_json=as_json)


@app.command()
def merge(config: ConfigFile = None, override: Overrides = None, as_json: AsJson = False) -> None:
    """Merge data.sources and data.maps into the master table."""
    with merge_progress() as listener:
        report = merge_sources(load_config(config, override or ()).data, listener=listener)
    rows = [asdict(count) for count in report.sources]
    print_json(asdict(report)) if as_json else print_table(rows, title="rows of each source", as_json=False)


@app.command()
def split(config: ConfigFile = None, override: Overrides = None, as_json: AsJson = False) -> None:
    """Part the master table by data.split, data.targets and data.seed_size."""
    counts = split_table(load_config(config, override or ()))
    print_table([{"what": name, "n": n} for name, n in counts.items()], title="prepared", as_json=as_json)
