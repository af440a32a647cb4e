"""Condensed-phase surrogates that need a calculation: stacked dimers, transfer integrals, clusters in motion."""
