"""Loading of PySCF, with the right kernels for the processor.

The wheel brings OpenBLAS 0.3.3 of 2018, which takes processors it does not know for very old ones and is then up to
twice as slow. A newer kernel is asked for while the library loads, unless the user chose one.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import metadata
from pathlib import Path
from types import ModuleType

from heliosc.errors import MissingDependencyError

INSTALL_HINT = "pip install 'heliosc[dft]' (PySCF 2.14 and pyscf-dispersion)"
_KERNEL_VARIABLE = "OPENBLAS_CORETYPE"


@cache
def load_pyscf() -> ModuleType:
    """The module ``pyscf``.

    Raises
    ------
    MissingDependencyError : PySCF is not installed
    """
    try:
        with _kernels_of_this_processor():
            import pyscf
            import pyscf.lib
    except ImportError as error:
        raise MissingDependencyError(f"PySCF cannot be loaded ({error}); install it: {INSTALL_HINT}") from error
    return pyscf


def pyscf_version() -> str | None:
    """Version of the installed package, without loading it; ``None`` when it is not installed."""
    try:
        return metadata.version("pyscf")
    except metadata.PackageNotFoundError:
        return None


@contextmanager
def _kernels_of_this_processor() -> Iterator[None]:
    if _KERNEL_VARIABLE in os.environ or not _has_avx2():
        yield
        return
    os.environ[_KERNEL_VARIABLE] = "Haswell"
    try:
        yield
    finally:
        del os.environ[_KERNEL_VARIABLE]


def _has_avx2() -> bool:
    information = Path("/proc/cpuinfo")
    return platform.machine() == "x86_64" and information.exists() and " avx2 " in information.read_text()
