"""Environment variables by which a process tells those that it starts."""

from __future__ import annotations

OWN_PROPERTIES = "HELIOSC_PROPERTIES"
"""Path of the YAML file with the user's own properties; see ``heliosc.properties.own``."""
