"""What Gaussian writes when it fails, and what helps."""

from heliosc.errors import ConvergenceError, InputError, ResourceError
from heliosc.qc.external.outputs import ErrorRule

ERROR_RULES = (
    ErrorRule(
        r"Out-of-memory error in routine.*(?:\n.*Use %mem=\S+.*)?|galloc.*",
        ResourceError,
        "raise memory_mb accordingly",
    ),
    ErrorRule(
        r"Bad file opened by FileIO|operation on non-existent file|No data on chk file\.|Erroneous write.*",
        ResourceError,
        "its files are missing or broken; check the scratch folder's free space",
    ),
    ErrorRule(r"No space left on device", ResourceError, "free space in the scratch folder"),
    ErrorRule(
        r"The combination of multiplicity.*\n?.*electrons is impossible.*",
        InputError,
        "correct charge and multiplicity",
    ),
    ErrorRule(
        r"QPErr.*|End of file (?:in ZSymb\.|reading connectivity\.)|Input Error"
        r"|Atom specifications unexpectedly found.*"
        r"|Z-matrix optimization but no Z-matrix variables\.",
        InputError,
        "correct the input; the same one fails again",
    ),
    ErrorRule(
        r"FormBX had a problem|Linear angle in Tors\.|Bend failed for angle.*|Tors failed for dihedral.*",
        ConvergenceError,
        "its internal coordinates broke down; optimise in Cartesian coordinates from the last geometry",
    ),
    ErrorRule(
        r"Optimization stopped\.", ConvergenceError, "restart from the last geometry with more cycles, int=ultrafine"
    ),
    ErrorRule(
        r"Convergence failure(?: -- run terminated)?\.",
        ConvergenceError,
        "raise max_scf_cycles, then keyword scf=yqc",
    ),
    ErrorRule(
        r"Error termination via Lnk1e in \S*l103\.exe",
        ConvergenceError,
        "its optimiser gave up; restart from the last geometry with opt=cartesian",
    ),
    ErrorRule(r"Inv3 failed in PCMMkU\.", ConvergenceError, "the solvent cavity broke down; change its surface"),
)
"""In order: the first that is found decides."""
