"""The vocabulary: property names, units, signs, levels of theory, records and tables."""

from heliosc.properties.levels import (
    DEFAULT_TARGETS,
    LEVELS,
    XTB_IONIZATION_SHIFT_EV,
    LevelOfTheory,
    PropertyKey,
    level_of_theory,
)
from heliosc.properties.names import PROPERTIES, PropertyDefinition, property_definition
from heliosc.properties.records import CalculationFailure, CalculationResult, PropertyRecord
from heliosc.properties.tables import PredictionTable, PropertyTable

__all__ = [
    "DEFAULT_TARGETS",
    "LEVELS",
    "PROPERTIES",
    "XTB_IONIZATION_SHIFT_EV",
    "CalculationFailure",
    "CalculationResult",
    "LevelOfTheory",
    "PredictionTable",
    "PropertyDefinition",
    "PropertyKey",
    "PropertyRecord",
    "PropertyTable",
    "level_of_theory",
    "property_definition",
]
