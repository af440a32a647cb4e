"""Downloads against a local server: resumed by range, checked, honest about what went wrong."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from heliosc.datasets.declaration import SourceDeclaration
from heliosc.datasets.fetch import fetch, fetch_from
from heliosc.errors import InputError, ResourceError, TransientError

CONTENT = b"smiles,homo\n" + b"c1ccsc1,-6.1\n" * 200_000  # 2.6 MB
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@dataclass
class Home:
    """What the server does, and what it was asked."""

    content: bytes = CONTENT
    tag: str | None = '"v1"'
    status: int = 200
    break_after: int | None = None
    has_ranges: bool = True
    range_error: int = 0
    kind: str = "text/csv"
    asked: list[str | None] = field(default_factory=list)
    url: str = ""


class Handler(BaseHTTPRequestHandler):
    home: Home

    def do_GET(self) -> None:
        home = self.home
        asked = self.headers.get("Range")
        home.asked.append(asked)
        if home.status != 200:
            self.send_error(home.status)
            return
        is_same = self.headers.get("If-Range") == home.tag
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked and home.has_ranges and is_same else 0
        if start >= len(home.content):
            self.send_error(416)
            return
        start += home.range_error if start else 0
        body = home.content[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Type", home.kind)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(home.content) - 1}/{len(home.content)}")
        self.send_header("Content-Length", str(len(body)))
        if home.tag:
            self.send_header("ETag", home.tag)
        self.end_headers()
        self.wfile.write(body if home.break_after is None else body[: home.break_after])
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Silent."""


@pytest.fixture
def home() -> Iterator[Home]:
    state = Home()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("OneHome", (Handler,), {"home": state}))
    state.url = f"http://127.0.0.1:{server.server_port}/own.csv"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield state
    server.shutdown()
    server.server_close()
    thread.join()


def declaration(home: Home, sha256: str | None = None) -> SourceDeclaration:
    return SourceDeclaration.model_validate(
        {
            "name": "own",
            "title": "",
            "licence": {"name": ""},
            "files": ["own*.csv"],
            "smiles": ["smiles"],
            "downloads": [{"url": home.url, "file": "own.csv", "sha256": sha256}],
        }
    )


def test_a_download_is_whole_and_reported(home: Home, tmp_path: Path) -> None:
    seen: list[tuple[str, int, int | None]] = []
    (file,) = fetch(declaration(home, SHA256), tmp_path, listener=lambda *step: seen.append(step))
    assert file.path == tmp_path / "own" / "own.csv"
    assert file.path.read_bytes() == CONTENT
    assert (file.sha256, file.n_bytes, file.was_checked) == (SHA256, len(CONTENT), True)
    assert seen[-1] == ("own.csv", len(CONTENT), len(CONTENT))
    assert sorted(path.name for path in file.path.parent.iterdir()) == ["own.csv", "own.csv.sha256"]


def test_a_broken_download_goes_on_where_it_stopped(home: Home, tmp_path: Path) -> None:
    home.break_after = 1_500_000
    with pytest.raises(TransientError, match=r"1500000 of 2600012 bytes.*goes on from there"):
        fetch(declaration(home, SHA256), tmp_path)
    assert not (tmp_path / "own" / "own.csv").exists()
    home.break_after = None
    (file,) = fetch(declaration(home, SHA256), tmp_path)
    assert file.path.read_bytes() == CONTENT
    assert home.asked == [None, "bytes=1500000-"]


@pytest.mark.parametrize("change", ["content", "ranges", "no validator"])
def test_a_part_that_cannot_go_on_is_fetched_whole(home: Home, tmp_path: Path, change: str) -> None:
    home.tag = None if change == "no validator" else '"v1"'
    home.break_after = 1_000
    with pytest.raises(TransientError):
        fetch(declaration(home), tmp_path)
    home.break_after = None
    if change == "content":
        home.content, home.tag = CONTENT[::-1], '"v2"'
    home.has_ranges = change != "ranges"
    (file,) = fetch(declaration(home), tmp_path)
    assert file.path.read_bytes() == home.content


def test_another_part_than_asked_for_is_never_taken_for_the_file(home: Home, tmp_path: Path) -> None:
    home.break_after = 1_000_000
    with pytest.raises(TransientError):
        fetch(declaration(home), tmp_path)
    home.break_after, home.range_error = None, 7
    with pytest.raises(TransientError, match="another part than was asked for; the same command begins anew"):
        fetch(declaration(home), tmp_path)
    assert [file.sha256 for file in fetch(declaration(home), tmp_path)] == [SHA256]
    assert home.asked[2] is None


def test_a_web_page_is_never_taken_for_the_file(home: Home, tmp_path: Path) -> None:
    home.content, home.kind = b"<!DOCTYPE html><html>this share has expired</html>", "text/html; charset=utf-8"
    with pytest.raises(InputError, match=r"web page instead of own.csv.*--from FILE"):
        fetch(declaration(home), tmp_path)
    assert not (tmp_path / "own" / "own.csv").exists()


def test_what_is_there_and_right_is_not_fetched_again(home: Home, tmp_path: Path) -> None:
    fetch(declaration(home), tmp_path)
    (file,) = fetch(declaration(home), tmp_path)
    assert len(home.asked) == 1
    assert file.was_checked  # against what the first download recorded


def test_another_checksum_is_refused_and_the_file_kept_aside(home: Home, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=f"has sha256 {SHA256}, expected {'0' * 64}"):
        fetch(declaration(home, "0" * 64), tmp_path)
    assert sorted(path.name for path in (tmp_path / "own").iterdir()) == ["own.csv.wrong"]


def test_a_damaged_file_is_noticed_and_fetched_again(home: Home, tmp_path: Path) -> None:
    (file,) = fetch(declaration(home), tmp_path)
    file.path.write_bytes(CONTENT[:-1])
    (again,) = fetch(declaration(home), tmp_path)
    assert again.path.read_bytes() == CONTENT


@pytest.mark.parametrize(("status", "kind"), [(404, InputError), (403, InputError), (503, TransientError)])
def test_the_servers_refusal_is_told(home: Home, tmp_path: Path, status: int, kind: type[Exception]) -> None:
    home.status = status
    with pytest.raises(kind, match=f"the server answers {status}"):
        fetch(declaration(home), tmp_path)


def test_no_server_is_a_passing_trouble(home: Home, tmp_path: Path) -> None:
    gone = declaration(home).model_copy(
        update={"downloads": [declaration(home).downloads[0].model_copy(update={"url": "http://127.0.0.1:9/own.csv"})]}
    )
    with pytest.raises(TransientError, match="refused"):
        fetch(gone, tmp_path)


def test_an_own_copy_is_taken_and_checked(home: Home, tmp_path: Path) -> None:
    copy = tmp_path / "own_v2.csv"
    copy.write_bytes(CONTENT)
    file = fetch_from(declaration(home), copy, tmp_path / "data")
    assert file.path.read_bytes() == CONTENT
    assert not file.was_checked  # nothing is published for a file of this name
    other = tmp_path / "other.csv"
    other.write_bytes(b"")
    with pytest.raises(InputError, match=r"other.csv is no file name of own; expected own\*.csv"):
        fetch_from(declaration(home), other, tmp_path / "data")
    with pytest.raises(InputError, match="no file"):
        fetch_from(declaration(home), tmp_path / "absent.csv", tmp_path / "data")


def test_a_source_without_public_home_says_how_to_get_it(home: Home, tmp_path: Path) -> None:
    private = declaration(home).model_copy(update={"downloads": []})
    with pytest.raises(InputError, match="heliosc data fetch own --from FILE"):
        fetch(private, tmp_path)


def test_a_folder_that_cannot_be_made_is_told(home: Home, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ResourceError, match="cannot write"):
        fetch(declaration(home), tmp_path / "file")
