"""Where candidates come from: conditional samples of the generator and neighbours of the best known molecules."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from heliosc.chemistry.identity import inchikey, parse_smiles
from heliosc.config import Config, GeneratorSettings
from heliosc.errors import InputError
from heliosc.files import write_atomically
from heliosc.properties import PropertyKey, PropertyTable
from heliosc.selection.constraints import Constraints, apply_constraints
from heliosc.selection.novelty import novel_mask
from heliosc.selection.roles import Role

if TYPE_CHECKING:
    from heliosc.generation.jtvae import JTVAE

_N_TARGETS = 4  # different property targets asked of the generator in one round
_N_PARENTS = 30
_AMBITION = (0.02, 0.25)  # quantiles of the known values from which targets of open objectives are drawn


@dataclass(frozen=True, slots=True)
class Proposal:
    """A novel, valid molecule that meets the hard constraints."""

    smiles: str
    role: str
    source: str
    core_sa_score: float
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ProposalReport:
    """What came of asking the generator.

    Attributes
    ----------
    funnel : sampled, valid, unique, novel, constraints -> count
    rejected : constraint -> proposals it stopped
    """

    proposals: list[Proposal]
    funnel: dict[str, int]
    rejected: dict[str, int]


def propose_for_role(
    generator: JTVAE,
    role: Role,
    *,
    parents: Sequence[str],
    known_values: PropertyTable,
    settings: GeneratorSettings,
    seed: int,
) -> list[tuple[str, str]]:
    """Ask the generator for molecules of one role: (SMILES, source) pairs, unfiltered.

    Parameters
    ----------
    parents : the best known molecules for the role, best first
    known_values : computed values, from which the targets of open objectives are drawn
    """
    n_neighbours = round(settings.n_samples * settings.neighbour_share) if parents else 0
    rng = np.random.default_rng(seed)
    proposals: list[tuple[str, str]] = []
    for size in _parts(settings.n_samples - n_neighbours, _N_TARGETS):
        conditions = draw_targets(role, known_values, generator.scale.keys, rng=rng)
        sampled = generator.generate(
            size, seed=int(rng.integers(2**31)), conditions=conditions, temperature=settings.temperature
        )
        proposals += [(smiles, "jtvae") for smiles in sampled]
    covered = [smiles for smiles, is_covered in zip(parents, generator.covers(parents), strict=True) if is_covered]
    if n_neighbours and covered:
        nearby = generator.neighbours(covered[:_N_PARENTS], n_neighbours, seed=int(rng.integers(2**31)))
        proposals += [(smiles, "jtvae-neighbour") for smiles in nearby]
    return proposals


def draw_targets(
    role: Role, known: PropertyTable, keys: Collection[PropertyKey], *, rng: np.random.Generator
) -> dict[PropertyKey, float]:
    """Property values to ask for: inside the goal of a windowed objective, else among the best known values."""
    targets: dict[PropertyKey, float] = {}
    for objective in role.objectives:
        if objective.key not in keys or objective.key not in known.keys:
            continue
        if objective.goal is not None:
            targets[objective.key] = float(rng.uniform(objective.goal.lower, objective.goal.upper))
            continue
        quantile = rng.uniform(*_AMBITION)
        values = known.column(objective.key)
        best_low = objective.direction == "minimise"
        targets[objective.key] = float(np.nanquantile(values, quantile if best_low else 1 - quantile))
    return targets


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
            tuple(hit.name for hit in kept.warnings),
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
    )


def write_proposals(file: Path, proposals: Sequence[Proposal]) -> None:
    """Write proposals as CSV, atomically."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["smiles", "role", "source", "core_sa_score", "warnings"])
    writer.writerows([p.smiles, p.role, p.source, repr(p.core_sa_score), "|".join(p.warnings)] for p in proposals)
    write_atomically(file, text.getvalue())


def read_proposals(file: Path) -> list[Proposal]:
    """Inverse of ``write_proposals``."""
    with file.open(newline="", encoding="utf-8") as stream:
        return [
            Proposal(
                row["smiles"], row["role"], row["source"], float(row["core_sa_score"]),
                tuple(filter(None, row["warnings"].split("|"))),
            )
            for row in csv.DictReader(stream)
        ]  # fmt: skip


def _is_identifiable(smiles: str) -> bool:
    """Whether it is a molecule that RDKit reads and InChI can name, so that it can be told from known ones."""
    try:
        inchikey(parse_smiles(smiles))
    except InputError:
        return False
    return True


def _parts(total: int, n_parts: int) -> list[int]:
    """Split a number as evenly as it goes, leaving out empty parts."""
    sizes = [total // n_parts + (index < total % n_parts) for index in range(n_parts)]
    return [size for size in sizes if size]
