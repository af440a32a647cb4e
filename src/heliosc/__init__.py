"""heliosc: discovers organic semiconductors for organic solar cells and brings them to the synthesis lab.

The names below load on first use, so that ``import heliosc`` stays light.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_HOMES = {
    "AsyncQCManager": "heliosc.execution",
    "Campaign": "heliosc.campaign.loop",
    "DFTInterface": "heliosc.execution",
    "GaussianExecutor": "heliosc.qc.gaussian",
    "JTVAE": "heliosc.generation.jtvae",
    "OrcaExecutor": "heliosc.qc.orca",
    "Psi4Executor": "heliosc.qc.psi4",
    "PropertyKey": "heliosc.properties",
    "PropertyTable": "heliosc.properties",
    "QCResultStore": "heliosc.execution",
    "SemiEmpiricalExecutor": "heliosc.qc.xtb.executor",
    "SurrogateEnsemble": "heliosc.surrogates.ensemble",
    "load_config": "heliosc.config",
    "load_library": "heliosc.datasets.library.load",
}

__all__ = ["__version__", *_HOMES]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'heliosc' has no attribute {name!r}; it offers {', '.join(_HOMES)}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
