"""Loading of the tblite library: one thread, and the system's OpenBLAS where there is one.

The tblite wheel brings the reference BLAS and LAPACK. An OpenBLAS opened globally before it takes their place and
makes large molecules two to three times faster; the energies agree to 1e-12 Eh.
"""

from __future__ import annotations

import ctypes
import os
import sys
from functools import cache
from types import ModuleType

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


@cache
def tblite_version() -> str:
    """Version of the loaded library, such as ``0.8.0``."""
    tblite_interface()
    from tblite.library import get_version

    return ".".join(map(str, get_version()))
