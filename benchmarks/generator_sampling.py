"""What a trained generator samples: parts of ``bench_generator.py`` that take ``--model FOLDER``.

``latents``: 100,000 random latent vectors, also far outside the prior, all end in a molecule. ``decoding``: greedy
decoding of the prior and of posterior means. ``samples``: the whole evaluation, of one checkpoint. ``conditional``: of
1,000 molecules asked for by a property, the share that a surrogate puts where they were asked for, over the share
without asking; the surrogate is trained on the molecules that were held out from the generator. ``stereo`` needs no
model: exact isomeric SMILES that enumeration gives back, of the sets of the round trip.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from generator_training import DATA, DFT, ocelot
from rdkit import Chem
from rich.markup import escape
from rich.table import Table

from heliosc.campaign.models import SHIPPED_GENERATOR, SHIPPED_SURROGATE
from heliosc.campaign.training import generator_data
from heliosc.chemistry.identity import parse_smiles, skeleton_key
from heliosc.generation.evaluation.held_out import split_held_out
from heliosc.generation.evaluation.report import evaluate
from heliosc.generation.evaluation.stereo import MAX_ISOMERS, is_enumerated
from heliosc.generation.jtvae import JTVAE
from heliosc.generation.jtvae.decoding import Decoding
from heliosc.generation.jtvae.growing import Decoded
from heliosc.generation.jtvae.sample import CHUNK, MoleculeSampler
from heliosc.generation.jtvae.valence import LegalMoves
from heliosc.properties import PropertyKey, PropertyTable
from heliosc.surrogates.ensemble import SurrogateEnsemble
from heliosc.surrogates.mpnn.config import MPNNConfig

Figures = dict[str, Any]
FloatArray = np.ndarray

N_LATENTS, N_SAMPLES, N_ASKED, N_DECODED = 100_000, 10_000, 1_000, 1_024
EXTREMES = (1e3, 1e6, 1e30, 1e39)
"""Spreads of the strangest latent vectors; the last is infinite in single precision."""
N_EXTREME = 64
SHARE_ASKED = 0.1
N_REPEATED = 3
"""Slowest batches whose molecules are decoded again one by one."""
MEMBERS, EPOCHS = 2, 40


@dataclass(frozen=True)
class Subject:
    """A model with the molecules that it was and was not shown."""

    name: str
    model: JTVAE
    training: list[str]
    held_out: list[str]
    table: PropertyTable

    @property
    def is_shipped(self) -> bool:
        return not any(DFT in str(key) for key in self.model.keys)


def subject(folder: Path | None) -> Subject:
    """A model on the OCELOT development file, or the shipped one on the embedded library."""
    chosen = folder or SHIPPED_GENERATOR
    model = JTVAE.load(chosen, device="cpu")
    if any(DFT in str(key) for key in model.keys):
        if not DATA.is_dir():
            raise SystemExit(f"reference data is not in {DATA}; set HELIOSC_REFERENCE_DATA")
        smiles, table = ocelot(None)
    else:
        data = generator_data(None)
        smiles, table = list(data.smiles), data.table
    training, held_out = split_held_out(smiles, model.config.training.held_out)
    name = f"{'shipped' if folder is None else folder.name}, hidden {model.config.model.hidden}"
    return Subject(name, model, training, held_out, table)


# -- every decode ends ------------------------------------------------------------------------------------------------


def latent_vectors(width: int) -> Iterable[tuple[str, FloatArray]]:
    """Kind and vectors, in batches as they are decoded."""
    rng = np.random.default_rng(0)
    half = (N_LATENTS - len(EXTREMES) * N_EXTREME) // 2
    kinds = [("standard normal", 1.0, half), ("3 times wider", 3.0, half)]
    kinds += [(f"{spread:.0e} times wider", spread, N_EXTREME) for spread in EXTREMES]
    for kind, spread, n in kinds:
        for start in range(0, n, CHUNK):
            yield kind, spread * rng.standard_normal((min(CHUNK, n - start), width))


class Decoder:
    """Decodes without conditions, with what happened to each molecule."""

    def __init__(self, model: JTVAE, *, temperature: float) -> None:
        self._network, self._temperature = model.network, temperature
        self._sampler = MoleculeSampler(model.network, LegalMoves(model.vocabulary))
        self._n_properties = len(model.keys)

    def __call__(self, z: FloatArray, *, seed: int = 0) -> list[Decoded]:
        nothing = torch.zeros(len(z), self._n_properties)
        with torch.no_grad():
            latent = self._network.condition(torch.from_numpy(z).float(), nothing, nothing)
        generator = torch.Generator().manual_seed(seed)
        return self._sampler.decode(latent, Decoding(temperature=self._temperature), generator=generator)


def measure_latents(chosen: Subject) -> Figures:
    """Decode all of them, greedily and, every other batch, at temperature 1."""
    greedy, sampled = Decoder(chosen.model, temperature=0.0), Decoder(chosen.model, temperature=1.0)
    rows: dict[str, Figures] = {}
    times: list[tuple[float, FloatArray, Decoder]] = []
    for number, (kind, z) in enumerate(latent_vectors(chosen.model.config.model.latent)):
        decoder = (greedy, sampled)[number % 2]
        start = time.perf_counter()
        found = decoder(z)
        elapsed = time.perf_counter() - start
        times = sorted([*times, (elapsed, z, decoder)], key=lambda item: -item[0])[:N_REPEATED]
        row = rows.setdefault(
            kind, dict.fromkeys(("n", "valid", "cut", "atoms", "s", "worst"), 0) | {"distinct": set()}
        )
        valid = [sample.smiles for sample in found if sample.smiles and Chem.MolFromSmiles(sample.smiles)]
        row["n"] += len(found)
        row["valid"] += len(valid)
        row["cut"] += sum(sample.is_cut for sample in found)
        row["distinct"] |= set(valid)
        row["atoms"] += sum(Chem.MolFromSmiles(text).GetNumAtoms() for text in valid)
        row["s"] += elapsed
        row["worst"] = max(row["worst"], elapsed)
    slowest, text = max(
        (_alone(decoder, z[i : i + 1]) for _, z, decoder in times for i in range(len(z))), key=lambda pair: pair[0]
    )
    return {
        "model": chosen.name,
        "kinds": {kind: _latent_row(row) for kind, row in rows.items()},
        "slowest_batch_s": max(row["worst"] for row in rows.values()),
        "slowest_molecule_s": slowest,
        "slowest_molecule": text,
    }


def _alone(decoder: Decoder, z: FloatArray) -> tuple[float, str | None]:
    start = time.perf_counter()
    (found,) = decoder(z)
    return time.perf_counter() - start, found.smiles


def _latent_row(row: Figures) -> Figures:
    return {
        "latents": row["n"],
        "valid": row["valid"] / row["n"],
        "cut by a limit": row["cut"] / row["n"],
        "distinct": len(row["distinct"]),
        "heavy atoms": row["atoms"] / max(row["valid"], 1),
        "molecules/s": row["n"] / row["s"],
        f"worst batch of {CHUNK}, s": row["worst"],
    }


def latents_table(figures: Figures) -> Table:
    rows = [{"latent vectors": kind} | row for kind, row in figures["kinds"].items()]
    table = _table(f"Every decode ends: {figures['model']}", rows)
    table.caption = f"slowest molecule alone: {figures['slowest_molecule_s']:.2f} s"
    return table


# -- speed ------------------------------------------------------------------------------------------------------------


def measure_decoding(chosen: Subject) -> Figures:
    """Molecules per CPU second, greedy: draws of the prior, and posterior means of held-out molecules."""
    model = chosen.model
    z = model.prior.sample(N_DECODED, generator=np.random.default_rng(0))
    covered = [text for text, known in zip(chosen.held_out, model.covers(chosen.held_out), strict=True) if known]
    means = model.encode(covered[:N_DECODED])
    rates = {}
    for name, rows in (("draws of the prior", z), ("posterior means of held-out molecules", means)):
        start = time.process_time()
        model.decode(rows)
        rates[name] = len(rows) / (time.process_time() - start)
    return {"model": chosen.name, "rates": rates}


def decoding_table(figures: Figures) -> Table:
    rows = [{"greedy decoding of": name, "molecules/s": value, "bar": 60} for name, value in figures["rates"].items()]
    return _table(f"One core, CPU seconds: {figures['model']}", rows)


# -- the whole evaluation ---------------------------------------------------------------------------------------------


def measure_samples(chosen: Subject) -> Figures:
    """Everything of ``heliosc train generator --evaluate``, with 10,000 samples of the prior."""
    found = evaluate(
        chosen.model,
        chosen.held_out,
        training=chosen.training,
        properties=chosen.table,
        n_samples=N_SAMPLES,
        n_sampled_reconstructions=50,
        seed=0,
    )
    return {"model": chosen.name, "evaluation": found.to_document()}


_BARS = {"reconstruction_known_words": 0.9, "validity": 1.0, "uniqueness": 0.99, "novelty": 0.9}


def samples_tables(figures: Figures) -> list[Table]:
    found = figures["evaluation"]
    plain = [
        {"figure": name.replace("_", " "), "value": value, "bar": _BARS.get(name)}
        for name, value in found.items()
        if not isinstance(value, dict)
    ]
    distances = [{"property": name} | row for name, row in found["property_distances"].items()]
    return [
        _table(f"One checkpoint: {figures['model']}", plain),
        _table("Wasserstein distances of samples to training molecules", distances),
    ]


# -- stereo -----------------------------------------------------------------------------------------------------------


def measure_stereo(name: str, smiles: Sequence[str]) -> Figures:
    """Molecules with E/Z or tetrahedral marks that enumeration of their constitution gives back."""
    start = time.process_time()
    marked = [text for text in sorted(set(smiles)) if any(mark in text for mark in "@/\\")]
    missed = [text for text in marked if not is_enumerated(text)]
    return {
        "set": name,
        "molecules": len(set(smiles)),
        "with marks": len(marked),
        "exact isomer enumerated": len(marked) - len(missed),
        "CPU s": round(time.process_time() - start, 1),
        "missed": missed,
    }


def stereo_table(rows: Sequence[Figures]) -> Table:
    shown = [{name: value for name, value in row.items() if name != "missed"} for row in rows]
    return _table(f"Stereoisomers enumerated at the end, at most {MAX_ISOMERS} combinations a molecule", shown)


# -- conditional sampling ---------------------------------------------------------------------------------------------


def measure_conditional(chosen: Subject, *, whole: Path | None) -> Figures:
    """Shares in the best tenth of the training data, by how it was asked for."""
    judges = _judges(chosen, whole)
    training = set(chosen.training)
    rows = [row for row, text in enumerate(chosen.table.smiles) if text in training]
    known = chosen.table.rows(rows)
    figures: Figures = {"model": chosen.name, "asked": {}}
    figures["judges"] = {name: judge.metrics_of for name, judge in judges.items()}
    for name, is_high in (("electron_affinity", True), ("lambda_hole", False)):
        key = next(key for key in chosen.model.keys if key.name.endswith(name))
        values = known.column(key)
        figures["asked"][str(key)] = _asked_figures(chosen.model, key, values, is_high=is_high, judges=judges)
    return figures


@dataclass(frozen=True)
class Judge:
    """A surrogate with its errors on molecules that it was not trained on."""

    surrogate: SurrogateEnsemble
    metrics_of: Mapping[str, Any]

    def values(self, smiles: Sequence[str], key: PropertyKey) -> FloatArray:
        return self.surrogate.predict(smiles).mean[:, list(self.surrogate.keys).index(key)]


def _judges(chosen: Subject, whole: Path | None) -> dict[str, Judge]:
    if chosen.is_shipped:
        shipped = SurrogateEnsemble.load(SHIPPED_SURROGATE, device="cpu")
        return {"shipped surrogate, not independent": Judge(shipped, {})}
    judges = {"trained on the held-out molecules": _independent(chosen)}
    if whole is not None:
        judges["trained on the whole file, not independent"] = Judge(SurrogateEnsemble.load(whole, device="cpu"), {})
    return judges


def _independent(chosen: Subject) -> Judge:
    """An ensemble of molecules that the generator was not shown; checked on some that the generator was shown."""
    held_out = set(chosen.held_out)
    rng = np.random.default_rng(0)
    # one row a skeleton: tautomers may not lie on two sides of a split
    first = {skeleton_key(parse_smiles(text)): row for row, text in enumerate(chosen.table.smiles) if text in held_out}
    rows = rng.permutation(list(first.values()))
    table = chosen.table.rows(rows)
    n_test, n_validation = len(rows) // 20, len(rows) // 10
    order = np.arange(len(rows))
    split = order[n_test + n_validation :], order[n_test : n_test + n_validation], order[:n_test]
    config = MPNNConfig(n_members=MEMBERS, epochs=EPOCHS)
    surrogate = SurrogateEnsemble.train(table, split=split, config=config, seed=0)
    others = rng.permutation([row for row, text in enumerate(chosen.table.smiles) if text not in held_out])[:1_000]
    truth = chosen.table.rows(others)
    errors = np.abs(surrogate.predict(truth.smiles).mean - truth.values)
    names = [str(key) for key in table.keys]
    mae = dict(zip(names, np.nanmean(errors, axis=0).tolist(), strict=True))
    std = dict(zip(names, np.nanstd(truth.values, axis=0).tolist(), strict=True))
    return Judge(surrogate, {"n_learnt": len(split[0]), "mae": mae, "std": std})


def _asked_figures(
    model: JTVAE, key: PropertyKey, known: FloatArray, *, is_high: bool, judges: Mapping[str, Judge]
) -> Figures:
    values = known[~np.isnan(known)]
    limit, middle, far = (
        float(np.quantile(values, 1 - share if is_high else share))
        for share in (SHARE_ASKED, SHARE_ASKED / 2, SHARE_ASKED / 10)
    )
    window = {key: (limit, np.inf) if is_high else (-np.inf, limit)}
    ways: dict[str, Figures] = {
        "not asked": {},
        f"value {middle:.3f}, the middle of the tenth": {"conditions": {key: middle}},
        f"value {far:.3f}, the best hundredth": {"conditions": {key: far}},
        "window": {"windows": window},
        "window, temperature 0.7": {"windows": window, "temperature": 0.7},
        "window, likeliest choices": {"windows": window, "temperature": 0.0},
    }
    rows: Figures = {}
    for way, arguments in ways.items():
        smiles = model.generate(N_ASKED, seed=0, **arguments)
        rows[way] = {"distinct": len(set(smiles)) / len(smiles)}
        for name, judge in judges.items():
            predicted = judge.values(smiles, key)
            inside = predicted >= limit if is_high else predicted <= limit
            share = float(inside.mean())
            free = rows["not asked"].get(f"share, {name}", share)
            rows[way] |= {f"share, {name}": share, f"times, {name}": share / free if free else None}
    return {"limit": limit, "is_high": is_high, "ways": rows}


def conditional_tables(figures: Figures) -> list[Table]:
    tables = []
    for key, found in figures["asked"].items():
        side = "at least" if found["is_high"] else "at most"
        wanted = f"{key} of {side} {found['limit']:.3f}, the best tenth of training"
        title = f"{N_ASKED} samples asked for {wanted} ({figures['model']}); bar: 4 times"
        tables.append(_table(title, [{"asked": way} | row for way, row in found["ways"].items()]))
    return tables


# -- tables -----------------------------------------------------------------------------------------------------------


def _table(title: str, rows: Iterable[Mapping[str, Any]]) -> Table:
    table = Table(title=escape(title), title_justify="left")
    for number, row in enumerate(rows):
        if not number:
            for name in row:
                table.add_column(name, justify="right" if len(table.columns) else "left")
        table.add_row(*map(_cell, row.values()))
    return table


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:,.3f}" if isinstance(value, float) else escape(str(value))
