"""Downloads of the sources from their public homes: resumed where they stopped, checked, never half a file.

A download grows as ``NAME.part``; the next call asks the server for the rest (HTTP ``Range``), guarded by the file's
validator (``If-Range``), so that a file that changed meanwhile is fetched whole. Where its home publishes no checksum,
the first download records one beside the file, and later downloads and merges can be compared with it.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from pathlib import Path

from heliosc.datasets.declaration import Download, SourceDeclaration
from heliosc.errors import InputError, ResourceError, TransientError
from heliosc.files import ensure_folder, write_atomically

TIMEOUT_S = 30
_BLOCK = 1 << 20
_AGENT = {"User-Agent": "heliosc"}

Listener = Callable[[str, int, int | None], None]
"""Called with file name, bytes so far, bytes in all (None where the server does not say)."""


@dataclass(frozen=True, slots=True)
class FetchedFile:
    """One file of a source on this disk.

    Attributes
    ----------
    was_checked : its checksum equals a published or earlier recorded one
    """

    path: Path
    sha256: str
    n_bytes: int
    was_checked: bool


def fetch(declaration: SourceDeclaration, folder: Path, *, listener: Listener = lambda *_: None) -> list[FetchedFile]:
    """Download all files of a source into ``folder/NAME``; what is there and right is left alone.

    Raises
    ------
    InputError : the source has no public download, the server refuses, or the checksum differs
    TransientError : the connection broke; the same call goes on where it stopped
    ResourceError : the folder cannot be written
    """
    if not declaration.downloads:
        way = (
            f"pip install {declaration.package}"
            if declaration.package
            else f"heliosc data fetch {declaration.name} --from FILE"
        )
        raise InputError(f"source {declaration.name} has no public direct download; get it with: {way}")
    place = ensure_folder(folder / declaration.name)
    return [_fetch_one(download, place, listener) for download in declaration.downloads]


def fetch_from(declaration: SourceDeclaration, file: Path, folder: Path) -> FetchedFile:
    """Copy a file that the user already has into ``folder/NAME``, checked as a download would be.

    Raises
    ------
    InputError : no such file, its name is not one of the source's, or the checksum differs
    ResourceError : the folder cannot be written
    """
    if not file.is_file():
        raise InputError(f"no file {file}; give the path of your copy of {declaration.name}")
    if not any(file.match(pattern) for pattern in declaration.files):
        raise InputError(
            f"{file.name} is no file name of {declaration.name}; expected {' or '.join(declaration.files)}; "
            "rename your copy"
        )
    place = ensure_folder(folder / declaration.name)
    published = {download.file: download.sha256 for download in declaration.downloads}
    partial = place / f"{file.name}.part"
    try:
        shutil.copyfile(file, partial)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise ResourceError(f"cannot copy {file} to {place}: {error.strerror or error}") from error
    return _accept(partial, place / file.name, expected=published.get(file.name))


def _fetch_one(download: Download, place: Path, listener: Listener) -> FetchedFile:
    target = place / download.file
    known = download.sha256 or _recorded(target)
    if target.is_file() and known is not None and _hash(target) == known:
        return FetchedFile(target, known, target.stat().st_size, was_checked=True)
    partial = place / f"{download.file}.part"
    _download(download, partial, listener)
    return _accept(partial, target, expected=known)


def _download(download: Download, partial: Path, listener: Listener) -> None:
    """Bring ``partial`` to its full length.

    Raises
    ------
    InputError : the server refuses, or answers with a web page
    TransientError : the connection broke, or the server sent another part than asked for
    ResourceError : the disk is full or not writable
    """
    validator_file = partial.with_name(f"{partial.name}.json")
    offset, validator = _resume_point(partial, validator_file)
    headers = _AGENT | ({"Range": f"bytes={offset}-", "If-Range": validator} if offset and validator else {})
    try:
        with urllib.request.urlopen(_request(download.url, headers), timeout=TIMEOUT_S) as response:  # noqa: S310
            _refuse_web_page(response, download)
            is_rest = response.status == 206
            if is_rest and not _starts_at(response, offset):
                validator_file.unlink(missing_ok=True)
                raise TransientError(
                    f"{download.url}: the server sent another part than was asked for; the same command begins anew"
                )
            write_atomically(validator_file, json.dumps({"validator": _validator(response), "url": download.url}))
            length = response.headers.get("Content-Length")
            start = offset if is_rest else 0
            total = start + int(length) if length and length.isdigit() else None
            _receive(response, partial, start=start, total=total, report=lambda n: listener(download.file, n, total))
    except urllib.error.HTTPError as error:
        if error.code == 416 and offset:  # the part is longer than the file is now: begin again
            partial.unlink(missing_ok=True)
            return _download(download, partial, listener)
        kind = TransientError if error.code >= 500 or error.code == 429 else InputError
        raise kind(f"{download.url}: the server answers {error.code} {error.reason}; see the source's page") from error
    except (urllib.error.URLError, HTTPException, TimeoutError, ConnectionError) as error:
        raise TransientError(
            f"{download.url}: {error}; what has come is kept, the same command goes on from there"
        ) from error
    validator_file.unlink(missing_ok=True)
    return None


def _receive(
    response: HTTPResponse, partial: Path, *, start: int, total: int | None, report: Callable[[int], None]
) -> None:
    n_bytes = start
    try:
        with partial.open("r+b" if start else "wb") as stream:
            stream.seek(start)
            stream.truncate()
            while block := response.read(_BLOCK):
                stream.write(block)
                n_bytes += len(block)
                report(n_bytes)
            stream.flush()
            os.fsync(stream.fileno())
    except (ConnectionError, TimeoutError, HTTPException):
        raise
    except OSError as error:
        raise ResourceError(
            f"cannot write {partial}: {error.strerror or error}; free some space and try again"
        ) from error
    if total is not None and n_bytes < total:
        raise ConnectionError(f"the connection ended after {n_bytes} of {total} bytes")


def _accept(partial: Path, target: Path, *, expected: str | None) -> FetchedFile:
    """Check a complete download and put it in its place.

    Raises
    ------
    InputError : another checksum than expected; the file is set aside as ``.wrong``
    """
    digest = _hash(partial)
    if expected is not None and digest != expected:
        wrong = target.with_name(f"{target.name}.wrong")
        partial.replace(wrong)
        raise InputError(
            f"{target.name} has sha256 {digest}, expected {expected}; it is kept as {wrong}. "
            f"If the source has a new version, remove {_record(target)} and fetch again"
        )
    n_bytes = partial.stat().st_size
    partial.replace(target)
    write_atomically(_record(target), f"{digest}  {target.name}\n")
    return FetchedFile(target, digest, n_bytes, was_checked=expected is not None)


def _resume_point(partial: Path, validator_file: Path) -> tuple[int, str | None]:
    try:
        validator = json.loads(validator_file.read_text())["validator"]
        return partial.stat().st_size, validator if isinstance(validator, str) else None
    except (OSError, ValueError, KeyError, TypeError):
        return 0, None


def _request(url: str, headers: dict[str, str]) -> urllib.request.Request:
    if not url.startswith(("http://", "https://")):
        raise InputError(f"{url} is no web address; expected https://...")
    return urllib.request.Request(url, headers=headers)  # noqa: S310


def _validator(response: HTTPResponse) -> str | None:
    """What names this version of the file: a strong ETag, or its date."""
    tag = response.headers.get("ETag")
    return tag if tag and not tag.startswith("W/") else response.headers.get("Last-Modified")


def _refuse_web_page(response: HTTPResponse, download: Download) -> None:
    """A share that has moved often answers 200 with a page for people."""
    if response.headers.get_content_type() == "text/html":
        raise InputError(
            f"{download.url}: the server answers with a web page instead of {download.file}; look there what has "
            "changed, then hand the file over with --from FILE"
        )


def _starts_at(response: HTTPResponse, offset: int) -> bool:
    return str(response.headers.get("Content-Range", "")).startswith(f"bytes {offset}-")


def _recorded(target: Path) -> str | None:
    try:
        digest = _record(target).read_text().split()[0]
    except (OSError, IndexError, UnicodeDecodeError):
        return None
    return digest if len(digest) == 64 else None


def _record(target: Path) -> Path:
    return target.with_name(f"{target.name}.sha256")


def _hash(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
