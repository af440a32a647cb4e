"""Gaussian."""

from heliosc.qc.gaussian.run import GaussianExecutor

__all__ = ["GaussianExecutor"]
