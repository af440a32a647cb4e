"""The report of a campaign of 1,000 candidates: how large it is, how long it takes to write and to open.

A run folder is written with the campaign's own records: 50 rounds of 20 molecules of the embedded library, their
computed values, and predictions scattered about them; every 25th failed. Chromium then opens ``report.html`` three
times from a cold start of the page, and the whole list is sorted and narrowed once. Prints a table and writes
``benchmarks/results/report.json``. The bounds are 15 MB and 3 s.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from rich.console import Console
from rich.table import Table

from heliosc.campaign.models import generator_folder, surrogate_folder
from heliosc.campaign.provenance import describe_environment
from heliosc.campaign.records import CandidateRecord, PredictedValue, RoundRecord
from heliosc.campaign.run_folder import RunFolder, RunState, Stage
from heliosc.chemistry.identity import inchikey, parse_smiles
from heliosc.chemistry.synthesizability import sa_score
from heliosc.config import load_config
from heliosc.datasets.library.load import load_library
from heliosc.properties import DEFAULT_TARGETS, PropertyTable
from heliosc.report import write_report
from heliosc.selection.roles import load_roles, meets_window

N_ROUNDS, BATCH = 50, 20
ROLES = ("p_dopable", "n_dopable")
RESULTS = Path(__file__).parent / "results" / "report.json"
BOUNDS = {"size_MB": 15.0, "open_s": 3.0}


def write_campaign(folder: Path) -> None:
    """A run folder as a long campaign leaves it."""
    config = load_config(None, [f"campaign.rounds={N_ROUNDS}", f"campaign.batch_size={BATCH}"])
    run = RunFolder(folder)
    run.create(config)
    models = {"surrogate": surrogate_folder(None), "generator": generator_folder(None)}
    (folder / "environment.json").write_text(json.dumps(describe_environment(seed=0, model_folders=models)))
    table = load_library().property_table(DEFAULT_TARGETS)
    rng = np.random.default_rng(0)
    rows = rng.permutation(np.flatnonzero(np.isfinite(table.values).all(axis=1)))
    stds = 0.25 * np.nanstd(table.values, axis=0)
    history: list[RoundRecord] = []
    for index in range(N_ROUNDS):
        batch = rows[index * BATCH : (index + 1) * BATCH]
        records = [
            candidate(folder.name, table, int(row), place=(index, place), stds=stds, rng=rng)
            for place, row in enumerate(batch)
        ]
        run.write_candidates(index, records)
        history.append(round_record(index, records))
    run.write_history(history)
    run.write_state(RunState(N_ROUNDS, Stage.FINISHED))


def candidate(
    run_id: str, table: PropertyTable, row: int, *, place: tuple[int, int], stds: np.ndarray, rng: np.random.Generator
) -> CandidateRecord:
    """A library molecule as a candidate: its own values, and predictions beside them."""
    role, smiles = ROLES[place[1] % 2], table.smiles[row]
    molecule = parse_smiles(smiles)
    values = dict(zip(table.keys, table.values[row].tolist(), strict=True))
    is_failed = place[1] == BATCH - 1
    means = table.values[row] + rng.normal(0, stds)
    predicted = {
        str(key): PredictedValue(float(mean), float(0.4 * std), float(0.9 * std))
        for key, mean, std in zip(table.keys, means, stds, strict=True)
    }
    score = sa_score(molecule)
    return CandidateRecord(
        id=f"{run_id}-r{place[0]}-{place[1]:02d}", smiles=smiles, inchikey=inchikey(molecule), role=role,
        round=place[0], source="jtvae", score=float(rng.random()), reason="benchmark", predicted=predicted,
        sa_score=score, sa_score_core=score, computed={} if is_failed else {str(k): v for k, v in values.items()},
        failure={"error_class": "timeout", "reason": "ran past 600 s"} if is_failed else None,
        meets_window=None if is_failed else meets_window(load_roles()[role], values),
    )  # fmt: skip


def round_record(index: int, records: list[CandidateRecord]) -> RoundRecord:
    """Counts of a round; the curves are only there to be drawn."""
    n_computed = sum(bool(record.computed) for record in records)
    return RoundRecord(
        round=index,
        funnel={"sampled": 1200, "valid": 1200, "unique": 930, "novel": 870, "constraints": 410, "selected": BATCH,
                "computed": n_computed, "failed": BATCH - n_computed},
        rejected={"elements": 155, "SA score of the core above 6": 291},
        timing_s={"generate": 21.0, "predict and select": 7.7, "compute": 58.0, "learn": 33.0},
        core_seconds=105.0,
        hypervolume={role: float(np.log1p(index + 1)) for role in ROLES},
        hypervolume_random={role: 0.6 * float(np.log1p(index + 1)) for role in ROLES},
        window_share={role: {"candidates": [1, n_computed], "library": [240, 3000]} for role in ROLES},
        surrogate_error={},
    )  # fmt: skip


def open_in_chromium(page_file: Path) -> dict[str, Any]:
    """Seconds until the page is drawn, until all of it is laid out, and until the list is sorted and narrowed."""
    from playwright.sync_api import sync_playwright

    opened, settled, messages, requests = [], [], [], []
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        version = browser.version
        for _ in range(3):
            page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
            page.on("console", lambda message: messages.append(message.text))
            page.on("request", lambda request: requests.append(request.url))
            began = time.perf_counter()
            page.goto(page_file.as_uri())
            page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
            opened.append(time.perf_counter() - began)
            page.wait_for_selector("html[data-settled]")
            settled.append(time.perf_counter() - began)
        began = time.perf_counter()
        page.evaluate(
            "() => { document.querySelector('#candidate-list button[data-numeric]').click();"
            " const words = document.getElementById('filter-words'); words.value = 'n_dopable';"
            " words.dispatchEvent(new Event('input')); return document.body.offsetHeight; }"
        )
        sorted_s = time.perf_counter() - began
        browser.close()
    outside = [url for url in requests if not url.startswith(("file:", "data:"))]
    return {"chromium": version, "open_s": statistics.median(opened), "open_each_s": opened,
            "all_laid_out_s": statistics.median(settled), "sort_and_filter_s": sorted_s,
            "load_average": os.getloadavg()[0], "console_messages": len(messages),
            "requests_outside": len(outside)}  # fmt: skip


def chromium() -> str:
    """Path of the browser."""
    for name in ("chromium", "google-chrome", "chromium-browser"):
        if (found := shutil.which(name)) is not None:
            return found
    raise SystemExit("no Chromium; install it with: apt-get install chromium")


def measure() -> dict[str, Any]:
    """All figures."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "thousand"
        write_campaign(folder)
        library = load_library()
        began = time.perf_counter()
        page = write_report(
            folder,
            models={"Surrogate": surrogate_folder(None), "Generator": generator_folder(None)},
            library=library.property_table(DEFAULT_TARGETS),
            references=library.reference_values(DEFAULT_TARGETS),
        )
        written = time.perf_counter() - began
        figures = {"n_candidates": N_ROUNDS * BATCH, "write_s": written, "size_MB": page.stat().st_size / 1e6}
        if (kept := os.environ.get("HELIOSC_KEEP_REPORT")) is not None:
            shutil.copy(page, kept)
        return figures | open_in_chromium(page)


def main() -> None:
    """Measure, print, write."""
    figures = measure()
    table = Table("figure", "value", "bound", title="Report of 1,000 candidates")
    for name, value in figures.items():
        text = f"{value:.2f}" if isinstance(value, float) else str(value)
        table.add_row(name, text, f"{BOUNDS[name]:g}" if name in BOUNDS else "")
    Console().print(table)
    RESULTS.write_text(json.dumps(figures | {"bounds": BOUNDS}, indent=1) + "\n")


if __name__ == "__main__":
    main()
