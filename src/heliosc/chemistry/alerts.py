"""Structural alerts: motifs that are dangerous or do not survive (reject), and motifs to know about (warn).

The table is ``alerts.yaml``. Alerts are made for organic semiconductors: no drug-likeness filter is used.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any, Literal

import yaml
from rdkit import Chem

from heliosc.errors import InputError

Verdict = Literal["pass", "warn", "reject"]


@dataclass(frozen=True, slots=True)
class Alert:
    """A motif: ``min_count`` separate matches of ``smarts`` make a hit."""

    name: str
    verdict: Verdict
    smarts: str
    reason: str
    min_count: int = 1


@dataclass(frozen=True, slots=True)
class AlertHit:
    """An alert found in a molecule, how often."""

    name: str
    verdict: Verdict
    reason: str
    count: int


def find_alerts(molecule: Chem.Mol) -> tuple[AlertHit, ...]:
    """All alerts of a molecule, rejections first."""
    hits = [
        AlertHit(alert.name, alert.verdict, alert.reason, count)
        for alert, pattern in _compiled_alerts()
        if (count := len(molecule.GetSubstructMatches(pattern))) >= alert.min_count
    ]
    radicals = sum(atom.GetNumRadicalElectrons() for atom in molecule.GetAtoms())
    if radicals:  # SMARTS has no primitive for unpaired electrons
        hits.append(AlertHit("radical", "warn", "unpaired electrons: open shell, often short-lived", radicals))
    return tuple(sorted(hits, key=lambda hit: hit.verdict != "reject"))


def alert_verdict(hits: Iterable[AlertHit]) -> Verdict:
    """``reject`` if any hit rejects, ``warn`` if any warns, else ``pass``."""
    verdicts = {hit.verdict for hit in hits}
    return "reject" if "reject" in verdicts else "warn" if verdicts else "pass"


def load_alerts() -> tuple[Alert, ...]:
    """The table of alerts.

    Raises
    ------
    InputError : a row is malformed, or its SMARTS cannot be read
    """
    return tuple(alert for alert, _ in _compiled_alerts())


@lru_cache(maxsize=1)
def _compiled_alerts() -> tuple[tuple[Alert, Chem.Mol], ...]:
    text = files("heliosc.chemistry").joinpath("alerts.yaml").read_text(encoding="utf-8")
    return tuple(_compile(row) for row in yaml.safe_load(text))


def _compile(row: dict[str, Any]) -> tuple[Alert, Chem.Mol]:
    try:
        alert = Alert(**row)
    except TypeError as error:
        raise InputError(f"alerts.yaml: row {row!r} does not fit name, verdict, smarts, reason ({error})") from error
    pattern = Chem.MolFromSmarts(alert.smarts)
    if pattern is None or alert.verdict not in ("warn", "reject"):
        raise InputError(f"alerts.yaml: alert {alert.name!r} has an unreadable SMARTS or a verdict but warn or reject")
    return alert, pattern
