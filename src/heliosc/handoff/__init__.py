"""What the synthesis laboratory gets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from heliosc.handoff.package import write_package

__all__ = ["write_package"]


def __getattr__(name: str) -> Any:
    """Load the function on first use: it brings RDKit and matplotlib with it."""
    if name == "write_package":
        from heliosc.handoff.package import write_package

        return write_package
    raise AttributeError(f"module 'heliosc.handoff' has no attribute {name!r}; it offers {', '.join(__all__)}")
