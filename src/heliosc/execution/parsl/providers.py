"""Parsl's providers by name, their options checked against what the provider takes."""

from __future__ import annotations

import difflib
import inspect
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from heliosc.errors import MissingDependencyError, UsageError

if TYPE_CHECKING:
    from parsl.providers.base import ExecutionProvider

INSTALL = "pip install 'heliosc[cluster]'"


@dataclass(frozen=True)
class ProviderKind:
    """A provider of Parsl: its class and the program that must be there to submit."""

    class_name: str
    program: str | None = None


PROVIDERS: dict[str, ProviderKind] = {
    "local": ProviderKind("LocalProvider"),
    "slurm": ProviderKind("SlurmProvider", "sbatch"),
    "pbs": ProviderKind("PBSProProvider", "qsub"),
    "torque": ProviderKind("TorqueProvider", "qsub"),
    "lsf": ProviderKind("LSFProvider", "bsub"),
    "grid_engine": ProviderKind("GridEngineProvider", "qsub"),
    "condor": ProviderKind("CondorProvider", "condor_submit"),
    "kubernetes": ProviderKind("KubernetesProvider"),
}

LAUNCHERS: dict[str, str] = {
    "single_node": "SingleNodeLauncher",
    "simple": "SimpleLauncher",
    "srun": "SrunLauncher",
    "mpiexec": "MpiExecLauncher",
    "mpirun": "MpiRunLauncher",
    "aprun": "AprunLauncher",
    "jsrun": "JsrunLauncher",
}


def check_provider(name: str, options: Mapping[str, Any]) -> None:
    """Refuse what Parsl's provider does not take, before anything is started.

    Raises
    ------
    UsageError : unknown provider, option or launcher, or an option that is missing
    MissingDependencyError : Parsl is not installed
    """
    if name not in PROVIDERS:
        raise UsageError(f"Parsl provider {name!r} is unknown{_nearest(name, PROVIDERS)}")
    taken = inspect.signature(_provider_class(name).__init__).parameters
    known = {option: parameter for option, parameter in taken.items() if option != "self"}
    for option in options:
        if option not in known:
            raise UsageError(f"Parsl provider {name!r} has no option {option!r}{_nearest(option, known)}")
    missing = [o for o, parameter in known.items() if parameter.default is parameter.empty and o not in options]
    if missing:
        raise UsageError(f"Parsl provider {name!r} needs the option(s) {', '.join(missing)}")
    launcher = options.get("launcher")
    if launcher is not None and launcher not in LAUNCHERS:
        raise UsageError(f"launcher {launcher!r} is unknown{_nearest(str(launcher), LAUNCHERS)}")


def make_provider(name: str, options: Mapping[str, Any], *, worker_init: str) -> ExecutionProvider:
    """Parsl's provider.

    Parameters
    ----------
    worker_init : shell lines that run on a node after those of the options

    Raises
    ------
    UsageError : see ``check_provider``, or a value that the provider refuses
    MissingDependencyError : the scheduler's commands, Parsl or what Parsl needs for this provider are not here
    """
    check_provider(name, options)
    program = PROVIDERS[name].program
    if program is not None and shutil.which(program) is None:
        raise MissingDependencyError(
            f"{program} is not on the PATH of this machine; run on a login node of the cluster, or choose another "
            f"Parsl provider than {name!r}"
        )
    arguments = dict(options)
    if "launcher" in arguments:
        arguments["launcher"] = _launcher(arguments["launcher"])
    arguments["worker_init"] = f"{arguments.get('worker_init', '')}\n{worker_init}"
    return _constructed(name, arguments)


def _constructed(name: str, arguments: dict[str, Any]) -> ExecutionProvider:
    from parsl.errors import OptionalModuleMissing
    from typeguard import TypeCheckError

    try:
        return _provider_class(name)(**arguments)
    except OptionalModuleMissing as error:
        raise MissingDependencyError(
            f"Parsl's {name} provider needs {', '.join(error.module_names)}; pip install {' '.join(error.module_names)}"
        ) from error
    except (TypeCheckError, TypeError, ValueError) as error:
        raise UsageError(f"Parsl provider {name!r} refused its options: {error}") from error


def _provider_class(name: str) -> Any:
    try:
        from parsl import providers
    except ImportError as error:
        raise MissingDependencyError(f"Parsl is not installed; {INSTALL}") from error
    return getattr(providers, PROVIDERS[name].class_name)


def _launcher(name: str) -> Any:
    from parsl import launchers

    return getattr(launchers, LAUNCHERS[name])()


def _nearest(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else f"; expected one of: {', '.join(known)}"
