"""The snippets of the documentation run: Python of every page, YAML by its reader, the commands of the tutorial."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from documentation import PAGES, Block, blocks

from heliosc.config import Config
from heliosc.datasets.declaration import read_declaration
from heliosc.execution import QCResultStore
from heliosc.handoff.promotion.criteria import load_criteria

EXPECTED = {
    "concepts/levels-of-theory.md": r"1\d\.\d eV at gfn2//experiment",
    "concepts/signs.md": r"^0\.15 eV$",
    "concepts/uncertainty.md": r"^0\.10 eV$",
    "how-to/add-a-property.md": r"^g/L$",
    "how-to/add-a-program.md": r"psi4 +heliosc\.qc\.psi4\.Psi4Executor",
}
"""What a page must print, where its text says so."""

QUICK = {"concepts/signs.md", "concepts/uncertainty.md", "how-to/add-a-property.md", "how-to/add-an-objective.md",
         "how-to/add-a-program.md"}  # fmt: skip
USE_PROPERTIES = (
    "from pathlib import Path; from heliosc.properties.own import use_properties; use_properties(Path('{file}'))"
)
LOAD_ROLES = """
from pathlib import Path
from heliosc.selection.roles import load_roles
load_roles(Path("{file}"))
"""
WITH_PYTHON = [page for page in PAGES if any(block.reason is None for block in blocks(page, "python"))]
TUTORIAL = [page for page in PAGES if page.parent.name == "tutorial"]
YAML = [block for page in PAGES for block in blocks(page, "yaml") if block.reason is None]


def _marked(page: Path) -> Any:
    name = page.relative_to(page.parents[1]).as_posix()
    return pytest.param(page, id=name, marks=() if name in QUICK else pytest.mark.slow)


def _lay_down_a_store(folder: Path) -> None:
    QCResultStore(folder / "runs" / "NAME" / "store.sqlite").close()
    (folder / "elsewhere").mkdir()


def _lay_down_labels(folder: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    (folder / "labels").mkdir()
    pq.write_table(pa.table({"smiles": ["c1ccsc1"]}), folder / "labels" / "labels.parquet")


NEEDED: dict[str, Callable[[Path], None]] = {
    "how-to/keep-and-repair-a-store.md": _lay_down_a_store,
    "how-to/label-your-own-molecules.md": _lay_down_labels,
}
"""Files that a page takes for granted."""


def _environment() -> dict[str, str]:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return os.environ | {"PATH": path, "NO_COLOR": "1", "OMP_NUM_THREADS": "1"}


def _run_python(source: str, folder: Path) -> str:
    """Standard output of a program of its own."""
    ended = subprocess.run(
        [sys.executable, "-c", source], cwd=folder, env=_environment(), capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr[-2000:]
    return ended.stdout


@pytest.mark.parametrize("page", [_marked(page) for page in WITH_PYTHON])
def test_python_of_a_page_runs(page: Path, tmp_path: Path) -> None:
    name = page.relative_to(page.parents[1]).as_posix()
    NEEDED.get(name, lambda _: None)(tmp_path)
    source = "\n".join(block.text for block in blocks(page, "python") if block.reason is None)
    assert re.search(EXPECTED.get(name, ""), _run_python(source, tmp_path), re.MULTILINE)


@pytest.mark.slow
@pytest.mark.parametrize("page", TUTORIAL, ids=lambda page: page.stem)
def test_the_commands_of_a_tutorial_run(page: Path, tmp_path: Path) -> None:
    shell = shutil.which("bash")
    assert shell is not None
    script = "\n".join(block.text for block in blocks(page, "console") if block.reason is None)
    ended = subprocess.run(
        [shell, "-e", "-c", script], cwd=tmp_path, env=_environment(), capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, f"{ended.stdout[-1000:]}\n{ended.stderr[-2000:]}"


def test_every_command_of_a_tutorial_runs_or_says_why_not() -> None:
    shown = [block for page in TUTORIAL for block in blocks(page, "console") if block.reason is not None]
    assert {block.reason for block in shown} == {
        "installs into a new environment, which `make test` has done before",
        "a training takes long",
        "takes an hour",
        "needs a cluster",
    }


@pytest.mark.parametrize("block", YAML, ids=lambda block: block.name)
def test_yaml_is_what_its_reader_understands(block: Block, tmp_path: Path) -> None:
    document = yaml.safe_load(block.text)
    file = tmp_path / "block.yaml"
    file.write_text(block.text, encoding="utf-8")
    if set(document) <= set(Config.model_fields):
        Config.model_validate(document)
    elif "columns" in document:
        read_declaration(file)
    elif _are_properties(document):
        _run_python(USE_PROPERTIES.format(file=file), tmp_path)  # not here: it adds to the vocabulary of the process
    elif all("objectives" in entry for entry in document.values()):
        _run_python(_with_own_properties(block.page, tmp_path) + LOAD_ROLES.format(file=file), tmp_path)
    else:
        load_criteria(file)


def _are_properties(document: dict[str, Any]) -> bool:
    return all(isinstance(entry, dict) and "meaning" in entry for entry in document.values())


def _with_own_properties(page: Path, folder: Path) -> str:
    """Program text that brings in what the page has defined beside its roles."""
    for block in blocks(page, "yaml"):
        if _are_properties(yaml.safe_load(block.text)):
            (folder / "properties.yaml").write_text(block.text, encoding="utf-8")
            return USE_PROPERTIES.format(file=folder / "properties.yaml")
    return ""
