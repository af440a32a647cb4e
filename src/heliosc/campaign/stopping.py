"""When a campaign ends before its last round: budget spent, time over, nothing gained any more."""

from __future__ import annotations

from collections.abc import Sequence

from heliosc.campaign.records import RoundRecord
from heliosc.config import StoppingSettings

HOUR_S = 3600.0


def reason_to_stop(settings: StoppingSettings, history: Sequence[RoundRecord]) -> str | None:
    """Why no further round should begin; None while one should."""
    core_hours = sum(record.core_seconds for record in history) / HOUR_S
    if settings.core_hours is not None and core_hours >= settings.core_hours:
        return (
            f"{core_hours:.2f} core hours of calculations are spent (campaign.stop.core_hours={settings.core_hours:g})"
        )
    hours = sum(sum(record.timing_s.values()) for record in history) / HOUR_S
    if settings.hours is not None and hours >= settings.hours:
        return f"it has run for {hours:.2f} hours (campaign.stop.hours={settings.hours:g})"
    n = settings.plateau_rounds
    if n is not None and len(history) > n and not _has_grown(history[-n - 1], history[-1], by=settings.plateau_gain):
        return (
            f"the hypervolume of no role grew by {settings.plateau_gain:.0%} in {n} rounds "
            f"(campaign.stop.plateau_rounds={n})"
        )
    return None


def _has_grown(before: RoundRecord, now: RoundRecord, *, by: float) -> bool:
    """Whether the hypervolume of any role has grown by a share of what it was, or at all from nothing."""
    pairs = [(before.hypervolume.get(role, 0.0), volume) for role, volume in now.hypervolume.items()]
    return any(volume > old * (1 + by) for old, volume in pairs)
