"""What ORCA writes when it fails, and what helps."""

from heliosc.errors import ConvergenceError, InputError, ParseError, ResourceError, TransientError
from heliosc.qc.external.outputs import ErrorRule

ERROR_RULES = (
    ErrorRule(
        r"multiplicity \(\s*\d+\) is (?:odd|even) and number of electrons.{0,80}impossible",
        InputError,
        "correct charge and multiplicity",
    ),
    ErrorRule(r"UNRECOGNIZED OR DUPLICATED KEYWORD.*(?:\n.*){0,2}", InputError, "correct the keyword"),
    ErrorRule(r"INPUT ERROR|Unknown identifier.*", InputError, "correct the input; the same one fails again"),
    ErrorRule(
        r"Not enough memory available.*|Please increase MaxCore.*"
        r"|not a single batch is possible with the present MaxCore",
        ResourceError,
        "raise memory_mb, or halve n_cores",
    ),
    ErrorRule(r"No space left on device", ResourceError, "free space in the scratch folder"),
    ErrorRule(
        r"SCF NOT CONVERGED AFTER\s+\d+ CYCLES|SCF not fully converged!|error termination in (?:SCF|LEANSCF).*",
        ConvergenceError,
        "max_scf_cycles 500, then keyword SlowConv, then VerySlowConv with KDIIS",
    ),
    ErrorRule(
        r"The optimization did not converge but reached the maximum number",
        ConvergenceError,
        "restart from the last geometry, or with a tighter grid (DefGrid3)",
    ),
    ErrorRule(
        r"mpirun noticed that process rank.{0,200}exited on signal.*",
        TransientError,
        "try once more, then with n_cores 1",
    ),
    ErrorRule(
        r"ORCA finished by error termination.*|ORCA TERMINATED NOT NORMALLY",
        ParseError,
        "read the lines above it; heliosc does not know the message",
    ),
)
"""In order: the first that is found decides."""
