"""Psi4, driven by input files."""

from heliosc.qc.psi4.run import Psi4Executor

__all__ = ["Psi4Executor"]
