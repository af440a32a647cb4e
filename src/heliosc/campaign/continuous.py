"""Between the rounds of a continuous run: forms are taken in, and no round begins while the laboratory is full.

``<run>/inbox/`` is where forms are dropped; what was read goes to ``inbox/taken/``, and into the laboratory's journal.
``<run>/to_laboratory.json`` lists the promoted candidates. A candidate waits until it is measured, failed or abandoned.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path

from heliosc.campaign.laboratory import import_returned, outcomes_of_run
from heliosc.campaign.run_folder import RunFolder
from heliosc.config import ContinuousSettings
from heliosc.errors import ParseError
from heliosc.experiments.importing import ImportedForm
from heliosc.experiments.states import State
from heliosc.files import ensure_folder, write_atomically

PROMOTED_FILE = "to_laboratory.json"
TAKEN_FOLDER = "taken"
_ANSWERED = frozenset({State.MEASURED, State.FAILED, State.ABANDONED})


@dataclass(frozen=True, slots=True)
class BetweenRounds:
    """What a continuous run does before a round begins.

    Attributes
    ----------
    who : takes the forms in, for the journal
    tell : hears what happens, in words
    sleep : waits so many seconds
    """

    folder: RunFolder
    settings: ContinuousSettings
    who: str
    tell: Callable[[str], None]
    sleep: Callable[[float], None] = time.sleep

    def take_in(self) -> list[ImportedForm]:
        """Read the forms of the inbox into the journal; a form that was read before a kill counts once.

        Raises
        ------
        ParseError : the journal or a run is damaged
        ResourceError : a folder cannot be written
        """
        inbox = ensure_folder(self.folder.inbox)
        files = sorted(file for file in inbox.iterdir() if file.is_file() and not file.name.startswith("."))
        if not files:
            return []
        forms = import_returned(self.folder.path.parent, files, who=self.who)
        taken = ensure_folder(inbox / TAKEN_FOLDER)
        for file in files:
            file.replace(_free_name(taken / file.name))
        for form in forms:
            self.tell(f"form {form.origin}: {form.status}, {form.candidate_id or form.reason}, {form.n_values} values")
        return forms

    def wait(self) -> bool:
        """Take in forms until there is room in the laboratory; False when a pause is asked for meanwhile."""
        is_told = False
        while not self.folder.pause_file.exists():
            self.take_in()
            n_waiting = len(waiting_candidates(self.folder))
            if n_waiting < self.settings.waiting:
                return True
            if not is_told:
                self.tell(
                    f"{n_waiting} candidates wait for the laboratory (campaign.continuous.waiting="
                    f"{self.settings.waiting}); drop returned forms into {self.folder.inbox}"
                )
                is_told = True
            self.sleep(self.settings.look_every_s)
        return False


def waiting_candidates(folder: RunFolder) -> list[str]:
    """Promoted candidates that the laboratory has not answered for.

    Raises
    ------
    ParseError : the journal, the run or the list is damaged
    """
    outcomes = outcomes_of_run(folder.path)
    return [name for name in read_promoted(folder) if name in outcomes and outcomes[name].state not in _ANSWERED]


def read_promoted(folder: RunFolder) -> list[str]:
    """Candidates that were promoted so far, in the order of their promotion.

    Raises
    ------
    ParseError : the list is damaged
    """
    file = folder.path / PROMOTED_FILE
    if not file.exists():
        return []
    try:
        return [str(name) for name in json.loads(file.read_text())]
    except (ValueError, TypeError) as error:
        raise ParseError(
            f"{file} is damaged ({error}); remove it, the next round judges all candidates anew"
        ) from error


def add_promoted(folder: RunFolder, names: Iterable[str]) -> list[str]:
    """Add to the promoted candidates; returns those that are new."""
    known = read_promoted(folder)
    new = [name for name in dict.fromkeys(names) if name not in known]
    if new:
        write_atomically(folder.path / PROMOTED_FILE, json.dumps([*known, *new], indent=1) + "\n")
    return new


def _free_name(path: Path) -> Path:
    """The path, or one beside it that is not taken."""
    names = (path.with_name(f"{path.stem}-{number}{path.suffix}") for number in count(2))
    return next(free for free in chain([path], names) if not free.exists())
