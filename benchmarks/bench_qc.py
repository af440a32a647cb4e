"""Accuracy and cost of the quantum chemistry: IE, EA and lambda_hole at ``gfn2``, calibrated ``gfn2`` and DFT.

    make bench-qc
    python benchmarks/bench_qc.py --ship   # writes the fitted maps into the package too

Adiabatic IE and EA against adiabatic experiment (``data/gas_phase.csv``), lambda_hole against published B3LYP, and CV
levels against HOPV15 and named acceptors (``$HELIOSC_REFERENCE_DATA`` or ``../shared/data``, left out when absent). xTB
values are computed here and now; DFT values and the xTB values of the CV set come from ``results/``, each file with the
command that made it. Then: how busy two workers are over 40 molecules. The cost against a plain script is
``make bench-four_point``.
"""

from __future__ import annotations

import csv
import json
import os
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import fmean, median
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

from rdkit import Chem, RDLogger
from rich.console import Console
from rich.table import Table

from heliosc.chemistry.identity import inchikey, parse_smiles
from heliosc.chemistry.scaffolds import cut_alkyl_chains, murcko_scaffold
from heliosc.qc.calibration import Calibration, Sample, fit_calibration, write_calibration
from heliosc.qc.calibration.features import SOLUTION, adiabatic_features, group_counts, input_menu
from heliosc.qc.calibration.files import SHIPPED

HERE = Path(__file__).parent
DATA = Path(os.environ.get("HELIOSC_REFERENCE_DATA", HERE.parents[1] / "shared" / "data"))
RESULTS = HERE / "results" / "qc.json"
TARGETS = {"ionization_energy": 0.20, "electron_affinity": 0.16}  # eV, leave-one-out
CV_TARGET = 0.15  # eV, scaffold-out, for each class
CV_SETS = {
    "cv": (("molecule", "acceptor"), "CV levels of HOPV15's molecular donors and of named non-fullerene acceptors"),
    "cvpolymer": (("polymer",), "CV levels of HOPV15's polymers, from their repeat units"),
}
LAMBDA_TARGET = 0.005  # eV
N_MOLECULES, N_WORKERS = 40, 2

Row = dict[str, Any]
console = Console(width=170)


def gas_phase_rows() -> list[Row]:
    """The reference table, every molecule with its xTB features."""
    with (HERE / "data" / "gas_phase.csv").open() as stream:
        rows: list[Row] = list(csv.DictReader(stream))
    for row in rows:
        row["molecule"] = parse_smiles(row["smiles"])
        row["features"] = adiabatic_features(row["molecule"])
    return rows


def gas_calibration(rows: list[Row], quantity: str) -> Calibration:
    """The map to adiabatic gas-phase experiment."""
    column = {"ionization_energy": "adiabatic_ie_eV", "electron_affinity": "adiabatic_ea_eV"}[quantity]
    samples = [
        Sample(row["features"], float(row[column]), murcko_scaffold(row["molecule"]) or row["name"])
        for row in rows
        if row[column]
    ]
    return fit_calibration(
        samples,
        property_name=f"adiabatic_{quantity}",
        name="gas",
        version=1,
        menu=input_menu(f"adiabatic_{quantity}"),
        reference="adiabatic gas-phase experiment, benchmarks/data/gas_phase.csv",
    )


def cv_rows() -> list[Row]:
    """Molecules with measured CV levels, one row each; several measurements of one molecule give their median."""
    if not (DATA / "hopv15.csv").exists():
        return []
    with (DATA / "hopv15.csv").open() as stream:
        read = [
            (row["smiles"], row["HOMO"], row["LUMO"], "polymer" if row["construction"] == "polymer" else "molecule")
            for row in csv.DictReader(stream)
            if "nan" not in (row["HOMO"], row["LUMO"])
        ]
    with (DATA / "nfa_named.tsv").open() as stream:
        read += [
            (row["SMILES"], row["HOMO (eV)"], row["LUMO (eV)"].split("/")[0], "acceptor")
            for row in csv.DictReader(stream, delimiter="\t")
            if row["SMILES"].strip() and row["HOMO (eV)"].strip()
        ]
    stored = json.loads((HERE / "results" / "cv_features.json").read_text())["values"]
    grouped: dict[str, list[tuple[Chem.Mol, float, float, str]]] = {}
    for smiles, homo, lumo, kind in read:
        molecule = parse_smiles(smiles)
        if inchikey(molecule) in stored:
            grouped.setdefault(inchikey(molecule), []).append((molecule, float(homo), float(lumo), kind))
    rows = []
    for key, entries in grouped.items():
        core = cut_alkyl_chains(entries[0][0])
        features = {**stored[key], **group_counts(core)}
        rows.append(
            {
                "features": features,
                "ionization_energy": -median(entry[1] for entry in entries),
                "electron_affinity": -median(entry[2] for entry in entries),
                "kind": entries[0][3],
                "scaffold": murcko_scaffold(core) or key,
            }
        )
    return rows


def cv_calibration(rows: list[Row], quantity: str, *, name: str) -> Calibration:
    """The map from the gas phase to cyclic voltammetry, of molecules or from repeat units to their polymers."""
    kinds, reference = CV_SETS[name]
    return fit_calibration(
        [Sample(row["features"], row[quantity], row["scaffold"], row["kind"]) for row in rows if row["kind"] in kinds],
        property_name=f"vertical_{quantity}",
        name=name,
        version=1,
        menu=input_menu(f"vertical_{quantity}"),
        reference=reference,
    )


def provisional_error(rows: list[Row], quantity: str) -> dict[str, float]:
    """MAE of the two-point map (pentacene and C60), and of the best single shift, eV, for molecules."""
    level, shift = ("ipea1//gfn2", -1.6) if quantity == "ionization_energy" else ("gfn2", 1.3)
    molecules = [row for row in rows if row["kind"] in CV_SETS["cv"][0]]
    differences = [row[quantity] - row["features"][f"vertical_{quantity}@{level}"] for row in molecules]
    best = median(differences)
    return {
        "two_point_map": fmean(abs(difference - shift) for difference in differences),
        "best_shift": fmean(abs(difference - best) for difference in differences),
        "best_shift_value": best,
        "best_shift_rmse": fmean((difference - best) ** 2 for difference in differences) ** 0.5,
    }


def accuracy_row(calibration: Calibration, target: float) -> Row:
    figures = calibration.figures
    return {
        "level": str(calibration.key),
        "molecules": figures.n_molecules,
        "MAE raw": figures.mae_raw,
        "MAE leave-one-out": figures.mae_one_out,
        "MAE scaffold-out": figures.mae_scaffold_out,
        "target": target,
        "inputs": ", ".join(short(name) for name in calibration.inputs),
    }


def short(name: str) -> str:
    property_name, _, level = name.partition("@")
    words = {"adiabatic_ionization_energy": "IE", "adiabatic_electron_affinity": "EA"}
    words |= {"vertical_ionization_energy": "IEv", "vertical_electron_affinity": "EAv"}
    level = {SOLUTION: "alpb", "ipea1//gfn2": "ipea"}.get(level, level)
    return f"{words.get(property_name, property_name)}@{level}" if level else name


def dft_rows(rows: list[Row]) -> list[Row]:
    """IE and EA of the small molecules at ``dft-fast`` beside both xTB levels, errors against experiment."""
    path = HERE / "results" / "dft_references.json"
    stored = json.loads(path.read_text()) if path.exists() else {"level": "dft", "molecules": {}}
    found = []
    for quantity, column in (("ionization_energy", "adiabatic_ie_eV"), ("electron_affinity", "adiabatic_ea_eV")):
        name = f"adiabatic_{quantity}"
        calibration = gas_calibration(rows, quantity)
        there = [row for row in rows if row[column] and row["name"] in stored["molecules"]]
        if not there:
            continue

        def error(value: Callable[[Row], float], there: list[Row] = there, column: str = column) -> float:
            return fmean(abs(value(row) - float(row[column])) for row in there)

        computed = {row["name"]: stored["molecules"][row["name"]][column] for row in there}
        shift = median(float(row[column]) - computed[row["name"]] for row in there)
        found.append(
            {
                "quantity": name,
                "molecules": len(there),
                "gfn2": error(lambda row, name=name: row["features"][f"{name}@gfn2"]),
                "ipea1//gfn2": error(lambda row, name=name: row["features"][f"{name}@ipea1//gfn2"]),
                calibration.key.level + " (fitted on them)": error(
                    lambda row, calibration=calibration: calibration.apply(row["features"]).value
                ),
                stored["level"]: error(lambda row, computed=computed: computed[row["name"]]),
                "the same, shifted": error(lambda row, c=computed, s=shift: c[row["name"]] + s),
                "shift": shift,
            }
        )
    return found


def lambda_rows(rows: list[Row]) -> list[Row]:
    """lambda_hole of the fully optimised molecules, eV."""
    stored = json.loads((HERE / "results" / "lambda_references.json").read_text())["molecules"]
    published = {row["name"]: float(row["lambda_hole_eV"]) for row in rows if row["lambda_hole_eV"]}
    found = []
    for name, values in stored.items():
        reference = published.get(name)
        found.append(
            {
                "molecule": name,
                "published B3LYP/6-31G(d,p)": reference,
                "B3LYP/6-31G(d,p)": values["lambda_hole_eV"],
                "error": None if reference is None else values["lambda_hole_eV"] - reference,
                "B3LYP//GFN2": values["lambda_hole_at_gfn2_eV"],
                "error of //GFN2": values["lambda_hole_at_gfn2_eV"] - values["lambda_hole_eV"],
                "gfn2": values["lambda_hole_gfn2_eV"],
                "error of gfn2": values["lambda_hole_gfn2_eV"] - values["lambda_hole_eV"],
                "CPU s": values["cpu_s"],
            }
        )
    return found


def worker_row() -> Row:
    """Share of the time in which two workers compute, over 40 molecules, largest first.

    In any order the workers wait 0.05 s between two molecules; a large molecule at the end leaves one of them without
    work, so the order decides the rest.
    """
    from heliosc.config import ExecutionSettings
    from heliosc.datasets.library.load import library_smiles
    from heliosc.execution import QCResultStore, TaskRequest, run_tasks, transport_factory

    smiles = library_smiles()[:: max(1, len(library_smiles()) // N_MOLECULES)][:N_MOLECULES]
    with tempfile.TemporaryDirectory() as folder:
        store = QCResultStore(Path(folder) / "store.sqlite")
        smiles.sort(key=lambda text: Chem.AddHs(Chem.MolFromSmiles(text)).GetNumAtoms(), reverse=True)
        requests = [TaskRequest("heliosc.qc.tasks:four_point", {"smiles": text}) for text in smiles]
        keys = store.submit_many(requests).keys
        run_tasks(store, keys, transport=transport_factory(ExecutionSettings(), n_workers=N_WORKERS))
        attempts = [attempt for key in keys for attempt in store.attempts(key)]
    began = min(attempt.started_at for attempt in attempts)
    ended = max(attempt.finished_at or 0.0 for attempt in attempts)
    busy = sum(attempt.wall_s or 0.0 for attempt in attempts)
    return {
        "molecules": len(keys),
        "workers": N_WORKERS,
        "wall s": ended - began,
        "busy s": busy,
        "busy share": busy / (N_WORKERS * (ended - began)),
        "load of the machine": os.getloadavg()[0],
        "failed": sum(attempt.outcome != "done" for attempt in attempts),
    }


def show(title: str, rows: Sequence[Mapping[str, Any]]) -> None:
    table = Table(title=title, title_justify="left")
    for heading in rows[0] if rows else ():
        table.add_column(heading)
    for row in rows:
        table.add_row(*("-" if v is None else f"{v:.3f}" if isinstance(v, float) else str(v) for v in row.values()))
    console.print(table)


def main(arguments: list[str]) -> None:
    RDLogger.DisableLog("rdApp.*")
    rows = gas_phase_rows()
    gas = {quantity: gas_calibration(rows, quantity) for quantity in TARGETS}
    report: Row = {"gas phase": [accuracy_row(gas[quantity], target) for quantity, target in TARGETS.items()]}
    show("Against gas-phase experiment, adiabatic, eV", report["gas phase"])
    report["dft"] = dft_rows(rows)
    for row in report["dft"]:
        show("Mean absolute errors on the molecules that DFT was run for, eV", [row])
    report["lambda_hole"] = lambda_rows(rows)
    show(f"lambda_hole, eV; target +-{LAMBDA_TARGET} of the published value", report["lambda_hole"])
    measured = cv_rows()
    if not measured:
        console.print(f"no measured CV levels in {DATA}: that table is left out")
    cv = [cv_calibration(measured, quantity, name=name) for quantity in TARGETS for name in CV_SETS] if measured else []
    for calibration in cv:
        by_class = {"all": calibration.figures, **calibration.by_class}
        classes = [{"class": kind, **asdict(figures)} for kind, figures in by_class.items()]
        report[str(calibration.key)] = {**accuracy_row(calibration, CV_TARGET), "classes": classes}
        inputs = ", ".join(short(name) for name in calibration.inputs)
        show(f"{calibration.key}, target {CV_TARGET} eV scaffold-out; {inputs}", classes)
    if measured:
        report["shifts to CV"] = [{"quantity": name, **provisional_error(measured, name)} for name in TARGETS]
        show("Gas phase to CV by one shift for all molecules, MAE in eV", report["shifts to CV"])
    if "--ship" in arguments:
        for calibration in (*gas.values(), *cv):
            write_calibration(calibration, SHIPPED / f"{calibration.property_name}.{calibration.name}.json")
    report["workers"] = worker_row()
    show("Two workers", [report["workers"]])
    RESULTS.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
