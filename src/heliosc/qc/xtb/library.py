"""Loading of the tblite library: one thread, and the system's OpenBLAS where there is one.

The tblite wheel brings the reference BLAS and LAPACK. An OpenBLAS opened globally before it takes their place and
makes large molecules two to three times faster; the energies agree to 1e-12 Eh.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from types import ModuleType
from typing import Any

from heliosc.errors import MissingDependencyError

INSTALL_HINT = "pip install tblite==0.8.0"


@cache
def linear_algebra() -> str:
    """Which BLAS tblite will use, ``openblas`` or ``bundled``; the first call decides.

    A process that holds torch keeps the bundled one: a global OpenBLAS would take the place of torch's own too.
    """
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(variable, "1")
    if "torch" in sys.modules or "tblite.library" in sys.modules:
        return "bundled"
    try:
        ctypes.CDLL("libopenblas.so.0", mode=ctypes.RTLD_GLOBAL)
    except OSError:
        return "bundled"
    return "openblas"


@cache
def tblite_interface() -> ModuleType:
    """The module ``tblite.interface``.

    Raises
    ------
    MissingDependencyError : tblite is not installed
    """
    linear_algebra()
    try:
        import tblite.interface
    except ImportError as error:
        raise MissingDependencyError(f"tblite cannot be loaded ({error}); install it: {INSTALL_HINT}") from error
    return tblite.interface


@contextmanager
def one_thread() -> Iterator[None]:
    """tblite computes on one thread of OpenMP inside, whatever the process allows.

    Several threads add their shares up in the order in which they finish, so that the last digits differ from run to
    run, and at the sizes of molecules they are slower (8 times the CPU seconds at 33 atoms on two busy cores).
    ``OMP_NUM_THREADS`` is read when OpenMP is loaded, and torch, which shares the library, may have loaded it before.
    """
    openmp = _openmp()
    if openmp is None:
        yield
        return
    before = openmp.omp_get_max_threads()
    openmp.omp_set_num_threads(1)
    try:
        yield
    finally:
        openmp.omp_set_num_threads(before)


@cache
def _openmp() -> Any:
    """The OpenMP library that tblite itself calls, found through it; ``None`` = built without."""
    tblite_interface()
    from tblite import _libtblite

    library = ctypes.CDLL(_libtblite.__file__)
    return library if hasattr(library, "omp_set_num_threads") else None


@cache
def tblite_version() -> str:
    """Version of the loaded library, such as ``0.8.0``."""
    tblite_interface()
    from tblite.library import get_version

    return ".".join(map(str, get_version()))
