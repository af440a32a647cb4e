"""Finding a molecule by candidate id, InChIKey or SMILES wherever heliosc keeps values."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from heliosc.campaign.lineage.origin import Origin
from heliosc.campaign.lineage.runs import candidates_of
from heliosc.campaign.lineage.tables import library_values, master_values
from heliosc.campaign.records import CandidateRecord, read_candidates
from heliosc.campaign.run_folder import find_runs
from heliosc.chemistry.identity import canonical_smiles, inchikey, parse_smiles
from heliosc.errors import InputError
from heliosc.properties import PropertyKey

_INCHIKEY = re.compile(r"[A-Z]{14}-[A-Z]{10}-[A-Z]")
_CANDIDATE = re.compile(r".+-r\d+-\d+")


def lineage(name: str, *, of_property: str | None = None, runs: Path, store: Path) -> Origin:
    """Everything that is known of a molecule, and where each value came from.

    Parameters
    ----------
    name : id of a candidate, InChIKey, or SMILES
    of_property : ``NAME`` or ``NAME@LEVEL`` of the values wanted; None = all
    runs : folder that holds the runs
    store : folder of the master table's long store

    Raises
    ------
    InputError : unreadable name, or nothing is known
    ParseError : a file is damaged
    """
    wanted = _wanted(of_property)
    is_meant, column, text = _meaning(name, runs)
    found = [
        *candidates_of(runs, is_meant, wanted),
        *master_values(store, column=column, text=text, wanted=wanted),
        *library_values(column=column, text=text, wanted=wanted),
    ]
    if not found:
        what = f"value of {of_property} of" if of_property else "value of"
        raise InputError(
            f"no {what} {name} in the runs of {runs}, the master table {store} or the embedded library; "
            "`heliosc status` lists the runs, --runs and --store name other folders"
        )
    return Origin("molecule", name, {column: text}, tuple(found))


def _meaning(name: str, runs: Path) -> tuple[Callable[[CandidateRecord], bool], str, str]:
    """Which candidates are meant, and the column and text by which tables know the molecule."""
    if _INCHIKEY.fullmatch(name):
        return lambda record: record.inchikey == name, "inchikey", name
    if _CANDIDATE.fullmatch(name):
        record = next((r for run in find_runs(runs) for r in read_candidates(run.path) if r.id == name), None)
        if record is None:
            raise InputError(f"no candidate {name} in the runs of {runs}; their ids are in candidates.csv of each run")
        return lambda other: other.id == name, "inchikey", record.inchikey
    canonical = canonical_smiles(name)
    if canonical.count("*") == 2:
        return lambda record: record.smiles == canonical, "smiles", canonical
    key = inchikey(parse_smiles(name))
    return lambda record: record.inchikey == key, "inchikey", key


def _wanted(of_property: str | None) -> Callable[[PropertyKey], bool]:
    if of_property is None:
        return lambda key: True
    if "@" in of_property:
        chosen = PropertyKey.parse(of_property)
        return lambda key: key == chosen
    return lambda key: key.name == of_property
