"""Shared molecules of the generator's tests, and one thread for torch."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
import torch


def _hard_molecules() -> dict[str, str]:
    path = Path(__file__).with_name("hard_molecules.py")
    spec = importlib.util.spec_from_file_location("hard_molecules", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.HARD_MOLECULES


HARD_MOLECULES = _hard_molecules()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "hard_smiles" in metafunc.fixturenames:
        metafunc.parametrize("hard_smiles", list(HARD_MOLECULES.values()), ids=list(HARD_MOLECULES))


@pytest.fixture(scope="session")
def hard_molecules() -> list[str]:
    return list(HARD_MOLECULES.values())


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)
