from pathlib import Path

import pytest

from heliosc.errors import InputError, ResourceError
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


def test_somebodys_own_folder_is_never_replaced(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "thesis.tex").write_text("years")
    with pytest.raises(InputError, match=r"holds thesis.tex"), folder_written_atomically(project) as scratch:
        (scratch / "config.json").touch()
    assert (project / "thesis.tex").read_text() == "years"
    assert [path.name for path in tmp_path.iterdir()] == ["project"]
    (project / "config.json").touch()  # an earlier model, with a page beside it
    with folder_written_atomically(project) as scratch:
        (scratch / "config.json").write_text("new")
    assert [path.name for path in project.iterdir()] == ["config.json"]
