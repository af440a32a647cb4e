"""The junction-tree VAE: round trip of gold trees, and speed beside RDKit's own floor.

    make bench-generator
    python benchmarks/bench_generator.py speed                       # one part
    python benchmarks/bench_generator.py roundtrip tartarus_hce.csv  # one set of the round trip
    python benchmarks/bench_generator.py latents samples --model FOLDER  # parts of a trained one: generator_sampling.py

``roundtrip`` decomposes molecules, follows each gold tree under the decoder's masks and compares canonical
constitutions; every failure is listed with its cause, and a molecule that takes over ``TIMEOUT_S`` is one. ``speed``
measures CPU seconds on one core and one thread; the peer is RDKit itself, whose parsing, rings and SMILES every code of
this kind must pay. Reference data is read from ``$HELIOSC_REFERENCE_DATA`` or ``../shared/data`` and left out when
absent. Parts that are not asked for keep their last figures in ``results/generator.json``.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import platform
import random
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import generator_sampling as sampling
import numpy as np
import torch
from generator_preparation import measure_preparation, preparation_table
from rdkit import Chem, RDLogger, rdBase
from rich.console import Console
from rich.table import Table

import heliosc
from heliosc.datasets.library.load import library_smiles
from heliosc.errors import HelioscError
from heliosc.generation.jtvae import JTVAE
from heliosc.generation.jtvae.config import JTVAEConfig, ModelConfig, TrainingConfig
from heliosc.generation.jtvae.decoding import Decoding
from heliosc.generation.jtvae.io import build_network
from heliosc.generation.jtvae.molecule_graph import MoleculeGraph, constitution, molecule_graph
from heliosc.generation.jtvae.preparation import prepare_on_disk
from heliosc.generation.jtvae.roundtrip import failure_of
from heliosc.generation.jtvae.sample import MoleculeSampler
from heliosc.generation.jtvae.schedule import build_vocabulary, prepare, prepare_graphs, read_graphs
from heliosc.generation.jtvae.train import Trainer, TrainingSet
from heliosc.generation.jtvae.tree import JunctionTree, junction_tree
from heliosc.generation.jtvae.valence import LegalMoves
from heliosc.generation.jtvae.vocabulary import Vocabulary

HERE = Path(__file__).parent
DATA = Path(os.environ.get("HELIOSC_REFERENCE_DATA", HERE.parents[1] / "shared" / "data"))
WEIGHTS = Path(heliosc.__file__).parent / "weights" / "generator"
RESULTS = HERE / "results" / "generator.json"
OCELOT = DATA / "ocelot_chromophore_v1_development.csv"
TIMEOUT_S = 5.0
N_NFA = 20_000
N_SPEED, N_TRAIN, N_DECODE = 2_000, 1_024, 512
HIDDEN = 450
BARS = {
    "decomposition": 1_000,
    "full preparation": 300,
    "full preparation, on disk": 300,
    "full preparation, on disk with the InChIKey split": 300,
    f"training, hidden {HIDDEN}": 40,
    f"greedy decoding, untrained, hidden {HIDDEN}": 60,
    "greedy decoding, shipped model": 60,
}

console = Console(width=150)
Figures = dict[str, Any]


# -- round trip -------------------------------------------------------------------------------------------------------


def sets() -> Iterator[tuple[str, list[str]]]:
    """Name and SMILES of each set that is present."""
    yield "embedded library", library_smiles()
    for name, column, delimiter, n in (
        ("nfa_named.tsv", "SMILES", "\t", None),
        (OCELOT.name, "smiles", ",", None),
        ("nfa_smiles.csv", "smiles", ",", N_NFA),
        ("tartarus_hce.csv", "smiles", ",", None),
    ):
        if (DATA / name).exists():
            with (DATA / name).open() as stream:
                found = [row[column] for row in csv.DictReader(stream, delimiter=delimiter) if row[column]]
            yield name, found[:n]
        else:
            console.print(f"{name} is not in {DATA}: left out")


class _TimeoutError(Exception):
    pass


@contextmanager
def time_limit() -> Iterator[None]:
    """CPU time of one molecule; a step inside RDKit is interrupted when it returns."""

    def stop(*_: object) -> None:
        raise _TimeoutError

    signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, TIMEOUT_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def guarded(step: Callable[[], Any]) -> tuple[Any, str | None]:
    """The result of a step, or why there is none."""
    try:
        with time_limit():
            return step(), None
    except _TimeoutError:
        return None, f"timeout of {TIMEOUT_S:.0f} s"
    except HelioscError as error:
        return None, str(error)
    except (Chem.rdchem.MolSanitizeException, RuntimeError, ValueError, KeyError, IndexError) as error:
        return None, f"{type(error).__name__}: {error}"


def round_trip(smiles: Sequence[str]) -> Figures:
    """Failures of one set, each with its cause; the vocabulary is that of the set."""
    vocabulary, failures = Vocabulary(), {}
    trees: dict[str, tuple[MoleculeGraph, JunctionTree]] = {}
    start = time.process_time()

    def decompose(text: str) -> tuple[MoleculeGraph, JunctionTree]:
        graph = molecule_graph(constitution(text))
        tree = junction_tree(graph, vocabulary, grow=True)
        vocabulary.count(graph, tree.words)
        return graph, tree

    for text in smiles:
        found, reason = guarded(lambda text=text: decompose(text))
        if found is None:
            failures[text] = f"decomposition: {reason}"
        else:
            trees[text] = found
    legal = LegalMoves(vocabulary)
    for text, (graph, tree) in trees.items():
        wrong, reason = guarded(lambda graph=graph, tree=tree: failure_of(graph, tree, legal))
        if wrong or reason:
            failures[text] = wrong or f"assembly: {reason}"
    n = len(set(smiles))
    return {
        "molecules": n,
        "exact": n - len(failures),
        "share": (n - len(failures)) / n,
        "words": len(vocabulary),
        "largest_word_atoms": max(word.n_atoms for word in vocabulary.words),
        "with_stereo": sum(any(mark in text for mark in "@/\\") for text in set(smiles)),
        "cpu_s": round(time.process_time() - start, 1),
        "failures": failures,
    }


def part_roundtrip(asked: Sequence[str]) -> None:
    """Every set, or those asked for; figures are kept after each."""
    for name, smiles in sets():
        if not asked or name in asked:
            found = round_trip(smiles)
            console.print(f"{name}: {found['exact']} of {found['molecules']}", highlight=False)
            keep("roundtrip", {name: found})
    print_roundtrip(json.loads(RESULTS.read_text())["roundtrip"])


def print_roundtrip(figures: Figures) -> None:
    table = Table(title="Gold tree round trip: decompose, follow the tree under the decoder's masks, compare")
    for heading in ("set", "molecules", "exact", "share", "words", "CPU s"):
        table.add_column(heading, justify="left" if heading == "set" else "right")
    for name, row in figures.items():
        share = f"{100 * row['share']:.3f} %"
        table.add_row(name, str(row["molecules"]), str(row["exact"]), share, str(row["words"]), str(row["cpu_s"]))
    console.print(table)
    for name, row in figures.items():
        for cause, n in Counter(_kind(reason) for reason in row["failures"].values()).most_common():
            console.print(f"  {name}: {n} x {cause}", highlight=False)
        for text, reason in list(row["failures"].items())[:5]:
            console.print(f"    {text[:90]}  {reason[:200]}", highlight=False, markup=False)


def _kind(reason: str) -> str:
    return reason.split("cannot be decomposed: ")[-1].split(": ")[0][:80]


# -- speed ------------------------------------------------------------------------------------------------------------


def rate(n: int, step: Callable[[], Any]) -> tuple[float, Any]:
    """Molecules per CPU second, and what the step gave."""
    start = time.process_time()
    found = step()
    return n / max(time.process_time() - start, 1e-9), found


def part_speed(asked: Sequence[str]) -> None:
    """See ``measure_speed``."""
    del asked
    figures = measure_speed()
    keep("speed", figures)
    print_speed(figures)


def measure_speed() -> Figures:
    """Rates on a random sample of OCELOT (of the embedded library where that is absent)."""
    torch.set_num_threads(1)
    name, smiles = next(((n, s) for n, s in sets() if n == OCELOT.name), ("embedded library", library_smiles()))
    chosen = random.Random(1).sample(sorted(set(smiles)), min(N_SPEED, len(set(smiles))))
    n = len(chosen)
    parse, molecules = rate(n, lambda: [Chem.MolFromSmiles(text) for text in chosen])
    rings, _ = rate(n, lambda: [Chem.GetSymmSSSR(Chem.Mol(molecule)) for molecule in molecules])
    spell, _ = rate(n, lambda: [_fragment_smiles(molecule) for molecule in molecules])
    decompose, vocabulary = rate(n, lambda: _decompose(chosen))
    prepare_all, (vocabulary, legal) = rate(n, lambda: _prepare_all(chosen))
    with tempfile.TemporaryDirectory() as folder:
        on_disk, _ = rate(n, lambda: prepare_on_disk(chosen, Path(folder), held_out=0.0))
    with tempfile.TemporaryDirectory() as folder:
        with_split, _ = rate(n, lambda: prepare_on_disk(chosen, Path(folder), held_out=0.1))
    figures = {
        "set": name,
        "molecules": n,
        "heavy_atoms": float(np.mean([molecule.GetNumHeavyAtoms() for molecule in molecules])),
        "words": len(vocabulary),
        "RDKit: parse": parse,
        "RDKit: rings": rings,
        "RDKit: fragment SMILES": spell,
        "decomposition": decompose,
        "full preparation": prepare_all,
        "full preparation, on disk": on_disk,
        "full preparation, on disk with the InChIKey split": with_split,
    }
    return figures | _model_speed(chosen, vocabulary, legal)


def _fragment_smiles(molecule: Chem.Mol) -> list[str]:
    """SMILES of every ring and of every bond outside rings: what a spelling-keyed decomposition cannot do without."""
    rings = [list(ring) for ring in molecule.GetRingInfo().AtomRings()]
    bonds = [[b.GetBeginAtomIdx(), b.GetEndAtomIdx()] for b in molecule.GetBonds() if not b.IsInRing()]
    return [Chem.MolFragmentToSmiles(molecule, atoms) for atoms in rings + bonds]


def _decompose(smiles: Sequence[str]) -> Vocabulary:
    """SMILES to trees; the vocabulary grows on the way."""
    vocabulary = Vocabulary()
    for text in smiles:
        junction_tree(molecule_graph(constitution(text)), vocabulary, grow=True)
    return vocabulary


def _prepare_all(smiles: Sequence[str]) -> tuple[Vocabulary, LegalMoves]:
    """SMILES to vocabulary and training arrays."""
    graphs, refused = read_graphs(smiles)
    vocabulary = build_vocabulary(graphs.values())
    legal = LegalMoves(vocabulary)
    prepare_graphs(smiles, graphs, refused=refused, vocabulary=vocabulary, legal=legal)
    return vocabulary, legal


def _model_speed(smiles: Sequence[str], vocabulary: Vocabulary, legal: LegalMoves) -> Figures:
    """Training steps and greedy decoding at the published width."""
    config = JTVAEConfig(
        model=replace(ModelConfig(), hidden=HIDDEN), training=replace(TrainingConfig(), epochs=1, batch_size=64)
    )
    prepared = prepare(smiles[:N_TRAIN], vocabulary, legal).prepared
    torch.manual_seed(0)
    network = build_network(config, vocabulary, n_properties=2, device=torch.device("cpu"))
    targets = np.random.default_rng(0).normal(size=(len(prepared), 2))
    data = TrainingSet(prepared, targets, np.ones(2))
    trainer = Trainer(network, data, config=config.training, seed=0)
    training, _ = rate(len(prepared), trainer.run)
    latent = network.condition(
        torch.randn(N_DECODE, config.model.latent), torch.zeros(N_DECODE, 2), torch.zeros(N_DECODE, 2)
    ).detach()
    sampler = MoleculeSampler(network, legal)
    rambling, found = rate(
        N_DECODE, lambda: sampler.decode(latent, Decoding(temperature=0.0), generator=torch.Generator().manual_seed(0))
    )
    shipped = JTVAE.load(WEIGHTS, device="cpu")
    z = shipped.prior.sample(
        N_DECODE, generator=np.random.default_rng(0), asked=np.full(len(shipped.scale.keys), np.nan)
    )
    decoding, decoded = rate(N_DECODE, lambda: shipped.decode(z))
    return {
        f"training, hidden {HIDDEN}": training,
        f"greedy decoding, untrained, hidden {HIDDEN}": rambling,
        "greedy decoding, shipped model": decoding,
        "heavy_atoms_untrained": _mean_atoms([sample.smiles for sample in found]),
        "heavy_atoms_shipped": _mean_atoms(decoded),
        "shipped_hidden": shipped.config.model.hidden,
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
    }


def _mean_atoms(smiles: Sequence[str | None]) -> float:
    return float(np.mean([Chem.MolFromSmiles(text).GetNumAtoms() for text in smiles if text]))


def print_speed(figures: Figures) -> None:
    table = Table(
        title=f"One core, CPU seconds: {figures['molecules']} molecules of {figures['set']}, "
        f"{figures['heavy_atoms']:.1f} heavy atoms on average"
    )
    table.add_column("step")
    table.add_column("molecules/s", justify="right")
    table.add_column("bar", justify="right")
    for name, value in figures.items():
        if name.startswith("RDKit") or name in BARS:
            table.add_row(name, f"{value:,.0f}", f"{BARS[name]:,}" if name in BARS else "")
    console.print(table)


# -- keeping ----------------------------------------------------------------------------------------------------------


def keep(part: str, figures: Figures) -> None:
    """Put figures into the results beside what is there."""
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    results.setdefault(part, {}).update(figures)
    results.setdefault("conditions", {})[part] = {
        "processor": platform.processor() or platform.machine(),
        "load": round(os.getloadavg()[0], 1),
        "rdkit": rdBase.rdkitVersion,
        "torch": torch.__version__,
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=1) + "\n")


# -- sampling ---------------------------------------------------------------------------------------------------------


def _keep_and_show(part: str, figures: Figures, tables: Sequence[Table]) -> None:
    keep(part, {figures.pop("model"): figures})
    for table in tables:
        console.print(table)


def sampling_parts(model: Path | None, *, surrogate: Path | None) -> dict[str, Callable[[Sequence[str]], None]]:
    """Parts about one trained model; figures of different models stand side by side in the results."""

    def latents(_: Sequence[str]) -> None:
        figures = sampling.measure_latents(sampling.subject(model))
        _keep_and_show("latents", figures, [sampling.latents_table(figures)])

    def decoding(_: Sequence[str]) -> None:
        figures = sampling.measure_decoding(sampling.subject(model))
        _keep_and_show("decoding", figures, [sampling.decoding_table(figures)])

    def samples(_: Sequence[str]) -> None:
        figures = sampling.measure_samples(sampling.subject(model))
        _keep_and_show("samples", figures, sampling.samples_tables(figures))

    def conditional(_: Sequence[str]) -> None:
        figures = sampling.measure_conditional(sampling.subject(model), whole=surrogate)
        _keep_and_show("conditional", figures, sampling.conditional_tables(figures))

    return {"latents": latents, "decoding": decoding, "samples": samples, "conditional": conditional}


def part_stereo(asked: Sequence[str]) -> None:
    """Every set that has marks, or those asked for."""
    rows = [sampling.measure_stereo(name, smiles) for name, smiles in sets() if not asked or name in asked]
    keep("stereo", {row["set"]: row for row in rows})
    console.print(sampling.stereo_table(rows))


def part_preparation(asked: Sequence[str]) -> None:
    """Rate and peak memory of two numbers of molecules."""
    del asked
    figures = measure_preparation()
    keep("preparation", figures)
    console.print(preparation_table(figures))


PARTS: dict[str, Callable[[Sequence[str]], None]] = {
    "roundtrip": part_roundtrip,
    "speed": part_speed,
    "stereo": part_stereo,
    "preparation": part_preparation,
}


def main() -> None:
    RDLogger.DisableLog("rdApp.*")
    torch.set_num_threads(1)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="parts, and sets of the round trip; none = all")
    parser.add_argument("--model", type=Path, help="model folder of the sampling parts; none = the shipped one")
    parser.add_argument("--surrogate", type=Path, help="trained on the whole file, beside the independent one")
    asked = parser.parse_args()
    parts = PARTS | sampling_parts(asked.model, surrogate=asked.surrogate)
    sets_asked = [name for name in asked.names if name not in parts]
    for name in [name for name in asked.names if name in parts] or parts:
        parts[name](sets_asked)


if __name__ == "__main__":
    main()
