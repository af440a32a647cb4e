import csv
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from heliosc.campaign.records import read_candidates

NOTEBOOKS = Path(__file__).parents[2] / "noteb"


def _master_table_is_written(folder: Path, _text: str) -> None:
    with (folder / "data" / "raw" / "all_mols.csv").open(newline="") as stream:
        header = next(csv.reader(stream))
    assert header[0] == "smiles"
    assert "lambda_hole@gfn2" in header


def _run_is_told(folder: Path, text: str) -> None:
    candidates = read_candidates(folder / "runs" / "notebook")
    assert len(candidates) == 6
    assert "nothing has come back yet" in text
    assert sum(candidate.id in text for candidate in candidates) >= 2  # the best, with their gates
    assert "SA score of the core" in text


CHECKS: dict[str, Callable[[Path, str], None]] = {
    "1_data_prep.ipynb": _master_table_is_written,
    "2_report.ipynb": _run_is_told,
}


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(path.name for path in NOTEBOOKS.glob("*.ipynb")))
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")  # of the notebook machinery
def test_the_notebook_runs(name: str, tmp_path: Path) -> None:
    notebook = nbformat.read(NOTEBOOKS / name, as_version=4)
    NotebookClient(notebook, timeout=900, resources={"metadata": {"path": str(tmp_path)}}).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    CHECKS[name](tmp_path, "".join(output.get("text", "") for output in outputs))
