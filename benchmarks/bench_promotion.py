"""Promotion criteria on known materials: a confusion matrix for each role, the pair gate, the alerts' false positives.

    make bench-promotion
    python benchmarks/bench_promotion.py --quick   # keeps the alerts' figures of the last run (a minute of CPU)

Good and poor are known from the literature (``data/known_materials.csv``, each row with its source) and from measured
devices (HOPV15, OPEP, named acceptors in ``$HELIOSC_REFERENCE_DATA`` or ``../shared/data``; their parts are left out
when it is absent). Only the electronic criteria of a role are applied. Levels:

measured    CV levels of HOPV15, of the named acceptors and of the bundled partners; error 0.1 eV
mapped      OPEP's DFT levels (HOMO, HOMO + S1) shifted to CV by the acceptors that both sets know; error = their spread
computed    xTB of the embedded library: gas phase, and CV by the shipped maps (``promotion_features.py``)

The shipped maps were fitted to HOPV15's molecules and the named acceptors; among the computed materials the cores of
few (Y6, DPP(TBFu)2) are of molecules that a map has seen. A good material is right when it is promoted, a poor one
when it is not; each counts once a role. The windows of donor and acceptor were set with the measured materials in view,
OPEP's (mapped) had no say in them; those of the first design, narrower for acceptors and p-doping, stand beside them.
"""

from __future__ import annotations

import csv
import json
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import fmean, pstdev
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

from rdkit import Chem, RDLogger
from rich.console import Console
from rich.table import Table

from heliosc.chemistry.alerts import find_alerts
from heliosc.chemistry.identity import parse_smiles
from heliosc.datasets.library.load import load_library
from heliosc.handoff.partners import load_partners
from heliosc.handoff.promotion.assessment import decision_of
from heliosc.handoff.promotion.calibrated import cv_evidence
from heliosc.handoff.promotion.criteria import (
    Criteria,
    MissingCriterion,
    PairCriterion,
    WindowCriterion,
    load_criteria,
)
from heliosc.handoff.promotion.evidence import Evidence, evidence_of, molecule_kinds
from heliosc.handoff.promotion.ledger import Decision, GateEntry
from heliosc.handoff.promotion.pairs import pair_entry
from heliosc.handoff.promotion.windows import window_entry
from heliosc.properties import PropertyKey

HERE = Path(__file__).parent
DATA = Path(os.environ.get("HELIOSC_REFERENCE_DATA", HERE.parents[1] / "shared" / "data"))
RESULTS = HERE / "results" / "promotion.json"
GOOD_DONOR_PCE, GOOD_ACCEPTOR_PCE = 5.0, 10.0
POOR_DONOR_PCE = 1.0
IE, EA, GAP = "vertical_ionization_energy", "vertical_electron_affinity", "optical_gap"
TARGET = 0.8
FIRST_DESIGN = """
roles:
  acceptor:
    description: acceptor as first designed
    criteria:
      - {name: EA, property: vertical_electron_affinity, limits: [{scale: CV, lower: 3.8, upper: 4.3}], source: design}
      - {name: IE, property: vertical_ionization_energy, limits: [{scale: CV, lower: 5.5, upper: 6.0}], source: design}
      - {name: gap, property: optical_gap, limits: [{lower: 1.3, upper: 1.6}], required: false, source: design}
  p_dopable:
    description: p-dopable as first designed
    criteria:
      - name: IE
        property: vertical_ionization_energy
        limits: [{scale: film, upper: 5.2}, {scale: CV, upper: 5.2}, {scale: gas phase, upper: 6.8}]
        source: design
"""

console = Console(width=170)


@dataclass(frozen=True)
class Known:
    """A known material with what is known of it."""

    name: str
    basis: str
    evidence: tuple[Evidence, ...]
    kinds: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Matrix:
    """Decisions on known good and known poor materials."""

    role: str
    good: dict[str, int]
    poor: dict[str, int]
    good_bases: dict[str, int]
    poor_bases: dict[str, int]
    good_right: dict[str, int]
    wrong_good: list[str]
    wrong_poor: list[str]

    @property
    def sensitivity(self) -> float:
        return self.good.get("promoted", 0) / max(sum(self.good.values()), 1)

    @property
    def specificity(self) -> float:
        n = sum(self.poor.values())
        return (n - self.poor.get("promoted", 0)) / max(n, 1)


def library_materials(role: str) -> dict[str, Known]:
    """Named molecules of the library with computed levels, gas phase and CV, as a candidate of the role has them."""
    library = load_library()
    features = json.loads((HERE / "results" / "promotion_features.json").read_text())["values"]
    table = library.property_table(library.keys)
    found = {}
    for molecule, row in zip(library.labelled_molecules(), table.values, strict=True):
        if not molecule.name:
            continue
        graph = parse_smiles(molecule.smiles)
        values = {str(key): float(x) for key, x in zip(table.keys, row, strict=True) if x == x}
        evidence = evidence_of(values)
        if molecule.inchikey in features:
            evidence += cv_evidence(features[molecule.inchikey], graph, role=role)
        found[molecule.name] = Known(molecule.name, "computed", tuple(evidence), molecule_kinds(graph))
    return found


def listed(group: str, materials: Mapping[str, Known]) -> list[Known]:
    """Materials of a group of ``known_materials.csv``."""
    with (HERE / "data" / "known_materials.csv").open() as stream:
        names = [row["name"] for row in csv.DictReader(stream) if row["group"] == group]
    return [materials[name] for name in names if name in materials]


def measured(name: str, values: Mapping[str, float], *, std: float | None = None, basis: str = "measured") -> Known:
    """CV levels (and a gap) of a material."""
    levels = {IE: "experiment-cv", EA: "experiment-cv", GAP: "experiment-film"}
    items = (
        Evidence(PropertyKey(key, levels[key]), value, std if key != GAP else None) for key, value in values.items()
    )
    return Known(name, basis, tuple(items))


def hopv_donors() -> list[tuple[Known, float]]:
    """(donor, PCE) of HOPV15's bulk heterojunctions against fullerenes, the best device of each."""
    best: dict[str, tuple[Known, float]] = {}
    for row in _rows("hopv15.csv"):
        levels = {key: -float(row[name]) for key, name in ((IE, "HOMO"), (EA, "LUMO")) if _is_number(row[name])}
        if row["architecture"] != "bulk" or not row["complement"].startswith("PC") or len(levels) < 2:
            continue
        if _is_number(row["optical_gap"]):
            levels[GAP] = float(row["optical_gap"])
        pce, smiles = float(row["PCE"]), row["smiles"]
        if smiles not in best or pce > best[smiles][1]:
            best[smiles] = (measured(f"HOPV15 donor of {row['doi']}", levels), pce)
    return list(best.values())


def named_acceptors() -> list[Known]:
    """Acceptors with published CV levels: the named set, and those of the bundled table that it lacks."""
    found = {}
    for row in _rows("nfa_named.tsv", delimiter="\t"):
        lumo = row["LUMO (eV)"].split("/")[0]
        if row["SMILES"].strip() and _is_number(row["HOMO (eV)"]) and _is_number(lumo):
            name = row["Friendly name"].strip()
            found[_plain(name)] = measured(name, {IE: -float(row["HOMO (eV)"]), EA: -float(lumo)})
    for partner in load_partners().values():
        if partner.role == "acceptor" and _plain(partner.name) not in found:
            values = {IE: partner.ionization_energy, EA: partner.electron_affinity, GAP: partner.optical_gap}
            found[_plain(partner.name)] = measured(partner.name, values)
    return list(found.values())


def opep_acceptors(known: Sequence[Known]) -> tuple[list[tuple[Known, float]], dict[str, Any]]:
    """(acceptor, PCE) of OPEP, DFT levels shifted to CV by the shared acceptors, and the shifts."""
    measured_levels = {_plain(item.name): {e.key.name: e.value for e in item.evidence} for item in known}
    best: dict[str, float] = {}
    for row in _rows("opep/Experimental_PCE_updated.csv"):
        best[row["Acceptor"].strip()] = max(best.get(row["Acceptor"].strip(), 0.0), float(row["PCE (%)"]))
    raw = {
        row["Acceptor"].strip(): {IE: -float(row["Acc HOMO (eV)"]), EA: -float(row["Acc calc LUMO (eV)"])}
        for row in _rows("opep/DFT_acceptor_data.csv")
    }
    shared = [(raw[name], measured_levels[_plain(name)]) for name in raw if _plain(name) in measured_levels]
    shifts = {key: [truth[key] - levels[key] for levels, truth in shared] for key in (IE, EA)}
    mean = {key: fmean(values) for key, values in shifts.items()}
    std = {key: pstdev(values) for key, values in shifts.items()}
    rows = []
    for name, levels in raw.items():
        if name in best and _plain(name) not in measured_levels:
            items = tuple(
                Evidence(PropertyKey(key, "experiment-cv"), levels[key] + mean[key], std[key]) for key in (IE, EA)
            )
            rows.append((Known(name, "mapped", items), best[name]))
    summary = {"shared": len(shared), **{key: {"shift": mean[key], "std": std[key]} for key in (IE, EA)}}
    return rows, summary


def decide(item: Known, role: str, criteria: Criteria) -> tuple[Decision, list[GateEntry]]:
    """The electronic criteria of a role applied to a material."""
    entries = [
        window_entry(criterion, item.evidence, criteria=criteria, kinds=item.kinds)
        if isinstance(criterion, WindowCriterion)
        else pair_entry(criterion, item.evidence, criteria=criteria, kinds=item.kinds)
        for criterion in criteria.role(role).criteria
        if not isinstance(criterion, MissingCriterion)
    ]
    return decision_of(entries), entries


def matrix(role: str, good: Iterable[Known], poor: Iterable[Known], criteria: Criteria) -> Matrix:
    """Decisions on both sides."""
    sides = {"good": list(good), "poor": list(poor)}
    decisions = {side: [(item, *decide(item, role, criteria)) for item in items] for side, items in sides.items()}
    wrong = {
        "good": [f"{i.name}: {d.value}; {_why(e)}" for i, d, e in decisions["good"] if d is not Decision.PROMOTED],
        "poor": [i.name for i, d, _ in decisions["poor"] if d is Decision.PROMOTED],
    }
    counts = {side: dict(Counter(decision.value for _, decision, _ in rows)) for side, rows in decisions.items()}
    bases = {side: dict(Counter(item.basis for item in items)) for side, items in sides.items()}
    right = Counter(item.basis for item, decision, _ in decisions["good"] if decision is Decision.PROMOTED)
    return Matrix(
        role, counts["good"], counts["poor"], bases["good"], bases["poor"], dict(right), wrong["good"], wrong["poor"]
    )


def matrices(criteria: Criteria) -> tuple[list[Matrix], dict[str, Any]]:
    """One matrix a role, and what was fitted on the way."""
    computed = {role: library_materials(role) for role in criteria.roles}
    hopv, named = hopv_donors(), named_acceptors()
    opep, shifts = opep_acceptors(named) if (DATA / "opep").is_dir() else ([], {})
    found = []
    for role, materials in computed.items():
        hole, electron, wide, strong = (
            listed(group, materials) for group in ("hole", "electron", "wide gap", "strong acceptor")
        )
        sides: dict[str, tuple[list[Known], list[Known]]] = {
            "donor": ([i for i, pce in hopv if pce >= GOOD_DONOR_PCE], [*wide, *electron, *strong]),
            "acceptor": (
                [*named, *(i for i, pce in opep if pce >= GOOD_ACCEPTOR_PCE)],
                [i for i, _ in hopv] + [*hole, *wide],
            ),
            "hole_transport": (hole, [*wide, *strong, *electron]),
            "electron_transport": ([*electron, *named], [*hole, *wide]),
            "p_dopable": (hole, [*wide, *strong, *electron]),
            "n_dopable": ([*electron, *named], [*hole, *wide]),
        }
        if role in sides:
            found.append(matrix(role, *sides[role], criteria))
    failed = [item for item, pce in hopv if pce < POOR_DONOR_PCE]
    extra = matrix("donor", [], failed, criteria)
    return found, {"opep_shifts": shifts, "hopv_below_1_percent": {**extra.poor}}


def first_design() -> Criteria:
    """The criteria with the windows of the first design where they differ from what ships."""
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as stream:
        stream.write(FIRST_DESIGN)
        stream.flush()
        return load_criteria(Path(stream.name))


def pair_gate(criteria: Criteria) -> dict[str, Any]:
    """PM6 and Y6 through the pair gates of both roles, by their published CV levels."""
    partners = load_partners()
    found = {}
    for name, other, role in (("PM6", "Y6", "donor"), ("Y6", "PM6", "acceptor")):
        partner = partners[name]
        item = measured(name, {IE: partner.ionization_energy, EA: partner.electron_affinity}, std=0.03)
        gate = replace(next(c for c in criteria.role(role).criteria if isinstance(c, PairCriterion)), partner=other)
        entry = pair_entry(gate, item.evidence, criteria=criteria, kinds=frozenset())
        found[f"{name} as {role}"] = {"offset": entry.value, "P": entry.probability, "verdict": entry.verdict.value}
    return found


def must_dope(criteria: Criteria) -> dict[str, Any]:
    """PCBM and NDI as n-dopable, computed."""
    materials = library_materials("n_dopable")
    found = {}
    for name in ("PC61BM", "NDI-H", "NDI-Me", "fullerene C60"):
        decision, entries = decide(materials[name], "n_dopable", criteria)
        first = entries[0]
        found[name] = {
            "decision": decision.value, "EA": first.value, "std": first.std, "scale": first.scale,
            "level": first.level, "P": first.probability, "grade": first.grade,
        }  # fmt: skip
    return found


def alert_rates() -> dict[str, Any]:
    """Share of real semiconductors that a rejecting alert hits."""
    RDLogger.DisableLog("rdApp.*")
    sets = {
        "embedded library": [molecule.smiles for molecule in load_library().molecules],
        "HOPV15": [row["smiles"] for row in _rows("hopv15.csv")],
        "named acceptors": [row["SMILES"] for row in _rows("nfa_named.tsv", delimiter="\t") if row["SMILES"].strip()],
        "acceptors of Lopez 2017": [next(iter(row.values())) for row in _rows("nfa_smiles.csv")],
        "OCELOT": [row["smiles"] for row in _rows("ocelot_chromophore_v1_development.csv")],
    }
    found = {}
    for name, smiles in sets.items():
        hits: Counter[str] = Counter()
        n = n_rejected = 0
        for text in smiles:
            molecule = Chem.MolFromSmiles(text)
            if molecule is None:
                continue
            n += 1
            names = {hit.name for hit in find_alerts(molecule) if hit.verdict == "reject"}
            hits.update(names)
            n_rejected += bool(names)
        if n:
            found[name] = {"molecules": n, "rejected": n_rejected, "by_alert": dict(hits.most_common())}
    return found


def _why(entries: Sequence[GateEntry]) -> str:
    bad = [e for e in entries if e.decides and e.verdict.value != "pass"]
    return ", ".join(f"{e.criterion} {e.verdict.value}" for e in bad)


def _rows(name: str, *, delimiter: str = ",") -> list[dict[str, str]]:
    path = DATA / name
    if not path.exists():
        return []
    with path.open(encoding="utf-8-sig") as stream:
        return list(csv.DictReader(stream, delimiter=delimiter))


def _is_number(text: str | None) -> bool:
    try:
        return text is not None and float(text) == float(text)
    except ValueError:
        return False


def _plain(name: str) -> str:
    return "".join(c for c in name.lower() if c.isalnum())


def main() -> None:
    criteria = load_criteria()
    found, fitted = matrices(criteria)
    table = Table(title="Confusion matrices, electronic criteria", title_justify="left")
    for column in ("role", "good: promoted/held/rejected", "right", "poor: promoted/held/rejected", "right", "levels"):
        table.add_column(column)
    for item in found:
        counts = [
            "/".join(str(side.get(d, 0)) for d in ("promoted", "held", "rejected")) for side in (item.good, item.poor)
        ]
        table.add_row(
            item.role, counts[0], f"{item.sensitivity:.0%}", counts[1], f"{item.specificity:.0%}",
            f"good {item.good_bases}, poor {item.poor_bases}",
        )  # fmt: skip
    console.print(table)
    designed, _ = matrices(first_design())
    fitted["first_design"] = {
        m.role: f"good {m.sensitivity:.0%}, poor {m.specificity:.0%}"
        for m in designed
        if m.role in ("acceptor", "p_dopable")
    }
    fitted["good_right_by_basis"] = {m.role: m.good_right for m in found}
    pairs, doped = pair_gate(criteria), must_dope(criteria)
    alerts = json.loads(RESULTS.read_text())["alerts"] if "--quick" in sys.argv else alert_rates()
    for title, content in (
        ("Pair gate", pairs),
        ("n-dopable", doped),
        ("Rejected by alerts", alerts),
        ("Fitted", fitted),
    ):
        console.print(f"[bold]{title}[/]")
        for name, values in content.items():
            console.print(f"  {name}: {values}")
    document = {
        "command": "make bench-promotion",
        "criteria": criteria.digest(),
        "target": TARGET,
        "roles": [{**asdict(m), "right_good": m.sensitivity, "right_poor": m.specificity} for m in found],
        "pair_gate": pairs, "n_dopable": doped, "alerts": alerts, "fitted": fitted,
    }  # fmt: skip
    RESULTS.write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
