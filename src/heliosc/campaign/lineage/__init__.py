"""From which data, models and calculations a value came."""

from __future__ import annotations

from heliosc.campaign.lineage.origin import Origin
from heliosc.campaign.lineage.search import lineage

__all__ = ["Origin", "lineage"]
