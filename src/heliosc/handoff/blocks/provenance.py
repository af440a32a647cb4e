"""Where it all comes from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from heliosc.campaign.records import CandidateRecord
from heliosc.handoff.blocks.tables import Table, facts_table
from heliosc.handoff.labels import MISSING


def provenance(candidate: CandidateRecord, result: Mapping[str, Any], further: Mapping[str, str]) -> Table:
    """Proposal, calculation, versions, hashes."""
    wall_time = result.get("wall_time_s")
    return facts_table(
        "Provenance",
        {
            "Round": str(candidate.round),
            "Proposed by": candidate.source,
            "Why selected": candidate.reason,
            "Calculation": candidate.calculation_key or MISSING,
            "Engine": f"{result.get('program', MISSING)} {result.get('version', '')}".strip(),
            "Wall time": f"{wall_time:.1f} s" if wall_time is not None else MISSING,
            "Flags": ", ".join(map(str, result.get("details", {}).get("flags", []))) or "none",
            **further,
        },
    )
