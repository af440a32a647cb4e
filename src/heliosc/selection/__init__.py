"""Chooses what to compute: roles, objectives, constraints, acquisition, batch diversity, hypervolume."""
