"""Geometries that several tests of programs use."""

import numpy as np

from heliosc.qc.geometries import Geometry

# microwave r_s structure of thiophene (Bak et al., J. Mol. Spectrosc. 1961, 7, 58), rounded
THIOPHENE = Geometry(
    ("S", "C", "C", "C", "C", "H", "H", "H", "H"),
    np.array(
        [
            [0.0, 0.0, 1.193],
            [0.0, 1.238, -0.006],
            [0.0, -1.238, -0.006],
            [0.0, 0.712, -1.273],
            [0.0, -0.712, -1.273],
            [0.0, 2.273, 0.288],
            [0.0, -2.273, 0.288],
            [0.0, 1.316, -2.170],
            [0.0, -1.316, -2.170],
        ]
    ),
)
