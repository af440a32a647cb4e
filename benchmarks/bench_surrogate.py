"""Surrogates: screening speed against chemprop, and memory of a long stream.

    python benchmarks/bench_surrogate.py                       speed on one core, a few minutes
    python benchmarks/bench_surrogate.py --part stream         one million SMILES through ``heliosc predict``

*speed*: molecules a CPU second from SMILES to mean and std of five members, one thread, same weights and run. The peer
is chemprop 2.3.1 with its C++ featuriser, put together as well as its Python interface allows: every batch featurised
once for all members, inference mode, the faster of two batch sizes. Predictions in single precision must agree to
1e-5 eV. Every SMILES of a file is used once, so that repeats do not flatter the deduplication.

*stream*: distinct SMILES by enumeration of substituents; peak memory of all processes together, proportional set size
(shared pages counted once) and the plain sum of resident sizes.

*accuracy*, *training*, *schnet*, *delta*: see ``surrogate_accuracy.py`` and so on.

Each part writes its own entry of ``benchmarks/results/surrogate.json``.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from surrogate_accuracy import accuracy
from surrogate_delta import delta
from surrogate_schnet import schnet
from surrogate_training import training

from heliosc.campaign.models import SHIPPED_SURROGATE
from heliosc.surrogates.ensemble import SurrogateEnsemble
from heliosc.surrogates.mpnn.config import MPNNConfig
from heliosc.surrogates.mpnn.inference import predict_members
from heliosc.surrogates.mpnn.network import Network, to_chemprop
from heliosc.surrogates.mpnn.reading import read_graphs, read_molecules

RESULTS = Path(__file__).parent / "results" / "surrogate.json"
REFERENCE_DATA = Path(os.environ.get("HELIOSC_REFERENCE_DATA", Path(__file__).parents[2] / "shared" / "data"))
SPEED_SETS = {
    "OCELOT": {"ocelot_chromophore_v1_development.csv": "smiles"},
    "tartarus_hce": {"tartarus_hce.csv": "smiles"},
    "all files": {
        "ocelot_chromophore_v1_development.csv": "smiles",
        "cep_pce.csv": "smiles",
        "compas_1d.csv": "smiles",
        "nfa_smiles.csv": "smiles",
        "nrel_opv_valid.csv": "smile",
        "hopv15.csv": "smiles",
        "pachqa_props.csv": "smiles",
    },
}
TARGETS = {"OCELOT": (10, 20), "tartarus_hce": (20, 34)}
N_MEMBERS, N_KEYS = 5, 10
TARGET_STD = 0.5  # eV, about that of OCELOT's orbital energies; it turns standardised outputs into eV
PEER_MOLECULES = 1_024
PEER_BATCHES = (64, 512)
BATCH = 4_096
AGREEMENT = 1e-5  # eV
EV_COLUMNS = slice(0, 7)  # of the shipped model; dipole and polarizability follow


def distinct_smiles(files: dict[str, str], limit: int) -> list[str]:
    """SMILES of some files, each once, in a fixed random order."""
    found: dict[str, None] = {}
    for name, column in files.items():
        with (REFERENCE_DATA / name).open() as stream:
            found |= dict.fromkeys(row[column].strip() for row in csv.DictReader(stream))
    smiles = sorted(found)
    order = np.random.default_rng(0).permutation(len(smiles))
    refused = read_molecules([smiles[i] for i in order], with_rings=False).refused
    return [smiles[i] for position, i in enumerate(order) if position not in refused][:limit]


def plain_networks() -> list[Network]:
    """Five members of chemprop's default shape, without descriptors."""
    torch.manual_seed(0)
    config = MPNNConfig(use_descriptors=False)
    return [Network(config, n_keys=N_KEYS, n_descriptors=0).eval() for _ in range(N_MEMBERS)]


def chemprop_predictions(twins: list[Any], smiles: list[str], *, batch: int) -> np.ndarray:
    """Means of chemprop's own forward, (n_members, n_molecules, n_keys), standardised."""
    from chemprop.featurizers import CuikmolmakerMolGraphFeaturizer

    featurize = CuikmolmakerMolGraphFeaturizer()
    parts = []
    with torch.inference_mode():
        for start in range(0, len(smiles), batch):
            graphs = featurize(smiles[start : start + batch])
            parts.append(torch.stack([twin(graphs)[..., 0] for twin in twins]).numpy())
    return np.concatenate(parts, axis=1)


def our_predictions(networks: list[Network], smiles: list[str], *, precision: str) -> np.ndarray:
    """Means of our forward, (n_members, n_molecules, n_keys), standardised."""
    parts = []
    for start in range(0, len(smiles), BATCH):
        graphs = read_graphs(smiles[start : start + BATCH], with_rings=False)
        none = torch.zeros(graphs.n_molecules, 0)
        outputs = predict_members(networks, graphs, none, device=torch.device("cpu"), precision=precision)
        parts.append(outputs.means)
    return np.concatenate(parts, axis=1)


def chemprop_of_shipped(shipped: SurrogateEnsemble, smiles: list[str]) -> np.ndarray:
    """Members' means of the shipped weights in chemprop's own forward with our descriptors, in the keys' units."""
    from chemprop.featurizers import CuikmolmakerMolGraphFeaturizer

    smiles = smiles[: PEER_BATCHES[1]]
    descriptors = shipped.scaling.descriptors(read_graphs(smiles, with_rings=True).descriptors)
    with torch.inference_mode():
        graphs = CuikmolmakerMolGraphFeaturizer()(smiles)
        outputs = [to_chemprop(network)(graphs, X_d=torch.from_numpy(descriptors)) for network in shipped.networks]
    means = torch.stack([output[..., 0] for output in outputs]).numpy()
    return means * shipped.scaling.target_std + shipped.scaling.target_mean


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """The result and the CPU seconds of this process."""
    began = time.process_time()
    result = work()
    return result, time.process_time() - began


def compare_speed(name: str, smiles: list[str]) -> dict[str, float]:
    """Rates of chemprop, of ours, and of the shipped model, on one set."""
    networks = plain_networks()
    twins = [to_chemprop(network) for network in networks]
    sample = smiles[:PEER_MOLECULES]
    # the peer runs before and after ours, so that a change in the machine's load meets both
    before = {batch: timed(lambda b=batch: chemprop_predictions(twins, sample, batch=b)) for batch in PEER_BATCHES}
    single, single_s = timed(lambda: our_predictions(networks, smiles, precision="f32"))
    half, half_s = timed(lambda: our_predictions(networks, smiles, precision="bf16"))
    after = {batch: timed(lambda b=batch: chemprop_predictions(twins, sample, batch=b)) for batch in PEER_BATCHES}
    peer_s = min(before[batch][1] + after[batch][1] for batch in PEER_BATCHES) / 2
    difference = TARGET_STD * np.abs(single[:, : len(sample)] - before[PEER_BATCHES[0]][0]).max()
    if difference > AGREEMENT:
        raise SystemExit(f"{name}: predictions differ from chemprop's by {difference:.1e} eV")
    shipped = SurrogateEnsemble.load(SHIPPED_SURROGATE, device="cpu")
    shipped_smiles = smiles[: 2 * BATCH]
    trained, shipped_s = timed(lambda: shipped.predict(shipped_smiles))
    trained_half, shipped_half_s = timed(lambda: shipped.predict(shipped_smiles, precision="bf16"))
    trained_difference = np.abs(trained.members[:, : PEER_BATCHES[1]] - chemprop_of_shipped(shipped, sample)).max()
    if trained_difference > AGREEMENT:
        raise SystemExit(f"{name}: the shipped model differs from chemprop's by {trained_difference:.1e} eV")
    rounding = 1000 * np.abs(trained_half.mean - trained.mean)[:, EV_COLUMNS]
    peer = len(sample) / peer_s
    return {
        "load": os.getloadavg()[0],
        "molecules": len(smiles),
        "chemprop_C++_per_s": peer,
        "f32_per_s": len(smiles) / single_s,
        "bf16_per_s": len(smiles) / half_s,
        "f32_times": len(smiles) / single_s / peer,
        "bf16_times": len(smiles) / half_s / peer,
        "f32_difference_eV": float(difference),
        "bf16_mean_difference_meV": float(1000 * TARGET_STD * np.abs(half - single).mean()),
        "bf16_largest_difference_meV": float(1000 * TARGET_STD * np.abs(half - single).max()),
        "shipped_f32_difference_eV": float(trained_difference),
        "shipped_bf16_mean_difference_meV": float(rounding.mean()),
        "shipped_bf16_99.9%_difference_meV": float(np.quantile(rounding, 0.999)),
        "shipped_bf16_largest_difference_meV": float(rounding.max()),
        "shipped_std_meV": float(1000 * trained.std[:, EV_COLUMNS].mean()),
        "shipped_f32_per_s": len(shipped_smiles) / shipped_s,
        "shipped_bf16_per_s": len(shipped_smiles) / shipped_half_s,
    }


def speed(arguments: argparse.Namespace) -> dict[str, Any]:
    """Screening speed on one core."""
    if not REFERENCE_DATA.is_dir():
        raise SystemExit(f"no reference data in {REFERENCE_DATA}; set HELIOSC_REFERENCE_DATA")
    torch.set_num_threads(1)
    warm_up = distinct_smiles(SPEED_SETS["OCELOT"], 64)
    compare_speed("warm-up", warm_up)
    rows = {
        name: compare_speed(name, distinct_smiles(SPEED_SETS[name], arguments.molecules)) for name in arguments.sets
    }
    print_speed(rows)
    return rows


def print_speed(rows: dict[str, dict[str, float]]) -> None:
    table = Table(title="SMILES to mean and std of 5 members, one core")
    table.add_column("")
    for name in rows:
        table.add_column(name, justify="right")
    for figure in next(iter(rows.values())):
        cells = []
        for name, row in rows.items():
            value, targets = row[figure], dict(zip(("f32_times", "bf16_times"), TARGETS.get(name, ()), strict=False))
            shown = f"{value:.1e}" if 0 < value < 1e-3 else f"{value:,.1f}" if value < 100 else f"{value:,.0f}"
            cells.append(f"{shown} (target {targets[figure]})" if figure in targets else shown)
        table.add_row(figure.replace("_", " "), *cells)
    Console(width=120).print(table)


_GROUPS = (
    "C", "CC", "CCC", "C(C)C", "CCCC", "CC(C)C", "C(C)(C)C", "F", "Cl", "Br", "C#N", "OC", "OCC", "OCCC", "OC(C)C",
    "SC", "SCC", "N(C)C", "N(CC)CC", "C=O", "C(C)=O", "C(=O)OC", "C(=O)OCC", "C(=O)N", "C(=O)NC", "[N+](=O)[O-]",
    "S(C)(=O)=O", "C(F)(F)F", "OC(F)(F)F", "C=C", "C=CC#N", "C=C(C#N)C#N", "C#C", "[Si](C)(C)C", "c8ccccc8", "c8cccs8",
    "c8ccco8", "c8ccncc8", "c8ccc(F)cc8", "c8ccc(C)cc8",
)  # fmt: skip
_CORES = (
    "c1({})ccc(-c2ccc({})c3nsnc23)c({})c1", "c1({})sc(-c2ccc({})s2)c({})c1", "c1({})ccc2c(c1)c1cc({})ccc1n2{}",
    "c1({})cc2sc(-c3ccc({})cc3)cc2c({})c1", "c1({})ccc(N(c2ccc({})cc2)c2ccc({})cc2)cc1",
    "c1({})cc2c(s1)c1sc({})cc1n2{}", "c1({})ccc(-c2ccc(-c3ccc({})s3)c({})c2)s1",
    "c1({})ccc2c(c1)C(=O)c1cc({})c({})cc1C2=O", "c1({})ccc(C=Cc2ccc({})cc2)c({})c1", "c1({})ccc2nc({})c({})nc2c1",
    "c1({})cc({})c2ccc3cc({})cc4ccc1c2c34", "c1({})ccc2[nH]c({})c({})c2c1", "c1({})ccc2oc({})c({})c2c1",
    "c1({})cnc({})c({})c1", "c1({})ccc2cc3cc({})c({})cc3cc2c1", "c1({})nc({})nc({})n1",
)  # fmt: skip


def enumerated_smiles() -> Iterator[str]:
    """Distinct SMILES: three substituents on every core, 1,024,000 in all."""
    for first, second, third in product(_GROUPS, repeat=3):
        for core in _CORES:
            yield core.format(first, second, third)


def stream(arguments: argparse.Namespace) -> dict[str, Any]:
    """Memory and rate of a long screening."""
    with tempfile.TemporaryDirectory(dir=arguments.work) as folder:
        file, out = Path(folder) / "molecules.smi", Path(folder) / "predictions.parquet"
        with file.open("w") as text:
            text.writelines(
                f"{smiles}\n" for _, smiles in zip(range(arguments.rows), enumerated_smiles(), strict=False)
            )
        command = [sys.executable, "-m", "heliosc", "predict", str(file), "--out", str(out)]
        began = time.monotonic()
        process = subprocess.Popen([*command, "--workers", str(arguments.workers)])
        samples = list(_memory_samples(process))
        seconds = time.monotonic() - began
    quarters = [max(pss for _, pss in part) for part in _quarters(samples)]
    result = {
        "load": os.getloadavg()[0],
        "rows": arguments.rows,
        "workers": arguments.workers,
        "exit_code": process.returncode,
        "wall_s": seconds,
        "rows_per_s": arguments.rows / seconds,
        "peak_resident_MB": max(rss for rss, _ in samples),
        "peak_proportional_MB": max(pss for _, pss in samples),
        "peak_proportional_MB_by_quarter": quarters,
    }
    Console().print(result)
    return result


def _quarters(samples: list[tuple[float, float]]) -> list[list[tuple[float, float]]]:
    return [part for i in range(4) if (part := samples[i * len(samples) // 4 : (i + 1) * len(samples) // 4])]


def _memory_samples(process: subprocess.Popen) -> Iterator[tuple[float, float]]:
    """Resident and proportional set size of a process and all its children, MB, once a second."""
    while process.poll() is None:
        totals = [_memory(pid) for pid in _with_children(process.pid)]
        yield sum(rss for rss, _ in totals), sum(pss for _, pss in totals)
        time.sleep(1)


def _with_children(pid: int) -> list[int]:
    family, frontier = [pid], [pid]
    while frontier:
        found = []
        for member in frontier:
            for listing in Path(f"/proc/{member}/task").glob("*/children"):
                try:
                    found += [int(child) for child in listing.read_text().split()]
                except OSError:  # it has just ended
                    continue
        family, frontier = family + found, found
    return family


def _memory(pid: int) -> tuple[float, float]:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:  # it has just ended
        return 0.0, 0.0
    sizes = {line.split()[0]: int(line.split()[1]) / 1024 for line in lines[1:]}
    return sizes.get("Rss:", 0.0), sizes.get("Pss:", 0.0)


PARTS: dict[str, Callable[[argparse.Namespace], dict[str, Any]]] = {
    "speed": speed,
    "stream": stream,
    "accuracy": accuracy,
    "training": training,
    "schnet": schnet,
    "delta": delta,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=sorted(PARTS), default="speed")
    parser.add_argument("--molecules", type=int, default=100_000, help="largest number of molecules of a set (speed)")
    parser.add_argument("--sets", nargs="+", choices=list(SPEED_SETS), default=list(SPEED_SETS), help="data (speed)")
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows (stream)")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="processes (stream)")
    parser.add_argument("--work", type=Path, default=None, help="folder for what is large or takes hours")
    parser.add_argument(
        "--labels", type=Path, default=None, help="folder of `heliosc label` with OCELOT molecules (delta, schnet)"
    )
    parser.add_argument("--no-train", action="store_true", help="only models already in the work folder (accuracy)")
    arguments = parser.parse_args()
    result = PARTS[arguments.part](arguments)
    known = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    RESULTS.parent.mkdir(exist_ok=True)
    # sets that were not run this time keep their figures
    known[arguments.part] = {**known.get(arguments.part, {}), **result}
    RESULTS.write_text(json.dumps(known, indent=2) + "\n")


if __name__ == "__main__":
    main()
