"""PySCF: density-functional theory in this process, with density fitting."""

from heliosc.qc.pyscf.run import PySCFExecutor

__all__ = ["PySCFExecutor"]
