"""Files of a package: safe names, checksums, archives that are equal byte for byte when their content is."""

from __future__ import annotations

import hashlib
import re
import zipfile
from collections.abc import Mapping
from io import BytesIO

MANIFEST = "manifest.sha256"
_EPOCH = (1980, 1, 1, 0, 0, 0)
_MAX_NAME = 80


def safe_name(name: str) -> str:
    """A file name that stays in its folder on every system; altered names carry a hash so that they stay distinct."""
    cleaned = re.sub(r"[^A-Za-z0-9._-]+", "_", name).strip("._-")[:_MAX_NAME]
    if name and cleaned == name:
        return cleaned
    return f"{cleaned or 'candidate'}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def manifest(files: Mapping[str, bytes]) -> bytes:
    """Checksums in the format of ``sha256sum --check``."""
    lines = (f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in sorted(files.items()))
    return "".join(lines).encode()


def with_manifest(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The files and their manifest."""
    return {**files, MANIFEST: manifest(files)}


def zip_bytes(files: Mapping[str, bytes]) -> bytes:
    """A zip with sorted entries and fixed times."""
    stream = BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in sorted(files.items()):
            entry = zipfile.ZipInfo(name, date_time=_EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content)
    return stream.getvalue()
