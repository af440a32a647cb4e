"""``heliosc run --continuous`` and ``--pause``: what the command line adds to the campaign's own loop."""

from __future__ import annotations

import getpass
from pathlib import Path

from heliosc.campaign.continuous import BetweenRounds, add_promoted, read_promoted
from heliosc.campaign.records import read_candidates
from heliosc.campaign.run_folder import RunFolder, find_run
from heliosc.cli.commands.promote import ledgers_of_run
from heliosc.cli.commands.results import write_handoff
from heliosc.cli.errors import messages
from heliosc.config import Config
from heliosc.errors import InputError
from heliosc.files import write_atomically


def between_rounds(config: Config, folder: RunFolder) -> BetweenRounds:
    """The intake of forms and the wait for the laboratory of one run, told on the terminal."""
    return BetweenRounds(folder, config.campaign.continuous, who=getpass.getuser(), tell=_tell)


def promote_round(folder: RunFolder) -> list[str]:
    """Judge what is computed, and write the packages of all that were ever promoted; returns those that are new.

    Raises
    ------
    HelioscError : see ``heliosc promote`` and ``heliosc handoff``
    """
    from heliosc.handoff.promotion.criteria import load_criteria
    from heliosc.handoff.promotion.ledger import Decision

    if not any(record.computed for record in read_candidates(folder.path)):
        return []
    ledgers = ledgers_of_run(str(folder.path), load_criteria(), ids=None, runs=folder.path.parent)
    new = add_promoted(folder, [item.candidate_id for item in ledgers if item.decision is Decision.PROMOTED])
    if new:
        promoted, settings = read_promoted(folder), folder.read_config().campaign
        write_handoff(folder, promoted, best=len(promoted), optical_level=settings.optical_level)
        _tell(f"promoted: {', '.join(new)}; packages in {folder.path / 'handoff'}")
    return new


def pause_run(runs: Path, name: str) -> str:
    """Ask a run to stop before its next stage; returns what will happen, in words.

    Raises
    ------
    InputError : no such run, or it is not in progress
    """
    folder = find_run(runs, name)
    if not folder.is_in_progress():
        raise InputError(
            f"run {folder.id} is not in progress, so there is nothing to pause; `heliosc status` shows runs"
        )
    write_atomically(folder.pause_file, "")
    return f"Run {folder.id} stops before its next stage; the command that started it goes on from there."


def _tell(text: str) -> None:
    messages.print(text, markup=False, soft_wrap=True)
