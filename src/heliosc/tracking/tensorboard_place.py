"""TensorBoard as a place: event files in ``FOLDER/RUN``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from heliosc.errors import MissingDependencyError
from heliosc.tracking.journal import Entry, RunIdentity

INSTALL = "pip install 'heliosc[tracking]'"


class TensorBoardPlace:
    """One run in a folder of event files.

    Raises
    ------
    MissingDependencyError : TensorBoard is not installed
    """

    def __init__(self, folder: Path) -> None:
        try:
            import torch.utils.tensorboard  # noqa: F401 - it wants the tensorboard package
        except ImportError as error:
            raise MissingDependencyError(f"TensorBoard is not installed ({error}); get it with: {INSTALL}") from error
        self._folder = folder
        self._writer: Any = None

    def begin(self, run: RunIdentity, known: str | None) -> str:
        from torch.utils.tensorboard import SummaryWriter

        name = f"{run.name}-{run.mark[:6]}"
        if known is not None and not (self._folder / known).is_dir():
            name += "-again"  # the event files were removed: everything is written once more
        self._writer = SummaryWriter(str(self._folder / name))
        return name

    def write(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            self._add(entry)
        self._writer.flush()

    def _add(self, entry: Entry) -> None:
        match entry.kind:
            case "metrics":
                for name, value in entry.values.items():
                    self._writer.add_scalar(name, value, entry.step, walltime=entry.time_s)
            case "parameters" | "tags":
                table = "\n".join(f"| {name} | {value} |" for name, value in entry.values.items())
                self._writer.add_text(entry.kind, f"| name | value |\n|---|---|\n{table}", walltime=entry.time_s)
            case "image":
                self._add_image(entry)
            case "file":
                text = f"`{entry.path}`"
                self._writer.add_text(f"files/{entry.name}", text, entry.step, walltime=entry.time_s)

    def end(self) -> None:
        self._writer.close()

    def _add_image(self, entry: Entry) -> None:
        import numpy as np
        from PIL import Image

        if entry.path is None or not Path(entry.path).is_file():
            return  # it was moved since
        with Image.open(entry.path) as image:
            pixels = np.asarray(image.convert("RGB"))
        self._writer.add_image(entry.name, pixels, entry.step, walltime=entry.time_s, dataformats="HWC")
