"""Where the files of a source are: given, downloaded, or inside an installed package."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from heliosc.datasets.declaration import SourceDeclaration, shipped_sources
from heliosc.errors import InputError, MissingDependencyError


@dataclass(frozen=True, slots=True)
class SourceFiles:
    """A source with its files, in the order they are read."""

    declaration: SourceDeclaration
    files: tuple[Path, ...]


def locate(declaration: SourceDeclaration, folders: Sequence[Path]) -> SourceFiles:
    """The files of a source: in its installed package, or in the first folder that has any.

    Raises
    ------
    InputError : none found
    MissingDependencyError : the package that carries them is not installed
    """
    if declaration.package is not None:
        return SourceFiles(declaration, _matching(declaration, package_folder(declaration.package), deep=True))
    for folder in folders:
        for candidate in (folder / declaration.name, folder):
            if candidate.is_dir() and (files := _matching(declaration, candidate)):
                return SourceFiles(declaration, files)
    places = ", ".join(map(str, folders))
    next_step = (
        f"get it with: heliosc data fetch {declaration.name}, or name it: {declaration.name}=FILE"
        if declaration.name in shipped_sources()
        else "put it there, or correct `files` in the column map"
    )
    raise InputError(f"no file of source {declaration.name} ({', '.join(declaration.files)}) in {places}; {next_step}")


def given_files(declaration: SourceDeclaration, path: Path) -> SourceFiles:
    """Files that the user names: one file, or a folder searched for the declared names.

    Raises
    ------
    InputError : there is no such file, or none in the folder
    """
    if path.is_dir():
        files = _matching(declaration, path)
        if files:
            return SourceFiles(declaration, files)
    elif path.is_file():
        return SourceFiles(declaration, (path,))
    raise InputError(f"{path}: no file of source {declaration.name}; expected one named {', '.join(declaration.files)}")


def present_sources(folders: Sequence[Path]) -> list[SourceFiles]:
    """All shipped sources whose files are in one of the folders."""
    found = []
    for declaration in shipped_sources().values():
        try:
            found.append(locate(declaration, folders))
        except (InputError, MissingDependencyError):
            continue
    return found


def package_folder(package: str) -> Path:
    """Folder of an installed package, found without importing it.

    Raises
    ------
    MissingDependencyError : it is not installed
    """
    specification = importlib.util.find_spec(package)
    if specification is None or not specification.submodule_search_locations:
        raise MissingDependencyError(f"package {package} is not installed; get it with: pip install {package}")
    return Path(specification.submodule_search_locations[0])


def _matching(declaration: SourceDeclaration, folder: Path, *, deep: bool = False) -> tuple[Path, ...]:
    search = folder.rglob if deep else folder.glob
    found: dict[Path, None] = {}
    for pattern in declaration.files:
        found.update(dict.fromkeys(sorted(path for path in search(pattern) if path.is_file())))
    return tuple(found)
