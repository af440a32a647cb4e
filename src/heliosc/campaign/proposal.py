"""Proposals: what is kept of the molecules that a source gives, and its file."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from heliosc.chemistry.identity import inchikey, parse_smiles
from heliosc.config import Config
from heliosc.errors import InputError
from heliosc.files import write_atomically
from heliosc.selection.constraints import Constraints, apply_constraints
from heliosc.selection.novelty import novel_mask


@dataclass(frozen=True, slots=True)
class Proposal:
    """A novel, valid molecule that meets the hard constraints; ``notes`` say which of them could not be evaluated."""

    smiles: str
    role: str
    source: str
    core_sa_score: float
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ProposalReport:
    """What came of asking a source.

    Attributes
    ----------
    funnel : sampled, valid, unique, novel, constraints -> count
    rejected : constraint -> proposals it stopped
    """

    proposals: list[Proposal]
    funnel: dict[str, int]
    rejected: dict[str, int]


def filter_proposals(
    proposals: Sequence[tuple[str, str, str]], *, known: Collection[str], config: Config
) -> ProposalReport:
    """Keep what is readable, unique, unknown and within the hard constraints.

    Parameters
    ----------
    proposals : (SMILES, source, role name)
    known : skeleton keys of everything known
    """
    valid = [proposal for proposal in proposals if _is_identifiable(proposal[0])]
    unique = list({smiles: (smiles, source, role) for smiles, source, role in reversed(valid)}.values())[::-1]
    novel = [
        item for item, is_new in zip(unique, novel_mask([item[0] for item in unique], known), strict=True) if is_new
    ]
    report = apply_constraints([item[0] for item in novel], constraints_of(config))
    kept = [
        Proposal(
            kept.smiles, novel[kept.index][2], novel[kept.index][1], kept.core_sa_score,
            tuple(hit.name for hit in kept.warnings), kept.notes,
        )
        for kept in report.kept
    ]  # fmt: skip
    funnel = {
        "sampled": len(proposals),
        "valid": len(valid),
        "unique": len(unique),
        "novel": len(novel),
        "constraints": len(kept),
    }
    return ProposalReport(kept, funnel, {name: count for name, count in report.counts.items() if count})


def constraints_of(config: Config) -> Constraints:
    """The hard constraints as configured."""
    limits = config.selection
    return Constraints(
        allowed_elements=frozenset(limits.elements),
        min_heavy_atoms=limits.min_heavy_atoms,
        max_heavy_atoms=limits.max_heavy_atoms,
        max_core_sa_score=limits.max_sa_score_core,
        min_log_p=-math.inf if limits.min_log_p is None else limits.min_log_p,
        max_log_p=math.inf if limits.max_log_p is None else limits.max_log_p,
        solvents=limits.solvents,
        max_solubility_distance=limits.max_solubility_distance or math.inf,
    )


def write_proposals(file: Path, proposals: Sequence[Proposal]) -> None:
    """Write proposals as CSV, atomically."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["smiles", "role", "source", "core_sa_score", "warnings", "notes"])
    writer.writerows(
        [p.smiles, p.role, p.source, repr(p.core_sa_score), "|".join(p.warnings), "|".join(p.notes)] for p in proposals
    )
    write_atomically(file, text.getvalue())


def read_proposals(file: Path) -> list[Proposal]:
    """Inverse of ``write_proposals``."""
    with file.open(newline="", encoding="utf-8") as stream:
        return [
            Proposal(
                row["smiles"], row["role"], row["source"], float(row["core_sa_score"]),
                _parts(row["warnings"]), _parts(row.get("notes") or ""),
            )
            for row in csv.DictReader(stream)
        ]  # fmt: skip


def _parts(text: str) -> tuple[str, ...]:
    return tuple(filter(None, text.split("|")))


def _is_identifiable(smiles: str) -> bool:
    """Whether it is a molecule that RDKit reads and InChI can name, so that it can be told from known ones."""
    try:
        inchikey(parse_smiles(smiles))
    except InputError:
        return False
    return True
