"""What is tried when Gaussian does not converge, in turn."""

from heliosc.qc.external.remedies import Ladders, Remedy

LADDERS: Ladders = {
    "scf": (
        Remedy("500 cycles", max_cycles=500),
        Remedy("quadratic convergence when needed", ("xqc",), max_cycles=500),
        Remedy("steepest descent, then quadratic convergence", ("yqc",), max_cycles=500),
        Remedy("guess from a smaller basis", ("xqc",), max_cycles=500, guess="STO-3G"),
    ),
    "geometry": (
        Remedy("from the last geometry", max_cycles=300),
        Remedy("from the last geometry, Cartesian coordinates", ("cartesian",), max_cycles=300),
        Remedy("from the last geometry, Cartesian, small steps", ("cartesian", "maxstep=5"), max_cycles=500),
    ),
}
