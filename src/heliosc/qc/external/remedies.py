"""What is tried when a calculation fails: a ladder of remedies for each kind of failure, and the climb up it.

Only failures that a change can mend have a ladder. Wrong input, missing programs and unreadable outputs have none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from heliosc.errors import ConvergenceError, HelioscError, ResourceError, TransientError
from heliosc.qc.external.outputs import ProgramOutput
from heliosc.qc.external.settings import Job, ProgramSettings

FailureKind = Literal["scf", "geometry", "resource", "transient"]


@dataclass(frozen=True, slots=True)
class Remedy:
    """One change of the settings; each is complete in itself and replaces the one before it on its ladder.

    Attributes
    ----------
    words : go into ``scf_words`` or ``geometry_words``, by the ladder that the remedy stands on
    max_cycles : of the SCF or of the optimisation
    guess : what the orbitals are converged with first, see ``ProgramSettings``
    halves_cores : fewer processes, each with more memory
    single_core : one process
    """

    name: str
    words: tuple[str, ...] = ()
    max_cycles: int | None = None
    guess: str = ""
    halves_cores: bool = False
    single_core: bool = False


Ladders = Mapping[FailureKind, tuple[Remedy, ...]]

_AGAIN = Remedy("once more")
_HALF = Remedy("half the cores", halves_cores=True)
COMMON_LADDERS: Ladders = {
    "resource": (_HALF, Remedy("a quarter of the cores", halves_cores=True), Remedy("one core", single_core=True)),
    "transient": (_AGAIN, Remedy("one core", single_core=True)),
}


def failure_kind(error: HelioscError, *, output: ProgramOutput | None, job: Job) -> FailureKind | None:
    """Which ladder may help; ``None`` = none does."""
    if isinstance(error, ResourceError):
        return "resource"
    if isinstance(error, TransientError):
        return "transient"
    if not isinstance(error, ConvergenceError):
        return None
    return "geometry" if job.task == "optimize" and output is not None and output.scf_converged else "scf"


@dataclass(slots=True)
class Climb:
    """The remedies in force while one job is tried again and again.

    Attributes
    ----------
    attempts : what failed so far, in words, oldest first
    """

    ladders: Ladders
    settings: ProgramSettings
    job: Job
    attempts: list[str] = field(default_factory=list)
    _rungs: dict[FailureKind, int] = field(default_factory=dict)
    _in_force: dict[FailureKind, Remedy] = field(default_factory=dict)

    def step_up(self, error: HelioscError, output: ProgramOutput | None) -> bool:
        """Record a failure and put the next remedy in force; false when there is none left."""
        kind = failure_kind(error, output=output, job=self.job)
        self.attempts.append(f"{self._described()}: {error.kind} error, {str(error)[:200]}")
        ladder = self.ladders.get(kind, ()) if kind else ()
        while kind and self._rungs.get(kind, 0) < len(ladder):
            remedy = ladder[self._rungs.get(kind, 0)]
            self._rungs[kind] = self._rungs.get(kind, 0) + 1
            if self.settings.n_cores == 1 and (remedy.halves_cores or remedy.single_core):
                continue  # it would change nothing
            self._put_in_force(kind, remedy, output)
            return True
        return False

    def _put_in_force(self, kind: FailureKind, remedy: Remedy, output: ProgramOutput | None) -> None:
        self._in_force[kind] = remedy
        changes: dict[str, object] = {}
        if kind == "scf":
            changes = {"scf_words": remedy.words, "guess": remedy.guess}
            if remedy.max_cycles:
                changes["max_scf_cycles"] = max(remedy.max_cycles, self.settings.max_scf_cycles)
        elif kind == "geometry":
            changes = {"geometry_words": remedy.words}
            if remedy.max_cycles:
                changes["max_optimization_cycles"] = max(remedy.max_cycles, self.settings.max_optimization_cycles)
            if output is not None and output.geometry is not None:
                self.job = replace(self.job, geometry=output.geometry)
        if remedy.halves_cores:
            changes["n_cores"] = max(self.settings.n_cores // 2, 1)
        if remedy.single_core:
            changes["n_cores"] = 1
        self.settings = replace(self.settings, **changes)  # type: ignore[arg-type]

    def _described(self) -> str:
        return ", ".join(remedy.name for remedy in self._in_force.values()) or "as asked"
