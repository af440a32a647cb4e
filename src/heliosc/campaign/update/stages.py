"""Fetch, merge and split as configured; for ``heliosc pipeline``, which DVC calls, and ``heliosc update``."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from heliosc.config import Config, DataSettings
from heliosc.datasets.declaration import read_declaration, shipped_source
from heliosc.datasets.fetch import fetch
from heliosc.datasets.labels_source import LIBRARY, library_source
from heliosc.datasets.locate import SourceFiles, locate
from heliosc.files import ensure_folder, write_atomically
from heliosc.properties import PropertyKey

if TYPE_CHECKING:
    from heliosc.datasets.merge import MergeProgress, MergeReport

FETCHED_FILE = "fetched.json"

Bytes = Callable[[str, int, int | None], None]


def fetch_sources(settings: DataSettings, *, listener: Bytes = lambda name, done, total: None) -> dict[str, str]:
    """Download what is not there, checked; returns file -> sha256, which ``fetched.json`` lists too.

    Raises
    ------
    InputError, ResourceError, TransientError : see ``heliosc.datasets.fetch``
    """
    ensure_folder(settings.downloads)
    files: dict[str, str] = {}
    for name in settings.sources:
        if name != LIBRARY and shipped_source(name).package is None:
            fetched = fetch(shipped_source(name), settings.downloads, listener=listener)
            files |= {str(file.path.relative_to(settings.downloads)): file.sha256 for file in fetched}
    write_atomically(settings.downloads / FETCHED_FILE, json.dumps(files, indent=1, sort_keys=True) + "\n")
    return files


def merge_sources(
    settings: DataSettings,
    *,
    more: Sequence[SourceFiles] = (),
    listener: Callable[[MergeProgress], None] = lambda step: None,
) -> MergeReport:
    """Merge the configured sources, and more, into the master table.

    Raises
    ------
    InputError, ResourceError : see ``heliosc.datasets.merge.merge``
    """
    from heliosc.datasets.merge import MergeSettings, merge

    work = settings.store / ".work"
    sources = [library_source(work) if name == LIBRARY else _located(name, settings) for name in settings.sources]
    sources += [locate(read_declaration(path), [path.parent, settings.downloads]) for path in settings.maps]
    return merge([*sources, *more], MergeSettings(settings.store, settings.table), listener=listener)


def split_table(config: Config) -> dict[str, int]:
    """Part the master table into training, validation and test, seed and pool; returns the numbers of molecules.

    Raises
    ------
    InputError, ResourceError : see ``heliosc.datasets.prepare.prepare``
    """
    from heliosc.datasets.prepare import PrepareSettings, prepare

    data = config.data
    settings = PrepareSettings(
        method=data.split,
        targets=tuple(map(PropertyKey.parse, data.targets)),
        seed=config.seed,
        n_seed=data.seed_size,
    )
    return prepare(data.table, data.prepared, settings)


def _located(name: str, settings: DataSettings) -> SourceFiles:
    return locate(shipped_source(name), [settings.downloads])


def data_files(settings: DataSettings) -> list[Path]:
    """Files and folders that merge and split write."""
    return [settings.store, settings.table, settings.prepared]
