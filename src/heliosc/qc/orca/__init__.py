"""ORCA."""

from heliosc.qc.orca.run import OrcaExecutor

__all__ = ["OrcaExecutor"]
