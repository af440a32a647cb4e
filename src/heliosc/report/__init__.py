"""The report of a run and the diagnostics of a round."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from heliosc.report.diagnostics import write_round_diagnostics
    from heliosc.report.html import write_report

__all__ = ["write_report", "write_round_diagnostics"]


def __getattr__(name: str) -> Any:
    """Load the functions on first use: they bring matplotlib and RDKit with them."""
    if name == "write_report":
        from heliosc.report.html import write_report

        return write_report
    if name == "write_round_diagnostics":
        from heliosc.report.diagnostics import write_round_diagnostics

        return write_round_diagnostics
    raise AttributeError(f"module 'heliosc.report' has no attribute {name!r}; it offers {', '.join(__all__)}")
