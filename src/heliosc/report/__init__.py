"""The report of a run and the diagnostics of a round. Import from ``heliosc.report.html`` and ``.diagnostics``."""
