"""Reading the pages: fenced blocks with their language, and why some are only shown."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

DOCS = Path(__file__).parents[3] / "docs"
PAGES = sorted(page for page in DOCS.rglob("*.md") if page.relative_to(DOCS).parts[0] != "reference")
_FENCE = re.compile(
    r"^(?P<indent> *)(?:<!-- shown only: (?P<reason>[^\n]+?) -->\n *)?```(?P<language>\w*)[^\n]*\n(?P<text>.*?)^ *```",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block; ``reason`` tells why it is only shown."""

    page: Path
    language: str
    text: str
    reason: str | None

    @property
    def name(self) -> str:
        return self.page.relative_to(DOCS).as_posix()


def blocks(page: Path, language: str) -> list[Block]:
    """Fenced blocks of one language, dedented."""
    found = []
    for match in _FENCE.finditer(page.read_text(encoding="utf-8")):
        if match["language"] == language:
            text = "\n".join(line.removeprefix(match["indent"]) for line in match["text"].splitlines())
            found.append(Block(page, language, text, match["reason"]))
    return found
