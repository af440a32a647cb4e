"""The errors heliosc raises, classed by what the user can do about them.

The message says what happened, what was found, what was expected and the next step. Every class carries the
documented exit code with which the command line ends.
"""

from __future__ import annotations


class HelioscError(Exception):
    """Root of all errors that heliosc raises on purpose.

    Attributes
    ----------
    kind : short machine-readable class, stored with failed attempts
    exit_code : what the command line returns
    is_retryable : whether the same call may succeed later without a change
    """

    kind = "error"
    exit_code = 3
    is_retryable = False


class InputError(HelioscError):
    """The input is wrong; trying again cannot help."""

    kind = "input"
    exit_code = 3


class UsageError(HelioscError):
    """The command or configuration is wrong."""

    kind = "usage"
    exit_code = 2


class ResourceError(HelioscError):
    """Memory, disk or permission is missing; run it elsewhere or free some."""

    kind = "resource"
    exit_code = 75


class ConvergenceError(HelioscError):
    """A calculation did not converge; other keywords or another start may help."""

    kind = "convergence"
    exit_code = 5


class TransientError(HelioscError):
    """Something passing went wrong; the same call may succeed."""

    kind = "transient"
    exit_code = 75
    is_retryable = True


class CalculationTimeoutError(HelioscError):
    """A calculation ran past its time limit."""

    kind = "timeout"
    exit_code = 5


class ParseError(HelioscError):
    """An output could not be read; keep the file and fix the parser."""

    kind = "parse"
    exit_code = 5


class MissingDependencyError(HelioscError):
    """A program or optional package is not installed; the message names the command that installs it."""

    kind = "missing"
    exit_code = 4


class PartialResultError(HelioscError):
    """A command finished, but some rows or calculations have no result; the message says where the reasons are."""

    kind = "partial result"
    exit_code = 5
