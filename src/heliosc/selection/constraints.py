"""Hard constraints on candidates: what is never proposed, whatever its predicted properties.

They are applied in the order of cost, and the first that fails is the reason given, so that counts add up to a funnel.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from rdkit import Chem

from heliosc.chemistry.alerts import AlertHit, alert_verdict, find_alerts
from heliosc.chemistry.descriptors import conjugated_systems, crippen_log_p, elements
from heliosc.chemistry.hansen import HansenParameters
from heliosc.chemistry.identity import parse_smiles
from heliosc.chemistry.scaffolds import cut_alkyl_chains
from heliosc.chemistry.synthesizability import SA_CORE_OUT, sa_score
from heliosc.errors import InputError
from heliosc.selection.solubility import nearest_solvent, solubility_parameters, solvent_parameters


@dataclass(frozen=True, slots=True)
class Constraints:
    """Limits of the hard constraints; sizes and shares include their limits.

    Attributes
    ----------
    min_conjugated_atoms : of the largest conjugated system
    min_conjugated_fraction : share of the core's heavy atoms that are conjugated (side chains do not count)
    max_core_sa_score : SA score of the core
    min_log_p, max_log_p : octanol-water log P by Crippen of the molecule as it stands
    solvents : processing solvents, by name or SMILES; none = solubility is not asked for
    max_solubility_distance : Hansen distance to the nearest of them, MPa^0.5
    """

    allowed_elements: frozenset[str] = frozenset({"H", "B", "C", "N", "O", "F", "Si", "P", "S", "Cl", "Se", "Br"})
    min_heavy_atoms: int = 8
    max_heavy_atoms: int = 75
    min_conjugated_atoms: int = 8
    min_conjugated_fraction: float = 0.4
    max_core_sa_score: float = SA_CORE_OUT
    min_log_p: float = -math.inf
    max_log_p: float = math.inf
    solvents: tuple[str, ...] = ()
    max_solubility_distance: float = math.inf


@dataclass(frozen=True, slots=True)
class Kept:
    """A molecule that passed: its row in the input, core SA score, warnings, and what could not be evaluated."""

    index: int
    smiles: str
    core_sa_score: float
    warnings: tuple[AlertHit, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rejected:
    """A molecule that did not pass, the constraint that stopped it, and why in words."""

    index: int
    smiles: str
    constraint: str
    reason: str


@dataclass(frozen=True, slots=True)
class ConstraintReport:
    """Both outcomes in input order; ``counts`` is constraint -> molecules it stopped, in the order applied."""

    kept: tuple[Kept, ...]
    rejected: tuple[Rejected, ...]
    counts: Mapping[str, int]


def apply_constraints(smiles: Iterable[str], constraints: Constraints | None = None) -> ConstraintReport:
    """Part molecules into those that meet every constraint and those that do not.

    What has no solubility parameters is kept, with a note: not evaluated is not failed.

    Raises
    ------
    InputError : a solvent that is neither known by name nor a SMILES with parameters
    """
    limits = Constraints() if constraints is None else constraints
    solvent_parameters(limits.solvents)  # an unknown solvent is the user's error and no molecule's
    kept: list[Kept] = []
    rejected: list[Rejected] = []
    for index, text in enumerate(smiles):
        outcome = _judge(index, text, limits)
        if isinstance(outcome, Kept):
            kept.append(outcome)
        else:
            rejected.append(outcome)
    stopped = Counter(item.constraint for item in rejected)
    return ConstraintReport(tuple(kept), tuple(rejected), {name: stopped[name] for name in (_READABLE, *_CHECKS)})


def _judge(index: int, smiles: str, limits: Constraints) -> Kept | Rejected:
    try:
        subject = _Subject(parse_smiles(smiles))
    except InputError as error:
        return Rejected(index, smiles, _READABLE, str(error))
    for name, check in _CHECKS.items():
        if reason := check(subject, limits):
            return Rejected(index, smiles, name, reason)
    notes = _solubility_notes(subject) if limits.solvents else ()
    return Kept(index, smiles, subject.core_sa_score, subject.alerts, notes)


class _Subject:
    """A molecule under test; what costs time is worked out when the first constraint asks for it."""

    def __init__(self, molecule: Chem.Mol) -> None:
        self.molecule = molecule

    @cached_property
    def core(self) -> Chem.Mol:
        return cut_alkyl_chains(self.molecule)

    @cached_property
    def core_systems(self) -> list[frozenset[int]]:
        return conjugated_systems(self.core)

    @cached_property
    def alerts(self) -> tuple[AlertHit, ...]:
        return find_alerts(self.molecule)

    @cached_property
    def core_sa_score(self) -> float:
        return sa_score(self.core)

    @cached_property
    def solubility(self) -> HansenParameters | str:
        """Hansen parameters of the whole molecule, or why there are none."""
        return solubility_parameters(self.molecule)


def _check_fragments(subject: _Subject, _: Constraints) -> str | None:
    count = len(Chem.GetMolFrags(subject.molecule))
    return None if count == 1 else f"{count} separate fragments; expected one molecule"


def _check_charge(subject: _Subject, _: Constraints) -> str | None:
    charge = Chem.GetFormalCharge(subject.molecule)
    return None if charge == 0 else f"net charge {charge:+d}; expected a neutral molecule"


def _check_elements(subject: _Subject, limits: Constraints) -> str | None:
    foreign = elements(subject.molecule) - limits.allowed_elements
    return f"contains {', '.join(sorted(foreign))}" if foreign else None


def _check_size(subject: _Subject, limits: Constraints) -> str | None:
    size = subject.molecule.GetNumHeavyAtoms()
    if limits.min_heavy_atoms <= size <= limits.max_heavy_atoms:
        return None
    return f"{size} heavy atoms; expected {limits.min_heavy_atoms} to {limits.max_heavy_atoms}"


def _check_conjugation(subject: _Subject, limits: Constraints) -> str | None:
    largest = max(map(len, subject.core_systems), default=0)
    if largest < limits.min_conjugated_atoms:
        return f"largest conjugated system has {largest} atoms; expected at least {limits.min_conjugated_atoms}"
    fraction = sum(map(len, subject.core_systems)) / subject.core.GetNumHeavyAtoms()
    if fraction < limits.min_conjugated_fraction:
        return f"{fraction:.0%} of the core is conjugated; expected at least {limits.min_conjugated_fraction:.0%}"
    return None


def _check_alerts(subject: _Subject, _: Constraints) -> str | None:
    if alert_verdict(subject.alerts) != "reject":
        return None
    return f"{subject.alerts[0].name}: {subject.alerts[0].reason}"


def _check_synthesizability(subject: _Subject, limits: Constraints) -> str | None:
    if subject.core_sa_score <= limits.max_core_sa_score:
        return None
    return f"SA score of the core {subject.core_sa_score:.2f}; expected at most {limits.max_core_sa_score:g}"


def _check_log_p(subject: _Subject, limits: Constraints) -> str | None:
    if math.isinf(limits.min_log_p) and math.isinf(limits.max_log_p):
        return None
    value = crippen_log_p(subject.molecule)
    if limits.min_log_p <= value <= limits.max_log_p:
        return None
    return f"log P {value:.2f}; expected {limits.min_log_p:g} to {limits.max_log_p:g}"


def _check_solubility(subject: _Subject, limits: Constraints) -> str | None:
    if not limits.solvents or isinstance(subject.solubility, str):
        return None
    nearest, distance = nearest_solvent(subject.solubility, limits.solvents)
    if distance <= limits.max_solubility_distance:
        return None
    return (
        f"Hansen distance {distance:.1f} MPa^0.5 to {nearest}, the nearest solvent; expected at most "
        f"{limits.max_solubility_distance:g}"
    )


def _solubility_notes(subject: _Subject) -> tuple[str, ...]:
    found = subject.solubility
    return (f"solubility not evaluated: {found}",) if isinstance(found, str) else ()


_READABLE = "readable"
_CHECKS: dict[str, Callable[[_Subject, Constraints], str | None]] = {
    "single_fragment": _check_fragments,
    "neutral": _check_charge,
    "elements": _check_elements,
    "size": _check_size,
    "conjugation": _check_conjugation,
    "log_p": _check_log_p,
    "alerts": _check_alerts,
    "synthesizability": _check_synthesizability,
    "solubility": _check_solubility,
}
