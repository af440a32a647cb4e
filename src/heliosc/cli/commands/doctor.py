"""``heliosc doctor``: what is installed, what is missing, and the command that mends it."""

from __future__ import annotations

import shutil
import sqlite3
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib import import_module
from importlib.metadata import packages_distributions, version
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import typer

from heliosc.cli.output import print_table
from heliosc.devices import describe_devices, find_backend
from heliosc.errors import HelioscError, MissingDependencyError

_MINIMUM_FREE_GB = 2.0
_PROGRAM_LABELS = {
    "tblite": "xTB (embedded)",
    "xtb": "xtb program",
    "pyscf": "PySCF",
    "psi4": "Psi4",
    "orca": "ORCA",
    "gaussian": "Gaussian",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One checked thing; ``needed`` = the default campaign cannot run without it."""

    what: str
    state: str
    detail: str
    remedy: str = ""
    needed: bool = False


def doctor(as_json: Annotated[bool, typer.Option("--json", help="JSON on stdout")] = False) -> None:
    """Check this machine."""
    findings = list(examine())
    rows: list[dict[str, Any]] = [asdict(finding) for finding in findings]
    print_table(rows, title="heliosc doctor", as_json=as_json)
    broken = [finding for finding in findings if finding.needed and finding.state != "ok"]
    if broken:
        raise MissingDependencyError("; ".join(f"{finding.what}: {finding.remedy}" for finding in broken))


def examine() -> Iterator[Finding]:
    """Every check, the needed ones first."""
    yield Finding("Python", "ok", sys.version.split()[0], needed=True)
    yield Finding("SQLite", "ok", sqlite3.sqlite_version, needed=True)
    for package in ("rdkit", "torch", "chemprop", "tblite"):
        yield _package(package)
    yield _shipped("embedded library", "heliosc.datasets.library.load", "load_library")
    yield _shipped("surrogate weights", "heliosc.campaign.models", "load_surrogate")
    yield _shipped("generator weights", "heliosc.campaign.models", "load_generator")
    yield _disk()
    yield _device()
    from heliosc.qc.programs import PROGRAMS

    for program, (module, name) in PROGRAMS.items():
        yield _program(_PROGRAM_LABELS[program], getattr(import_module(module), name)())
    yield _dynamics()
    for label, module in (("MLflow", "mlflow"), ("TensorBoard", "tensorboard")):
        yield _optional(label, module, hint="pip install 'heliosc[tracking]'")
    yield _dvc()


def _package(name: str) -> Finding:
    try:
        import_module(name)
    except ImportError as error:
        return Finding(name, "missing", str(error), "pip install heliosc", needed=True)
    return Finding(name, "ok", version(name), needed=True)


def _shipped(what: str, module: str, loader: str) -> Finding:
    try:
        loaded = getattr(import_module(module), loader)()
    except HelioscError as error:
        return Finding(what, "missing", str(error), "reinstall heliosc from a complete checkout", needed=True)
    return Finding(what, "ok", getattr(loaded, "description", ""), needed=True)


def _disk() -> Finding:
    free_gb = shutil.disk_usage(Path.cwd()).free / 1e9
    if free_gb < _MINIMUM_FREE_GB:
        return Finding("disk", "low", f"{free_gb:.1f} GB free", f"free {_MINIMUM_FREE_GB:.0f} GB", needed=True)
    return Finding("disk", "ok", f"{free_gb:.1f} GB free", needed=True)


def _device() -> Finding:
    if find_backend() == "cpu":
        advice = "not needed; a CUDA or ROCm build of torch uses one"
        return Finding("GPU", "none", f"{describe_devices()} are used", advice)
    return Finding("GPU", "ok", describe_devices())


def _dynamics() -> Finding:
    """OpenMM, and the fastest platform that it would run on."""
    from heliosc.qc.condensed.bulk import OpenmmExecutor

    executor = OpenmmExecutor()
    if not executor.found():
        return _program("OpenMM", executor)
    return Finding("OpenMM", "ok", f"{executor.version()}, runs on {executor.platforms()[0]}")


def _optional(label: str, module: str, *, hint: str) -> Finding:
    """A package that is found without importing it, which may take seconds."""
    if find_spec(module) is None:
        return Finding(label, "absent", "optional", hint)
    names = packages_distributions().get(module, [module])
    return Finding(label, "ok", version(names[0]))


def _dvc() -> Finding:
    found = shutil.which("dvc")
    return Finding("DVC", "ok", found) if found else Finding("DVC", "absent", "optional", "pipx install dvc")


def _program(label: str, executor: Any) -> Finding:
    if executor.found():
        return Finding(label, "ok", executor.version() or "")
    return Finding(label, "absent", "optional", executor.install_hint)
