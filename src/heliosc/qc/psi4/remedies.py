"""What is tried when Psi4 does not converge, in turn."""

from heliosc.qc.external.remedies import Ladders, Remedy

LADDERS: Ladders = {
    "scf": (
        Remedy("500 iterations", max_cycles=500),
        Remedy("second order", ("soscf=true", "soscf_max_iter=20"), max_cycles=500),
        Remedy("damping of 40 %", ("damping_percentage=40", "diis_start=6"), max_cycles=500),
        Remedy("guess from a smaller basis", ("basis_guess=true", "damping_percentage=20"), max_cycles=500),
    ),
    "geometry": (
        Remedy("from the last geometry", max_cycles=300),
        Remedy("from the last geometry, small steps", ("intrafrag_step_limit=0.1",), max_cycles=300),
        Remedy("from the last geometry, Cartesian coordinates", ("opt_coordinates=cartesian",), max_cycles=300),
    ),
}
