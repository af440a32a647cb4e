"""Two properties that nobody here knew become targets by configuration alone; their values are invented."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rdkit import Chem

from heliosc.campaign.judging import judge, judgeable_table
from heliosc.campaign.laboratory import comparisons_of_run, import_returned
from heliosc.campaign.records import CandidateRecord, PredictedValue, read_candidates
from heliosc.campaign.results import write_candidates_csv
from heliosc.campaign.run_folder import RunFolder
from heliosc.campaign.training import surrogate_data, train_surrogate
from heliosc.config import Config, load_config
from heliosc.datasets.library.load import library_smiles
from heliosc.environment import OWN_PROPERTIES
from heliosc.experiments.form import HEADER, form_rows
from heliosc.handoff.blocks.electronics import electronics
from heliosc.handoff.spreadsheets import csv_text
from heliosc.properties import PROPERTIES, PropertyKey, names, units
from heliosc.selection.batch import rank_pool
from heliosc.selection.roles import Role, load_roles

SOLUBILITY, CONDUCTIVITY = "solubility@experiment", "log_conductivity@experiment"
PROPERTIES_FILE = """
solubility: {unit: g/L, symbol: S, meaning: in chloroform at 25 C, lower: 0, upper: 2000, units: {mg/mL: 1.0}}
log_conductivity: {unit: log10(S/cm), symbol: log sigma, meaning: of a doped film, lower: -14, upper: 6}
"""
ROLES_FILE = f"""
printable_conductor:
  description: dissolves and conducts
  source: the group's own wishes
  windows: []
  objectives:
    - {{property: {SOLUBILITY}, unit: g/L, direction: maximise, reference: 0}}
    - {{property: {CONDUCTIVITY}, direction: maximise, reference: -10}}
"""


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Config]:
    """Three files and their names in the configuration: this is all that a user writes."""
    known, own = dict(PROPERTIES), set(names._own)
    factors = {ours: dict(accepted) for ours, accepted in units.FACTORS.items()}
    folder = tmp_path_factory.mktemp("own")
    (folder / "properties.yaml").write_text(PROPERTIES_FILE)
    (folder / "roles.yaml").write_text(ROLES_FILE)
    with (folder / "measured.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["smiles", SOLUBILITY, CONDUCTIVITY])
        writer.writerows(_invented())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(OWN_PROPERTIES, "")
        yield load_config(
            None,
            [
                f"properties={folder}/properties.yaml", f"selection.role_file={folder}/roles.yaml",
                "selection.roles=[printable_conductor]", f"surrogate.data={folder}/measured.csv",
                f"surrogate.out={folder}/model", "surrogate.n_members=1", "surrogate.epochs=8",
                "surrogate.baselines=[]",
                "surrogate.network={hidden: 32, head_hidden: 32, mean_epochs: 4, use_descriptors: false}",
            ],
        )  # fmt: skip
    for table, before in ((PROPERTIES, known), (units.FACTORS, factors)):
        table.clear()
        table.update(before)
    names._own.clear()
    names._own.update(own)


def _invented() -> list[list[object]]:
    """Larger molecules dissolve worse, more rings conduct better; every fifth solubility is missing."""
    rows = []
    for smiles in library_smiles():
        molecule = Chem.MolFromSmiles(smiles)
        n_atoms, n_rings = molecule.GetNumHeavyAtoms(), molecule.GetRingInfo().NumRings()
        if 12 <= n_atoms <= 24 and len(rows) < 180:
            solubility = "" if len(rows) % 5 == 0 else round(300 - 10 * n_atoms, 1)
            rows.append([smiles, solubility, round(-8 + 0.5 * n_rings, 2)])
    return rows


@pytest.fixture(scope="module")
def role(config: Config) -> Role:
    return load_roles(config.selection.role_file)["printable_conductor"]


def test_a_network_gets_a_head_for_each_and_a_role_ranks_by_them(config: Config, role: Role) -> None:
    data = surrogate_data(config.surrogate.data)
    assert set(map(str, data.table.keys)) == {SOLUBILITY, CONDUCTIVITY}
    assert np.isnan(data.table.column(PropertyKey.parse(SOLUBILITY))).sum() == 36
    model = train_surrogate(data.table, config).ensemble
    assert set(map(str, model.keys)) == {SOLUBILITY, CONDUCTIVITY}
    predictions = model.predict(data.smiles[:20])
    assert np.isfinite(predictions.mean).all()
    assert (predictions.std > 0).all()
    ranking = rank_pool(predictions, role=role, n=4, seed=0)
    assert ranking is not None


def _predicted(record: CandidateRecord, *, solubility: float, conductivity: float) -> CandidateRecord:
    values = {SOLUBILITY: PredictedValue(solubility, 3.0, 4.0), CONDUCTIVITY: PredictedValue(conductivity, 0.1, 0.1)}
    return replace(record, predicted={**record.predicted, **values}, role="printable_conductor", meets_window=True)


def test_they_rank_candidates_and_stand_in_reports_and_return_forms(
    config: Config, role: Role, make_run_folder, make_result
) -> None:
    run = RunFolder(make_run_folder(n_rounds=1, batch=3))
    first, second, third = read_candidates(run.path)
    better = _predicted(second, solubility=90.0, conductivity=-4.0)
    worse = _predicted(first, solubility=20.0, conductivity=-7.0)
    run.write_candidates(0, [worse, better, third])
    judged = judge(role, judgeable_table([worse, better], role.keys), sa_scores=np.array([2.0, 2.0]))
    assert judged.best_first().tolist() == [1, 0]
    write_candidates_csv(run, [role])
    rows = list(csv.DictReader((run.path / "candidates.csv").read_text().splitlines()))
    assert [row["id"] for row in rows] == [better.id, worse.id]
    assert rows[0][f"predicted {SOLUBILITY} mean"] == "90.0"
    assert f"computed {SOLUBILITY}" not in rows[0]
    table = electronics(better, make_result(better))
    (shown,) = [row for row in table.rows if str(row[0]).startswith("S  solubility")]
    assert [str(cell) for cell in shown[1:]] == ["90.00", "5.00", "—", "g/L", "experiment"]


def test_what_the_laboratory_measures_stands_beside_the_prediction(config: Config, make_run_folder) -> None:
    run = RunFolder(make_run_folder(n_rounds=1, batch=1))
    candidate = _predicted(read_candidates(run.path)[0], solubility=90.0, conductivity=-4.0)
    run.write_candidates(0, [candidate])
    given = {"made": "yes", "solubility": "60 mg/mL", "log_conductivity": "-5.2"}
    rows = [
        (name, given.get(name, value), unit, guidance)
        for name, value, unit, guidance in form_rows(candidate.id, candidate.smiles, candidate.inchikey)
    ]
    form = run.path.parent / "form.csv"
    form.write_text(csv_text(HEADER, rows))
    import_returned(run.path.parent, [form], who="tester")
    found = {str(row.measured.key): row for row in comparisons_of_run(run.path)}
    assert (found[SOLUBILITY].measured.value, found[SOLUBILITY].predicted) == (60.0, 90.0)
    assert (found[CONDUCTIVITY].measured.value, found[CONDUCTIVITY].predicted) == (-5.2, -4.0)
    table = (run.path.parent / "experiments" / "laboratory.csv").read_text().splitlines()
    assert table[0].startswith(f"smiles,{CONDUCTIVITY},{SOLUBILITY},")
    assert Path(run.path.parent / "experiments" / "laboratory.yaml").exists()
