"""Declarations of the sources that heliosc knows, one YAML file each."""
