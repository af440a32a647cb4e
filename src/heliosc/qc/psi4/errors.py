"""What Psi4 writes when it fails, and what helps."""

from heliosc.errors import (
    CalculationTimeoutError,
    ConvergenceError,
    InputError,
    MissingDependencyError,
    ResourceError,
    TransientError,
)
from heliosc.qc.external.outputs import ErrorRule

ERROR_RULES = (
    ErrorRule(r"No space left on device", ResourceError, "free space in the scratch folder"),
    ErrorRule(
        r"Could not converge SCF iterations.*",
        ConvergenceError,
        "raise max_scf_cycles, then keywords soscf=true, then damping_percentage=20",
    ),
    ErrorRule(
        r"Could not converge geometry optimization.*",
        ConvergenceError,
        "restart from a better geometry, or keyword opt_coordinates=cartesian",
    ),
    ErrorRule(
        r"Command \(`dftd3.{0,300}?`\) failed",
        MissingDependencyError,
        "D3 needs the program dftd3 on PATH; wb97x-d runs without it",
    ),
    ErrorRule(r"Inconsistent or unspecified chg/mult.*", InputError, "correct charge and multiplicity"),
    ErrorRule(r"Unable to find a basis set.*", InputError, "correct the basis, e.g. def2-SVP"),
    ErrorRule(
        r"[Mm]ethod (?:'name' \S{1,80}|\"\S{1,80}\").{0,200}not available.*",
        InputError,
        "correct the method, e.g. b3lyp",
    ),
    ErrorRule(r"(?<!\S)\S{1,80} is not a valid option", InputError, "correct the option's name"),
    ErrorRule(r"NotAnElementError.*", InputError, "correct the element symbols"),
    ErrorRule(r"PSIO[_ ]E(?:rror|RROR).*", TransientError, "its scratch files broke; check the disk's free space"),
    ErrorRule(r"std::bad_alloc|[Nn]ot enough memory.*|Out of memory.*|MemoryError", ResourceError, "raise memory_mb"),
    ErrorRule(
        r"\*\*\* Psi4 encountered an error", InputError, "read the end of the output; the same input fails again"
    ),
    ErrorRule(r"SIGTERM|Killed", CalculationTimeoutError, "it was stopped from outside"),
)
"""In order: the first that is found decides."""
