"""Children of parents: what is bred is legal, distinct and reproducible."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem

from heliosc.chemistry.alerts import alert_verdict, find_alerts
from heliosc.chemistry.identity import parse_smiles
from heliosc.errors import InputError
from heliosc.generation.genetic.mutation import MUTATIONS, pick, sanitises, turned
from heliosc.generation.genetic.parts import Part, find_parts, join

FloatArray = NDArray[np.float64]

ATTEMPTS_PER_CHILD = 30
"""Breeding gives up after so many matings for each child asked for."""


@dataclass(frozen=True, slots=True)
class GeneticSettings:
    """How molecules are bred.

    Attributes
    ----------
    crossover_share : chance that a child has two parents; it has one and a mutation otherwise
    elements : symbols that a molecule may be made of, besides hydrogen
    min_heavy_atoms, max_heavy_atoms : sizes that are kept
    max_population : members, of those with the highest weights
    n_generations : rounds of breeding and selection when property values are asked for and a surrogate tells them
    """

    crossover_share: float = 0.5
    elements: tuple[str, ...] = ("B", "C", "N", "O", "F", "Si", "P", "S", "Cl", "Se", "Br")
    min_heavy_atoms: int = 4
    max_heavy_atoms: int = 120
    max_population: int = 5_000
    n_generations: int = 5


def parent_molecule(smiles: str, settings: GeneticSettings) -> Chem.Mol:
    """A parent without stereo marks and isotopes.

    Raises
    ------
    InputError : unreadable, charged, open shell, several components, or outside the settings' elements and sizes
    """
    plain = Chem.MolToSmiles(parse_smiles(smiles), isomericSmiles=False)
    molecule = parse_smiles(plain)
    reason = _why_unfit(molecule, settings)
    if reason:
        raise InputError(f"{plain[:80]!r} cannot be a parent: {reason}")
    return molecule


def _why_unfit(molecule: Chem.Mol, settings: GeneticSettings) -> str:
    """Empty if the molecule is fit."""
    n = molecule.GetNumHeavyAtoms()
    if not settings.min_heavy_atoms <= n <= settings.max_heavy_atoms:
        return f"{n} heavy atoms; expected {settings.min_heavy_atoms} to {settings.max_heavy_atoms}"
    foreign = {atom.GetSymbol() for atom in molecule.GetAtoms()} - set(settings.elements)
    if foreign:
        return f"elements {', '.join(sorted(foreign))}; expected {', '.join(settings.elements)}"
    if Chem.GetFormalCharge(molecule):
        return "it is an ion; expected a neutral molecule"
    if any(atom.GetNumRadicalElectrons() for atom in molecule.GetAtoms()):
        return "it is a radical; expected a closed shell"
    if len(Chem.GetMolFrags(molecule)) > 1:
        return "several components; give the organic one alone"
    return ""


@dataclass
class Breeder:
    """Breeds with one source of chance.

    Parameters
    ----------
    temperature : mean number of mutations beyond the first step from a parent
    """

    settings: GeneticSettings
    rng: np.random.Generator
    temperature: float
    _molecules: dict[str, Chem.Mol] = field(default_factory=dict)
    _parts: dict[str, list[Part]] = field(default_factory=dict)

    def children(
        self, parents: Iterator[str], mates: Sequence[str], n: int, *, exclude: Collection[str], weights: FloatArray
    ) -> list[str]:
        """At most ``n`` distinct children; fewer when the parents have no more after many attempts.

        Parameters
        ----------
        parents : endless; the next is asked for after each attempt
        mates : second parents of crossovers, drawn by ``weights``
        exclude : canonical SMILES that do not count as children
        """
        shares = np.cumsum(weights / weights.sum())
        found: dict[str, None] = {}
        attempts = ATTEMPTS_PER_CHILD * n
        while len(found) < n and attempts:
            attempts -= 1
            place = min(int(np.searchsorted(shares, self.rng.random(), side="right")), len(mates) - 1)
            child = self.child(next(parents), mates[place])
            if child is not None and child not in exclude:
                found[child] = None
        return list(found)

    def child(self, parent: str, mate: str) -> str | None:
        """Canonical SMILES of one child; None if the attempt failed."""
        n_mutations = int(self.rng.poisson(self.temperature)) if self.temperature else 0
        if self.rng.random() < self.settings.crossover_share:
            child = self._cross(parent, mate)
        else:
            child, n_mutations = self._molecule(parent), n_mutations + 1
        for _ in range(n_mutations):
            if child is None or not sanitises(child):
                return None
            child = pick(MUTATIONS, self.rng)(child, self.rng)
        return None if child is None else self._accepted(child)

    def _cross(self, parent: str, mate: str) -> Chem.Mol | None:
        """Part of one parent joined to part of the other, cut in the same way."""
        own, other = self._parts_of(parent), self._parts_of(mate)
        if not own:
            return None
        first = pick(own, self.rng)
        fitting = [part for part in other if len(part.joint) == len(first.joint)]
        if not fitting:
            return None
        joint = turned(first.joint, self.rng)
        return join(Part(first.molecule, first.kept, joint), pick(fitting, self.rng))

    def _accepted(self, child: Chem.Mol) -> str | None:
        """Canonical SMILES, if RDKit reads the child back as the same legal molecule without a rejecting alert."""
        if not sanitises(child):
            return None
        read = Chem.MolFromSmiles(Chem.MolToSmiles(child, isomericSmiles=False))
        if read is None or _why_unfit(read, self.settings) or alert_verdict(find_alerts(read)) == "reject":
            return None
        return str(Chem.MolToSmiles(read, isomericSmiles=False))

    def _molecule(self, smiles: str) -> Chem.Mol:
        if smiles not in self._molecules:
            self._molecules[smiles] = parse_smiles(smiles)
        return self._molecules[smiles]

    def _parts_of(self, smiles: str) -> list[Part]:
        if smiles not in self._parts:
            self._parts[smiles] = find_parts(self._molecule(smiles))
        return self._parts[smiles]
