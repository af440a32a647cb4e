from pathlib import Path

import pytest

from heliosc.errors import ResourceError
from heliosc.files import ensure_folder, folder_written_atomically, write_atomically


def test_a_failed_write_leaves_the_old_content(tmp_path: Path) -> None:
    target = tmp_path / "state.json"
    write_atomically(target, "old")
    with pytest.raises(TypeError):
        write_atomically(target, 3)  # type: ignore[arg-type]
    assert target.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["state.json"]


def test_a_folder_appears_only_when_complete(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    with pytest.raises(ResourceError, match="disk full"), folder_written_atomically(folder) as scratch:  # noqa: PT012
        (scratch / "half").touch()
        raise OSError("disk full")
    assert not list(tmp_path.iterdir())
    with folder_written_atomically(folder) as scratch:
        (scratch / "whole").touch()
    assert [path.name for path in folder.iterdir()] == ["whole"]


def test_a_place_that_cannot_be_written_is_explained(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    with pytest.raises(ResourceError, match="cannot write"):
        ensure_folder(blocked / "folder")
    with pytest.raises(ResourceError, match="check free space"):
        write_atomically(blocked / "x", "text")
