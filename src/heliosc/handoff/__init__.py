"""What the synthesis laboratory gets. Import from ``heliosc.handoff.package``."""
