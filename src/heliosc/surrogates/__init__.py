"""Learned models of molecular properties: prediction with calibrated uncertainty.

Import from the submodules (``surrogates.ensemble``, ``surrogates.forest``, ...); this package itself loads nothing.
"""
