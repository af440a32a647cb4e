"""The programs, by the names that users write, and the executor that runs a method with one of them."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from heliosc.errors import InputError
from heliosc.qc.executors import QCExecutor
from heliosc.qc.external.settings import ProgramSettings
from heliosc.qc.methods import Method
from heliosc.qc.xtb.executor import SemiEmpiricalExecutor

PROGRAMS: dict[str, tuple[str, str]] = {
    "tblite": ("heliosc.qc.xtb.executor", "SemiEmpiricalExecutor"),
    "xtb": ("heliosc.qc.xtb.program", "XtbExecutor"),
    "pyscf": ("heliosc.qc.pyscf", "PySCFExecutor"),
    "psi4": ("heliosc.qc.psi4", "Psi4Executor"),
    "orca": ("heliosc.qc.orca", "OrcaExecutor"),
    "gaussian": ("heliosc.qc.gaussian", "GaussianExecutor"),
}
"""Name -> module and class; the modules load on first use."""

AUTO = "auto"
EMBEDDED_XTB, EMBEDDED_DFT = "tblite", "pyscf"


def program_for(method: Method, program: str = AUTO) -> str:
    """The program that runs a method: the one asked for, else the embedded one of its kind.

    Raises
    ------
    InputError : unknown program
    """
    if program == AUTO:
        return EMBEDDED_XTB if method.is_xtb else EMBEDDED_DFT
    if program not in PROGRAMS:
        raise InputError(f"unknown program {program!r}; expected {AUTO} or one of: {', '.join(PROGRAMS)}")
    return program


def executor(
    method: Method,
    program: str = AUTO,
    *,
    n_cores: int = 1,
    memory_gb: float = 2.0,
    keywords: tuple[str, ...] = (),
) -> QCExecutor:
    """The executor of a method.

    Parameters
    ----------
    keywords : the user's further words for the program's input; each is held against an allow-list

    Raises
    ------
    InputError : unknown program, a method or solvent model that it does not have, or words that it cannot take
    """
    name = program_for(method, program)
    if name == EMBEDDED_XTB:
        if keywords:
            raise InputError(f"tblite takes no free keywords, got {', '.join(keywords)}")
        return SemiEmpiricalExecutor(method=method)
    settings = ProgramSettings.of(method, n_cores=n_cores, memory_mb=round(memory_gb * 1000), keywords=keywords)
    module, class_name = PROGRAMS[name]
    made: Any = getattr(import_module(module), class_name)(settings)
    if not isinstance(made, QCExecutor):  # a class that lost a verb is a defect of ours, found by the tests
        raise TypeError(f"{class_name} does not keep the contract of an executor")
    return made
