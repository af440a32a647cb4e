"""Loading PySCF: the kernels asked for, nothing left behind, and what is said when it is absent."""

from __future__ import annotations

import os
import sys

import pytest

from heliosc.errors import InputError, MissingDependencyError, ParseError, ResourceError
from heliosc.qc.pyscf import library
from heliosc.qc.pyscf.errors import classified_errors


def test_kernels_are_asked_for_only_while_the_library_loads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENBLAS_CORETYPE", raising=False)
    monkeypatch.setattr(library, "_has_avx2", lambda: True)
    with library._kernels_of_this_processor():
        assert os.environ["OPENBLAS_CORETYPE"] == "Haswell"
    assert "OPENBLAS_CORETYPE" not in os.environ


def test_the_users_choice_and_old_processors_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "_has_avx2", lambda: True)
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Zen")
    with library._kernels_of_this_processor():
        assert os.environ["OPENBLAS_CORETYPE"] == "Zen"
    assert os.environ["OPENBLAS_CORETYPE"] == "Zen"
    monkeypatch.delenv("OPENBLAS_CORETYPE")
    monkeypatch.setattr(library, "_has_avx2", lambda: False)
    with library._kernels_of_this_processor():
        assert "OPENBLAS_CORETYPE" not in os.environ


def test_absent_pyscf_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyscf", None)
    library.load_pyscf.cache_clear()
    try:
        with pytest.raises(MissingDependencyError, match=r"pip install 'heliosc\[dft\]'"):
            library.load_pyscf()
    finally:
        library.load_pyscf.cache_clear()


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (MemoryError("8 GiB"), ResourceError),
        (NotImplementedError("Hessian of this"), InputError),
        (KeyError("Unknown functional b4lyp"), InputError),
        (RuntimeError("Electron number 9 and spin 0 are not consistent"), InputError),
        (ImportError("pyscf.dispersion"), MissingDependencyError),
        (ValueError("something new"), ParseError),
    ],
)
def test_exceptions_are_classed_by_remedy(error: Exception, expected: type[Exception]) -> None:
    with pytest.raises(expected), classified_errors("b3lyp/def2-svp[pyscf], charge 0"):
        raise error
