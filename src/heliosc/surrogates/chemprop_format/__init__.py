"""Weights to and from chemprop 2.3: its checkpoints become members of an ensemble, members become its model files.

Import from the submodules; this package itself loads nothing.
"""
