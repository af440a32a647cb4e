"""Figures of trainings and campaigns, written down beside them and sent on to MLflow and TensorBoard.

Everything is appended to a journal on disk first (``Journal``); a thread for each configured place (``Sender``) reads
the journal and sends what is new. A place that is dead or slow holds nobody up and loses nothing: the journal remembers
how far each place has come, and the next start, or ``heliosc tracking send``, goes on from there.
"""

from __future__ import annotations

from heliosc.tracking.journal import Journal
from heliosc.tracking.places import Destination, Place, destinations
from heliosc.tracking.settings import TrackingSettings
from heliosc.tracking.tracker import Tracker, open_tracker

__all__ = ["Destination", "Journal", "Place", "Tracker", "TrackingSettings", "destinations", "open_tracker"]
