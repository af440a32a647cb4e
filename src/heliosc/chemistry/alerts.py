"""Structural alerts: motifs that are dangerous or do not survive (reject), and motifs to know about (warn).

The table is ``alerts.yaml``. Alerts are made for organic semiconductors: no drug-likeness filter is used.

References
----------
Braese, Gil, Knepper, Zimmermann, Angew. Chem. Int. Ed. 2005, 44, 5188, 10.1002/anie.200400657 ((C + O) / N >= 3: the
rule by which nitrogen-rich groups in larger molecules are handled).
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

MIN_WEAK_BONDS = 2
MAX_NITROGEN_SHARE = 0.6


@dataclass(frozen=True, slots=True)
class Alert:
    """A motif: ``min_count`` separate matches of ``smarts`` make a hit.

    Attributes
    ----------
    max_carbon_to_nitrogen : (C + O) / N of the whole molecule up to which the motif counts; a larger molecule dilutes
        what the motif releases. None = it counts in every molecule
    """

    name: str
    verdict: Verdict
    smarts: str
    reason: str
    min_count: int = 1
    max_carbon_to_nitrogen: float | None = None


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
        if (count := len(molecule.GetSubstructMatches(pattern))) >= alert.min_count and _counts_here(alert, molecule)
    ]
    hits += _counted_hits(molecule)
    return tuple(sorted(hits, key=lambda hit: hit.verdict != "reject"))


def _counts_here(alert: Alert, molecule: Chem.Mol) -> bool:
    """Whether the molecule is too small to dilute the motif."""
    if alert.max_carbon_to_nitrogen is None:
        return True
    numbers = [atom.GetAtomicNum() for atom in molecule.GetAtoms()]
    return numbers.count(6) + numbers.count(8) <= alert.max_carbon_to_nitrogen * numbers.count(7)


def _counted_hits(molecule: Chem.Mol) -> list[AlertHit]:
    """Alerts that no SMARTS can say: unpaired electrons, and the share of atoms that nitrogen bonds hold together."""
    hits = []
    radicals = sum(atom.GetNumRadicalElectrons() for atom in molecule.GetAtoms())
    if radicals:
        hits.append(AlertHit("radical", "warn", "unpaired electrons: open shell, often short-lived", radicals))
    n_weak_bonds, share = _nitrogen_share(molecule)
    if n_weak_bonds >= MIN_WEAK_BONDS and share >= MAX_NITROGEN_SHARE:
        reason = "most atoms are nitrogen, or oxygen on nitrogen: little carbon to hold what N-N and N-O bonds release"
        hits.append(AlertHit("nitrogen_rich", "reject", reason, n_weak_bonds))
    return hits


def _nitrogen_share(molecule: Chem.Mol) -> tuple[int, float]:
    """Number of N-N and N-O bonds, and the share of heavy atoms that are N or O bound to N.

    Cyano and amino groups alone (melamine, HATCN) have no such bonds; azo dyes and tetrazines have a low share.
    """
    n_weak_bonds, oxygens = 0, set()
    for bond in molecule.GetBonds():
        ends = {bond.GetBeginAtom().GetIdx(): bond.GetBeginAtom(), bond.GetEndAtom().GetIdx(): bond.GetEndAtom()}
        numbers = sorted(atom.GetAtomicNum() for atom in ends.values())
        if numbers in ([7, 7], [7, 8]):
            n_weak_bonds += 1
            oxygens |= {index for index, atom in ends.items() if atom.GetAtomicNum() == 8}
    n_nitrogen = sum(atom.GetAtomicNum() == 7 for atom in molecule.GetAtoms())
    return n_weak_bonds, (n_nitrogen + len(oxygens)) / max(molecule.GetNumHeavyAtoms(), 1)


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
