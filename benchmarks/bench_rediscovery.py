"""Rediscovery: would heliosc have found the Y6 family, had it never seen an acceptor of its kind?

    make bench-rediscovery
    python benchmarks/bench_rediscovery.py --work FOLDER   # the trained surrogate is kept there

Every molecule of the embedded library with two or more dicyanovinylidene ends (all A-D-A and A-DA'D-A acceptors, more
than the A-DA'D-A alone) is taken out, a surrogate is trained on the rest, and the shift from the gas phase to the CV
scale is taken anew without such molecules. The role ``acceptor`` then ranks the cores of the named Y-type acceptors
(alkyl chains cut) among those of ``nfa_smiles.csv`` by its expected gains (``greedy``: no credit for doubt). Reference
data is read from ``$HELIOSC_REFERENCE_DATA`` or ``../shared/data``. Writes ``benchmarks/results/rediscovery.json``.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from rdkit import Chem, RDLogger
from rich.console import Console

from heliosc.campaign.training import surrogate_data
from heliosc.chemistry.identity import inchikey, parse_smiles
from heliosc.chemistry.scaffolds import cut_alkyl_chains
from heliosc.chemistry.synthesizability import sa_score
from heliosc.cli.output import table_of
from heliosc.properties import PredictionTable
from heliosc.selection.acquisition import Promise, get_acquisition
from heliosc.selection.estimates import probability_inside, role_estimates
from heliosc.selection.roles import Role, get_role
from heliosc.surrogates.ensemble import SurrogateEnsemble
from heliosc.surrogates.mpnn.config import MPNNConfig

HERE = Path(__file__).parent
DATA = Path(os.environ.get("HELIOSC_REFERENCE_DATA", HERE.parents[1] / "shared" / "data"))
RESULTS = HERE / "results" / "rediscovery.json"
FEATURES = HERE / "results" / "cv_features.json"
END_GROUP = Chem.MolFromSmarts("[#6]=[#6](C#N)C#N")
"""Dicyanovinylidene, the acceptor end of the whole family."""
AZOLE, PYRROLE = Chem.MolFromSmarts("c1~n~[s,n]~n~c1"), Chem.MolFromSmarts("n1cccc1")
"""The electron-poor middle of A-DA'D-A, and the pyrroles fused to it."""
IE, EA = "vertical_ionization_energy@ipea1//gfn2", "vertical_electron_affinity@gfn2"
MEMBERS, EPOCHS = 3, 40
console = Console(width=150)


def is_of_the_kind(molecule: Chem.Mol) -> bool:
    """Two or more of the end groups."""
    return len(molecule.GetSubstructMatches(END_GROUP)) >= 2


def is_y_like(molecule: Chem.Mol) -> bool:
    return is_of_the_kind(molecule) and molecule.HasSubstructMatch(AZOLE) and molecule.HasSubstructMatch(PYRROLE)


def core_smiles(molecule: Chem.Mol) -> str:
    return Chem.MolToSmiles(cut_alkyl_chains(molecule), isomericSmiles=False)


def named_cores() -> dict[str, str]:
    """Core -> names of the Y-type acceptors that have it."""
    cores: dict[str, list[str]] = {}
    with (DATA / "nfa_named.tsv").open() as stream:
        for row in csv.DictReader(stream, delimiter="\t"):
            molecule = parse_smiles(row["SMILES"]) if row["SMILES"].strip() else None
            if molecule is not None and is_y_like(molecule):
                cores.setdefault(core_smiles(molecule), []).append(row["Friendly name"])
    return {core: " = ".join(names) for core, names in cores.items()}


# -- nothing of the kind is known -------------------------------------------------------------------------------------


def blind_surrogate(folder: Path) -> tuple[SurrogateEnsemble, dict[str, Any]]:
    """Trained on the embedded library without the family, kept in a folder."""
    data = surrogate_data(None)
    rows = [row for row, text in enumerate(data.table.smiles) if not is_of_the_kind(parse_smiles(text))]
    removed = [text for text in data.table.smiles if is_of_the_kind(parse_smiles(text))]
    counts = {
        "library": len(data.table.smiles),
        "removed": len(removed),
        "of_these_y_like": sum(is_y_like(parse_smiles(text)) for text in removed),
        "members": MEMBERS,
        "epochs": EPOCHS,
    }
    if (folder / "model").exists():
        return SurrogateEnsemble.load(folder / "model", device="cpu"), counts
    order = np.random.default_rng(0).permutation(rows)
    n = len(order) // 10
    split = order[2 * n :], order[n : 2 * n], order[:n]
    config = MPNNConfig(n_members=MEMBERS, epochs=EPOCHS)
    surrogate = SurrogateEnsemble.train(data.table, split=split, config=config, seed=0)
    surrogate.save(folder / "model")
    return surrogate, counts


def blind_shifts() -> dict[str, float]:
    """What the median of measured CV level less gas-phase value becomes without the family, less what it is, eV."""
    features = json.loads(FEATURES.read_text())["values"]
    names = {
        "ionization_energy": "vertical_ionization_energy@ipea1//gfn2",
        "electron_affinity": "vertical_electron_affinity@gfn2",
    }
    gaps: dict[str, list[float]] = {key: [] for key in names}
    everything: dict[str, list[float]] = {key: [] for key in names}
    for molecule, levels in _measured():
        known = features.get(inchikey(molecule), {})
        for key, level in levels.items():
            if names[key] in known:
                everything[key].append(level - known[names[key]])
                if not is_of_the_kind(molecule):
                    gaps[key].append(level - known[names[key]])
    return {key: float(np.median(gaps[key]) - np.median(everything[key])) for key in names}


def _measured() -> list[tuple[Chem.Mol, dict[str, float]]]:
    with (DATA / "hopv15.csv").open() as stream:
        known = [row for row in csv.DictReader(stream) if "nan" not in (row["HOMO"], row["LUMO"])]
    found = [(row["smiles"], row["HOMO"], row["LUMO"]) for row in known if row["construction"] != "polymer"]
    with (DATA / "nfa_named.tsv").open() as stream:
        named = [row for row in csv.DictReader(stream, delimiter="\t") if row["SMILES"].strip()]
    found += [(row["SMILES"], row["HOMO (eV)"], row["LUMO (eV)"]) for row in named if row["HOMO (eV)"].strip()]
    return [(parse_smiles(text), _levels(homo, lumo)) for text, homo, lumo in found]


def _levels(homo: str, lumo: str) -> dict[str, float]:
    return {"ionization_energy": -float(homo.split("/")[0]), "electron_affinity": -float(lumo.split("/")[0])}


def blind_role(changes: dict[str, float]) -> Role:
    """The acceptor's windows, moved by what the map to the CV scale changes without the family."""
    role = get_role("acceptor")
    windows = []
    for window in role.windows:
        change = next((value for key, value in changes.items() if window.key.name.endswith(key)), 0.0)
        inner = window.window
        moved = replace(inner, lower=inner.lower - change, upper=inner.upper - change)
        windows.append(replace(window, window=moved))
    return replace(role, windows=tuple(windows))


# -- ranking ----------------------------------------------------------------------------------------------------------


def scores(role: Role, predictions: PredictionTable, sa_scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Expected gain of each molecule, and the probability that it is inside the windows."""
    estimates = role_estimates(role, predictions, sa_scores=sa_scores)
    cost = np.column_stack([objective.cost(estimates[objective.key][0]) for objective in role.objectives])
    inside = probability_inside(role, estimates)
    weights = np.array([objective.weight for objective in role.objectives])
    promise = Promise(cost, cost, role.reference_costs, inside, weights)
    return get_acquisition("greedy")(promise, np.random.default_rng(0)), inside


def pool_smiles(n: int | None) -> list[str]:
    with (DATA / "nfa_smiles.csv").open() as stream:
        found = list(dict.fromkeys(row["smiles"] for row in csv.DictReader(stream)))
    if n is None or n >= len(found):
        return found
    chosen = np.random.default_rng(0).permutation(len(found))[:n]
    return [found[row] for row in np.sort(chosen)]


def ranked(
    role: Role, surrogate: SurrogateEnsemble, cores: dict[str, str], pool: Sequence[str]
) -> list[dict[str, Any]]:
    """Place of each core among the pool."""
    everything = [*cores, *pool]
    predictions = surrogate.predict(everything)
    sa_scores = np.array([sa_score(cut_alkyl_chains(parse_smiles(text))) for text in everything])
    score, inside = scores(role, predictions, sa_scores)
    of_pool = score[len(cores) :]
    keys = [str(key) for key in surrogate.keys]
    rows = []
    for row, (_, names) in enumerate(cores.items()):
        better = int((of_pool > score[row]).sum())
        rows.append(
            {
                "core of": names, "better in the pool": better, "of": len(of_pool),
                "top %": 100 * better / len(of_pool),
                "P(inside)": float(inside[row]),
                "IE": float(predictions.mean[row, keys.index(IE)]),
                "EA": float(predictions.mean[row, keys.index(EA)]),
                "core SA": float(sa_scores[row]),
            }
        )  # fmt: skip
    return rows


def main() -> None:
    RDLogger.DisableLog("rdApp.*")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, default=Path("runs/bench_rediscovery"))
    parser.add_argument("--pool", type=int, default=None, help="so many of the pool, at random; none = all")
    asked = parser.parse_args()
    started = time.process_time()
    surrogate, counts = blind_surrogate(asked.work)
    changes = blind_shifts()
    role, cores, pool = blind_role(changes), named_cores(), pool_smiles(asked.pool)
    rows = ranked(role, surrogate, cores, pool)
    console.print(
        table_of(rows, title="Y-type cores among nfa_smiles.csv by the acceptor role, family unseen; aim: top 5 %")
    )
    median = float(np.median([row["top %"] for row in rows]))
    console.print(
        f"median: top {median:.2f} %; {counts['removed']} library molecules removed; CV shifts move by {changes}"
    )
    document = {**counts, "pool": len(pool), "shift_changes_eV": changes, "cores": rows, "median_top_percent": median,
                "cpu_s": round(time.process_time() - started)}  # fmt: skip
    RESULTS.write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
