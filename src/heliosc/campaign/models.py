"""The models a campaign starts from: the user's folder, or the weights that ship with heliosc."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from heliosc.errors import InputError
from heliosc.selection.estimates import SA_SCORE
from heliosc.selection.roles import Role

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


def check_predicted(folder: Path | None, roles: Sequence[Role]) -> None:
    """Refuse roles that need what the surrogate does not predict, before anything is proposed for them.

    Raises
    ------
    InputError : names role, property and what is predicted; the folder is no model
    """
    file = surrogate_folder(folder) / "config.json"
    try:
        known = set(json.loads(file.read_bytes())["keys"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{file.parent} is not a surrogate that can be read ({error!r})") from error
    for role in roles:
        needed = [str(key) for key in role.keys if key != SA_SCORE]
        if missing := [key for key in needed if key not in known]:
            raise InputError(
                f"role {role.name} needs {', '.join(missing)}, and the surrogate {file.parent} predicts "
                f"{', '.join(sorted(known))}; train one that does (surrogate.target_columns) or change the role"
            )


def load_generator(folder: Path | None = None, *, device: str = "auto") -> JTVAE:
    """Load the generator; damaged folders are refused with the reason."""
    from heliosc.generation.jtvae import JTVAE

    return JTVAE.load(generator_folder(folder), device=device)


def _existing(folder: Path, *, how: str) -> Path:
    if not folder.is_dir():
        raise InputError(f"there is no model folder {folder}; make one with `{how}`")
    return folder
