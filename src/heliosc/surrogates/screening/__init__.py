"""Prediction of files of any size: streamed, on all cores, resumable, with the best kept on the fly."""

from heliosc.surrogates.screening.ranking import Ranking
from heliosc.surrogates.screening.rows import Domain
from heliosc.surrogates.screening.run import Progress, ScreeningSettings, ScreeningSummary, screen
from heliosc.surrogates.screening.tables import QUARANTINE_COLUMNS, write_quarantine, write_table

__all__ = [
    "QUARANTINE_COLUMNS",
    "Domain",
    "Progress",
    "Ranking",
    "ScreeningSettings",
    "ScreeningSummary",
    "screen",
    "write_quarantine",
    "write_table",
]
