"""Our docstrings for the reference: ``name : what it is`` has no type in it, since types stand in the signature."""

from __future__ import annotations

import re
from typing import Any

import griffe

_SECTION = re.compile(r"^ *(?:Parameters|Attributes|Raises)\n *-{3,}\n(?:.*\n?)+?(?=\n\n|\Z)", re.MULTILINE)
_ENTRY = re.compile(r"^(?P<indent> *)(?P<names>[A-Za-z_*][\w*, ]*?) : (?P<text>.*)$", re.MULTILINE)


class PlainEntries(griffe.Extension):
    """Puts the words of an entry on a line of their own, where a numpy docstring has them."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        if obj.docstring is not None:
            obj.docstring.value = _SECTION.sub(lambda found: _rewritten(found.group()), obj.docstring.value)


def _rewritten(section: str) -> str:
    return _ENTRY.sub(lambda entry: f"{entry['indent']}{entry['names']}\n{entry['indent']}    {entry['text']}", section)
