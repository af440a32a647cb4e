"""Results that are not in the master table yet: calculations of runs and values of the laboratory."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from heliosc.campaign.exporting import export_results
from heliosc.campaign.laboratory import LABORATORY_FOLDER
from heliosc.campaign.manifest import file_hash
from heliosc.campaign.run_folder import find_runs
from heliosc.config import Config
from heliosc.datasets.declaration import read_declaration
from heliosc.datasets.labels_source import labels_source
from heliosc.datasets.library.load import load_library, load_polymers
from heliosc.datasets.locate import SourceFiles, locate
from heliosc.execution import QCResultStore
from heliosc.execution.reading import StoreReader
from heliosc.experiments.master_table import DECLARATION_FILE, TABLE_FILE
from heliosc.secrets import without_passwords


@dataclass(frozen=True, slots=True)
class Results:
    """Somewhere that results come from.

    Attributes
    ----------
    name : of the source in the master table
    place : file or URL, for people
    fingerprint : of what is there now
    n : finished calculations, or rows of measured values
    """

    name: str
    place: str
    fingerprint: str
    n: int


def find_results(config: Config) -> list[Results]:
    """The stores of all runs, each once, and the laboratory's table; those that hold nothing are left out.

    Raises
    ------
    InputError, ResourceError : a store cannot be opened
    ParseError : a run is damaged
    """
    found = [_calculations(place) for place in _stores(config.campaign.runs)]
    laboratory = config.campaign.runs / LABORATORY_FOLDER
    if (laboratory / TABLE_FILE).exists():
        found.append(_measurements(laboratory))
    return [results for results in found if results.n]


def as_sources(found: list[Results], config: Config) -> list[SourceFiles]:
    """Sources to merge; results of stores are written to ``data.labels`` first.

    Raises
    ------
    ResourceError : the folder cannot be written
    InputError, ParseError : results are damaged
    """
    sources = []
    for results in found:
        if results.name == "laboratory":
            folder = Path(results.place).parent
            sources.append(locate(read_declaration(folder / DECLARATION_FILE), [folder]))
        else:
            sources.append(_exported(results, config.data.labels))
    return sources


def _stores(runs: Path) -> list[str]:
    """Locations of the stores; runs may share one."""
    places = [str(run.store_location()) for run in find_runs(runs) if run.has_store()]
    return list(dict.fromkeys(places))


def _calculations(place: str) -> Results:
    with StoreReader(_location(place)) as store:
        done = sorted(key for key, state in store.states().items() if state == "done")
    digest = hashlib.sha256("\n".join(done).encode()).hexdigest()  # a key names its result, which never changes
    name = f"calculations_{hashlib.sha256(place.encode()).hexdigest()[:8]}"
    return Results(name, place, digest[:16], len(done))


def _measurements(folder: Path) -> Results:
    table = folder / TABLE_FILE
    n_rows = max(0, len(table.read_text(encoding="utf-8").splitlines()) - 1)
    digest = file_hash(table)[:8] + file_hash(folder / DECLARATION_FILE)[:8]
    return Results("laboratory", str(table), digest, n_rows)


def _exported(results: Results, labels: Path) -> SourceFiles:
    folder = labels / results.name
    with QCResultStore(_location(results.place)) as store:
        export_results(store, folder)
    source = labels_source(load_library(folder), results.name, work=labels / ".work", polymers=load_polymers(folder))
    title = f"calculations in {without_passwords(results.place)}"
    return SourceFiles(source.declaration.model_copy(update={"title": title}), source.files)


def _location(place: str) -> Path | str:
    return place if "://" in place else Path(place)
