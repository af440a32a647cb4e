"""A tiny campaign that kills itself: ``python interrupted_campaign.py FOLDER POOL MOMENT [KEY=VALUE ...]``.

MOMENT is ``never``; ``boundary``, when the second stage of this process is done and not yet written down; or
``calculation``, when the first calculation that this process sees has ended.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from heliosc.campaign.loop import Campaign
from heliosc.campaign.progress import Progress
from heliosc.campaign.run_folder import RunFolder, RunState
from heliosc.config import load_config

SETTINGS = [
    "campaign.rounds=2", "campaign.batch_size=3", "campaign.handoff_best=0",
    "campaign.prices=estimated", "selection.min_heavy_atoms=8",
    "generator.sources={pool: 1.0}", "generator.n_samples=40", "surrogate.fine_tune_epochs=1",
    "qc.max_workers=2", "qc.response=[]", "qc.n_conformers=1",
]  # fmt: skip


class Killer:
    """Sends SIGKILL to this process at its moment."""

    def __init__(self, moment: str) -> None:
        self._moment = moment
        self._n_stages = 0
        self._write_state = RunFolder.write_state

    def install(self) -> None:
        killer = self

        def write_state(folder: RunFolder, state: RunState) -> None:
            killer._n_stages += 1
            if killer._moment == "boundary" and killer._n_stages == 2:
                os.kill(os.getpid(), signal.SIGKILL)
            killer._write_state(folder, state)

        RunFolder.write_state = write_state  # type: ignore[method-assign]

    def hear(self, progress: Progress) -> None:
        if self._moment == "calculation" and progress.stage == "computing" and progress.done == 1:
            os.kill(os.getpid(), signal.SIGKILL)


def main(folder: Path, pool: Path, moment: str, overrides: list[str]) -> None:
    """Go on with the campaign of a folder until its end or the moment."""
    config = load_config(None, [*SETTINGS, f"generator.pool={pool}", *overrides])
    killer = Killer(moment)
    killer.install()
    Campaign(config, RunFolder(folder), listener=killer.hear).run()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], sys.argv[4:])
