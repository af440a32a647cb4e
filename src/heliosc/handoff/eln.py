"""The ``.eln`` file: what electronic lab notebooks import, a zipped RO-Crate in one folder.

References
----------
The ELN Consortium, specification of the ELN file format, https://github.com/TheELNConsortium/TheELNFileFormat.
RO-Crate 1.1, 10.5281/zenodo.4541002.
"""

from __future__ import annotations

import hashlib
import html
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from heliosc import __version__
from heliosc.handoff.archive import safe_name, zip_bytes

METADATA = "ro-crate-metadata.json"
_PROFILE = "https://w3id.org/ro/crate/1.1"
_TYPES = {
    ".pdf": "application/pdf",
    ".csv": "text/csv",
    ".sdf": "chemical/x-mdl-sdfile",
    ".xyz": "chemical/x-xyz",
    ".json": "application/json",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_PUBLISHER = {
    "@id": "#heliosc",
    "@type": "Organization",
    "name": "heliosc",
    "description": f"heliosc {__version__}, discovery of organic semiconductors",
}
_LICENCE = {
    "@id": "#licence",
    "@type": "CreativeWork",
    "name": "All rights with the owner of the campaign",
    "description": "This file grants no licence; ask whoever handed it over.",
}


@dataclass(frozen=True, slots=True)
class ElnDataset:
    """One experiment to be: a folder of the crate.

    Attributes
    ----------
    facts : label -> text, shown in the notebook
    files : name -> content
    keywords : for the notebook's search
    """

    name: str
    facts: Mapping[str, str]
    files: Mapping[str, bytes]
    keywords: Sequence[str] = field(default=())


def eln_bytes(name: str, datasets: Sequence[ElnDataset], *, date: str) -> bytes:
    """The archive; equal content gives equal bytes.

    Parameters
    ----------
    name : of the root folder; the file should be called ``<name>.eln``
    date : ISO 8601, of the campaign
    """
    folders = [safe_name(dataset.name) for dataset in datasets]
    entities = [
        entity
        for folder, dataset in zip(folders, datasets, strict=True)
        for entity in _dataset_entities(folder, dataset, date=date)
    ]
    document = {
        "@context": f"{_PROFILE}/context",
        "@graph": [_descriptor(date), _root(name, folders, date), _PUBLISHER, _LICENCE, *entities],
    }
    root = safe_name(name)
    metadata = json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    files = {f"{root}/{METADATA}": metadata.encode()}
    for folder, dataset in zip(folders, datasets, strict=True):
        files |= {f"{root}/{folder}/{_inner(file)}": content for file, content in dataset.files.items()}
    return zip_bytes(files)


def _descriptor(date: str) -> dict[str, Any]:
    return {
        "@id": METADATA,
        "@type": "CreativeWork",
        "about": {"@id": "./"},
        "conformsTo": {"@id": _PROFILE},
        "dateCreated": date,
        "sdPublisher": {"@id": _PUBLISHER["@id"]},
    }


def _root(name: str, folders: Sequence[str], date: str) -> dict[str, Any]:
    return {
        "@id": "./",
        "@type": "Dataset",
        "name": f"heliosc hand-off {name}",
        "description": "Proposed organic semiconductors with predicted and computed properties.",
        "datePublished": date,
        "license": {"@id": _LICENCE["@id"]},
        "publisher": {"@id": _PUBLISHER["@id"]},
        "author": {"@id": _PUBLISHER["@id"]},
        "hasPart": _references([f"./{folder}/" for folder in folders]),
    }


def _dataset_entities(folder: str, dataset: ElnDataset, *, date: str) -> list[dict[str, Any]]:
    here = f"./{folder}/"
    files = [_file_entity(f"{here}{_inner(file)}", content) for file, content in sorted(dataset.files.items())]
    rows = "".join(
        f"<tr><th>{html.escape(label)}</th><td>{html.escape(text)}</td></tr>" for label, text in dataset.facts.items()
    )
    experiment = {
        "@id": here,
        "@type": "Dataset",
        "name": dataset.name,
        "dateCreated": date,
        "keywords": ",".join(dataset.keywords),
        "text": f"<table>{rows}</table>",
        "encodingFormat": "text/html",
        "author": {"@id": _PUBLISHER["@id"]},
        "hasPart": _references([file["@id"] for file in files]),
    }
    return [experiment, *files]


def _references(identifiers: Sequence[str]) -> Any:
    """One reference by itself, several as a list: JSON-LD as RO-Crate recommends it."""
    found = [{"@id": identifier} for identifier in identifiers]
    return found[0] if len(found) == 1 else found


def _file_entity(identifier: str, content: bytes) -> dict[str, Any]:
    path = PurePosixPath(identifier)
    return {
        "@id": identifier,
        "@type": "File",
        "name": path.name,
        "encodingFormat": _TYPES.get(path.suffix, "text/plain"),
        "contentSize": str(len(content)),
        "sha256": hashlib.sha256(content).hexdigest(),
    }


def _inner(file: str) -> str:
    """A path whose parts all stay where they are."""
    return "/".join(safe_name(part) for part in PurePosixPath(file).parts)
