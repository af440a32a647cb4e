"""Text of an output file: plain or gzip, of a limited size, with its checksum."""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass
from pathlib import Path

from heliosc.errors import ParseError, ResourceError

MAX_LOG_MB = 256
"""Read within a quarter of a minute and 1 GiB of memory; larger outputs print integrals that nobody needs."""

_MB = 1_048_576
_GZIP = b"\x1f\x8b"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")  # what redirecting an output in PowerShell gives
_MAX_LINE = 10_000
_WITH_HEADER = 31  # zlib's word for the gzip container


@dataclass(frozen=True, slots=True)
class LogFile:
    """One file as it was read.

    Attributes
    ----------
    name : path relative to the folder that was walked
    sha256 : of the bytes on disk
    """

    name: str
    sha256: str
    text: str


def read_log(path: Path, *, name: str, max_mb: int = MAX_LOG_MB) -> LogFile:
    """Read one file.

    Raises
    ------
    ResourceError : larger than the limit, also when unpacked, or not readable
    ParseError : a broken gzip file
    """
    limit = max_mb * _MB
    try:
        size = path.stat().st_size
        if size > limit:
            raise _too_large(name, f"has {size / _MB:.0f} MiB", max_mb)
        data = path.read_bytes()
    except OSError as error:
        raise ResourceError(f"cannot read {name}: {error.strerror or error}; check its permissions") from error
    content = _unpack(data, name=name, limit=limit) if data.startswith(_GZIP) else data
    if len(content) > limit:
        raise _too_large(name, "unpacks to more", max_mb)
    encoding = "utf-16" if content.startswith(_UTF16) else "utf-8"
    text = content.decode(encoding, errors="replace").replace("\r\n", "\n")
    if any("\n" not in text[start : start + _MAX_LINE] for start in range(0, len(text) - _MAX_LINE, _MAX_LINE)):
        raise ParseError(f"{name} has a line of more than {_MAX_LINE} characters; no program writes those")
    return LogFile(name, hashlib.sha256(data).hexdigest(), text)


def _unpack(data: bytes, *, name: str, limit: int) -> bytes:
    """Content of a gzip file of one or more members, at most one byte beyond the limit; a cut one as far as it goes."""
    content = bytearray()
    try:
        while data.startswith(_GZIP) and len(content) <= limit:
            unpacker = zlib.decompressobj(_WITH_HEADER)
            content += unpacker.decompress(data, limit + 1 - len(content))
            data = unpacker.unused_data
    except zlib.error as error:
        raise ParseError(f"{name} is a broken gzip file: {error}; copy it again") from error
    return bytes(content)


def _too_large(name: str, what: str, max_mb: int) -> ResourceError:
    return ResourceError(f"{name} {what}; expected at most {max_mb} MiB, raise --max-mb or print less in the job")
