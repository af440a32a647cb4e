"""Maps from a cheap level of theory to a better one or to experiment, with their errors.

``fit_calibration`` fits one, ``read_calibration`` and ``write_calibration`` keep it as JSON, ``shipped_calibration``
loads those that come with heliosc. A calibrated value says so in its level: ``cal-gas.1//gfn2``.
"""

from heliosc.qc.calibration.files import read_calibration, shipped_calibration, shipped_names, write_calibration
from heliosc.qc.calibration.fit import Sample, fit_calibration
from heliosc.qc.calibration.model import CalibratedValue, Calibration

__all__ = [
    "CalibratedValue",
    "Calibration",
    "Sample",
    "fit_calibration",
    "read_calibration",
    "shipped_calibration",
    "shipped_names",
    "write_calibration",
]
