"""The models a campaign starts from: the user's folder, or the weights that ship with heliosc."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from heliosc.errors import InputError

if TYPE_CHECKING:
    from heliosc.generation.jtvae import JTVAE
    from heliosc.surrogates.ensemble import SurrogateEnsemble

WEIGHTS = Path(__file__).parents[1] / "weights"
SHIPPED_SURROGATE = WEIGHTS / "surrogate"
SHIPPED_GENERATOR = WEIGHTS / "generator"


def surrogate_folder(folder: Path | None) -> Path:
    """The folder asked for, the one that a ``promoted.json`` names, or the shipped one.

    Raises
    ------
    InputError : there is no such folder, or the promoted model is another by now
    """
    if folder is not None and folder.is_file():
        from heliosc.surrogates.versions import follow_pointer

        return follow_pointer(folder)
    return _existing(folder or SHIPPED_SURROGATE, how="heliosc train surrogate")


def generator_folder(folder: Path | None) -> Path:
    """The folder asked for, or the shipped one.

    Raises
    ------
    InputError : there is no such folder
    """
    return _existing(folder or SHIPPED_GENERATOR, how="heliosc train generator")


def load_surrogate(folder: Path | None = None, *, device: str = "auto") -> SurrogateEnsemble:
    """Load the surrogate; damaged folders are refused with the reason."""
    from heliosc.surrogates.ensemble import SurrogateEnsemble

    return SurrogateEnsemble.load(surrogate_folder(folder), device=device)


def load_generator(folder: Path | None = None, *, device: str = "auto") -> JTVAE:
    """Load the generator; damaged folders are refused with the reason."""
    from heliosc.generation.jtvae import JTVAE

    return JTVAE.load(generator_folder(folder), device=device)


def _existing(folder: Path, *, how: str) -> Path:
    if not folder.is_dir():
        raise InputError(f"there is no model folder {folder}; make one with `{how}`")
    return folder
