"""One chunk of rows: read, checked against the models' domain, predicted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from rdkit import Chem
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from heliosc.surrogates.ensemble import SurrogateEnsemble
from heliosc.surrogates.mpnn.features import IntArray, unpack_atom
from heliosc.surrogates.mpnn.graphs import MoleculeGraphs
from heliosc.surrogates.mpnn.reading import Reading, read_molecules
from heliosc.surrogates.screening.rows import Domain, Refusal, Rows


def outside_domain(domain: Domain, reading: Reading) -> dict[int, str]:
    """Number of a readable molecule -> why the models are not for it."""
    graphs = reading.graphs
    if not graphs.n_molecules:
        return {}
    codes, kind = np.unique(graphs.atom_codes, return_inverse=True)
    kinds = [unpack_atom(int(code)) for code in codes]
    owner = graphs.molecule_of_atom
    charges = np.bincount(owner, weights=np.array([kind.charge for kind in kinds])[kind])
    n_fragments = _count_fragments(graphs)
    symbols = [Chem.GetPeriodicTable().GetElementSymbol(kind.atomic_number) for kind in kinds]
    is_foreign = np.array([symbol not in domain.elements for symbol in symbols])[kind]
    foreign: dict[int, set[str]] = {}
    for atom in np.flatnonzero(is_foreign):
        foreign.setdefault(int(owner[atom]), set()).add(symbols[kind[atom]])
    suspects = np.flatnonzero((charges != 0) | (reading.n_radicals > 0) | (n_fragments > 1))
    reasons = {}
    for molecule in sorted({*suspects.tolist(), *foreign}):
        if charges[molecule]:
            reason = f"has charge {charges[molecule]:+.0f}; the models expect a neutral molecule"
        elif reading.n_radicals[molecule]:
            reason = "is a radical; the models expect a closed shell"
        elif n_fragments[molecule] > 1:
            reason = "has several fragments; expected one molecule, without counter-ions or solvent"
        else:
            reason = f"has {', '.join(sorted(foreign[molecule]))}, which the models never saw"
        reasons[molecule] = reason
    return reasons


def known_elements(ensemble: SurrogateEnsemble) -> frozenset[str]:
    """Elements of the molecules that are kept with a model: a part of the table that it was trained on."""
    smiles = sorted(ensemble.held_out.smiles)
    codes = np.unique(read_molecules(smiles, with_rings=False).graphs.atom_codes)
    numbers = {unpack_atom(int(code)).atomic_number for code in codes}
    return frozenset(Chem.GetPeriodicTable().GetElementSymbol(number) for number in numbers)


def _count_fragments(graphs: MoleculeGraphs) -> IntArray:
    n_atoms = len(graphs.atom_codes)
    bonds = coo_array((np.ones(len(graphs.edge_source)), (graphs.edge_source, graphs.edge_target)), (n_atoms, n_atoms))
    _, fragment = connected_components(bonds.tocsr(), directed=False)
    _, first_atom = np.unique(fragment, return_index=True)
    return np.bincount(graphs.molecule_of_atom[first_atom], minlength=graphs.n_molecules)


def predict_rows(
    ensemble: SurrogateEnsemble, rows: Rows, *, domain: Domain | None, precision: str
) -> tuple[pa.Table, list[Refusal]]:
    """Predictions of what can be predicted, in input order, and the rest with reasons.

    Parameters
    ----------
    domain : None predicts everything readable

    Returns
    -------
    table : columns ``row``, ``smiles``, a property ``KEY mean`` and ``KEY std`` (total, calibrated), and
        ``domain distance`` (above 1: unlike what the models learnt from) where they have such a measure
    refused : in input order
    """
    reading = read_molecules(rows.smiles, with_rings=ensemble.uses_descriptors)
    outside = {} if domain is None else outside_domain(domain, reading)
    positions = np.delete(reading.rows, np.array(list(outside), dtype=np.int64))
    graphs = reading.graphs.without(np.array(list(outside), dtype=np.int64)) if outside else reading.graphs
    reasons = reading.refused | {int(reading.rows[molecule]): reason for molecule, reason in outside.items()}
    refused = [Refusal(rows.numbers[i], rows.smiles[i], reasons[i]) for i in sorted(reasons)]
    raw = ensemble.predict_graphs(graphs, precision=precision)
    doubt = ensemble.doubt(raw)
    std = np.hypot(doubt.epistemic, doubt.aleatoric)
    columns: dict[str, Any] = {
        "row": np.array(rows.numbers, dtype=np.int64)[positions],
        "smiles": pa.array([rows.smiles[i] for i in positions], pa.string()),
    }
    for column, key in enumerate(ensemble.keys):
        columns[f"{key} mean"] = raw.mean[:, column].astype(np.float32)
        columns[f"{key} std"] = std[:, column].astype(np.float32)
    if doubt.distance is not None:
        columns["domain distance"] = doubt.distance.astype(np.float32)
    return pa.table(columns), refused


def load_for_screening(model: Path, *, device: str) -> SurrogateEnsemble:
    """The ensemble, in a process that works beside others on one core."""
    import torch

    torch.set_num_threads(1)
    return SurrogateEnsemble.load(model, device=device)
