"""Vertical IE and EA from three real GFN2-xTB single points."""

from __future__ import annotations

import numpy as np
import pytest

from heliosc.qc.geometries import Geometry
from heliosc.qc.vertical import vertical_energies
from heliosc.qc.xtb.executor import SemiEmpiricalExecutor


def benzene() -> Geometry:
    angles = np.radians(60.0 * np.arange(6))
    ring = np.column_stack([np.cos(angles), np.sin(angles), np.zeros(6)])
    return Geometry(("C",) * 6 + ("H",) * 6, np.vstack([1.395 * ring, 2.48 * ring]))


def test_gfn2_is_shifted_to_the_scale_of_experiment() -> None:
    result = vertical_energies(SemiEmpiricalExecutor(), benzene(), geometry_level="experiment")
    assert result.shift_eV == 4.846
    assert result.level == "gfn2//experiment"
    assert result.vertical_ionization_energy == pytest.approx(9.24, abs=0.6)  # experiment; unshifted it is near 14
    assert result.vertical_electron_affinity < 0  # the anion of benzene is not bound
