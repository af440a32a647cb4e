"""What is tried when ORCA does not converge, in turn."""

from heliosc.qc.external.remedies import Ladders, Remedy

LADDERS: Ladders = {
    "scf": (
        Remedy("500 iterations", max_cycles=500),
        Remedy("SlowConv", ("SlowConv",), max_cycles=500),
        Remedy("VerySlowConv with KDIIS", ("VerySlowConv", "KDIIS"), max_cycles=1000),
        Remedy("guess from a smaller basis", ("SlowConv",), max_cycles=1000, guess="STO-3G"),
    ),
    "geometry": (
        Remedy("from the last geometry", max_cycles=300),
        Remedy("from the last geometry with a computed Hessian", ("Calc_Hess=true",), max_cycles=300),
        Remedy("from the last geometry, small steps", ("Calc_Hess=true", "MaxStep=0.1"), max_cycles=500),
    ),
}
