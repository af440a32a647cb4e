"""All condensed-phase scores that a molecular graph alone gives, in one call made for large tables."""

from __future__ import annotations

from rdkit.Chem import Descriptors

from heliosc.chemistry.graph import Structure, as_graph
from heliosc.chemistry.hansen import hansen_parameters
from heliosc.chemistry.miscibility import REFERENCE_ACCEPTORS, flory_huggins_chi, reference_parameters
from heliosc.chemistry.packing import packing_score
from heliosc.errors import InputError

CONDENSED_PHASE_SCORES = (
    "packing_score",
    "density",
    "hansen_dispersion",
    "hansen_polar",
    "hansen_hydrogen_bonding",
    *(f"miscibility_{acceptor.lower()}" for acceptor in REFERENCE_ACCEPTORS),
)
"""Property names, as in the vocabulary; their level of theory is ``structure``."""


def condensed_phase_scores(structure: Structure) -> dict[str, float]:
    """Every score of ``CONDENSED_PHASE_SCORES`` that is defined for the molecule as it is, side chains included.

    What cannot be given is left out: the packing score of fullerenes, everything that needs a volume for atoms without
    increment, and the polar parts where a group has none.
    """
    graph = as_graph(structure)
    scores: dict[str, float] = {}
    packing = packing_score(graph)
    if packing is not None:
        scores["packing_score"] = packing
    try:
        parameters = hansen_parameters(graph)
    except InputError:
        return scores
    scores["density"] = Descriptors.MolWt(graph.molecule) / parameters.molar_volume  # type: ignore[attr-defined]
    scores["hansen_dispersion"] = parameters.delta_d
    scores["hansen_hydrogen_bonding"] = parameters.delta_h
    if parameters.delta_p is not None:
        scores["hansen_polar"] = parameters.delta_p
        for acceptor in REFERENCE_ACCEPTORS:
            chi, _ = flory_huggins_chi(parameters, reference_parameters(acceptor))
            scores[f"miscibility_{acceptor.lower()}"] = chi
    return scores
