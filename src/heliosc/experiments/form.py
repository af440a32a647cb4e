"""The form on which the laboratory reports back: its fields, and which of them are measured properties.

IE and EA by voltammetry stand under ``vertical_``: the zero of the CV scale is a convention, and the maps that lead
there start from vertical values (``heliosc.properties.scales``). Field names are stable: importing a returned form
reads them. Properties of the user's own (``heliosc.properties.own``) follow ours as fields of their own name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from heliosc.properties import PROPERTIES, PropertyKey
from heliosc.properties.names import own_properties

HEADER = ("field", "value", "unit", "how to fill it in")
REPLICATES = "more values of the same kind in columns value_2, value_3, ..."
Kind = Literal["text", "choice", "number", "property"]
MADE_ANSWERS: Mapping[str, str] = {"yes": "yes", "y": "yes", "true": "yes", "no": "no", "n": "no", "failed": "failed"}


@dataclass(frozen=True, slots=True)
class FormField:
    """One line of the form.

    Attributes
    ----------
    unit : ours; the laboratory may write another one into its cell
    key : of a measured property; None for what describes it
    conditions : other fields that belong to the value as its conditions
    """

    name: str
    unit: str
    guidance: str
    kind: Kind = "text"
    key: PropertyKey | None = None
    conditions: tuple[str, ...] = ()


def _property(
    name: str, unit: str, guidance: str, *, measured: str, level: str, conditions: tuple[str, ...]
) -> FormField:
    return FormField(name, unit, guidance, "property", PropertyKey(measured, level), conditions)


_ANY, _CV, _FILM = "experiment", "experiment-cv", "experiment-film"
_SOLUTION, _DEVICE = "experiment-solution", "experiment-device"
_LEVELS, _STACK = ("levels_conditions",), ("device_stack", "n_devices")
_NOTES = ("notes",)

IDENTITY: tuple[FormField, ...] = (
    FormField("candidate_id", "", "do not change"),
    FormField("smiles", "", "do not change"),
    FormField("inchikey", "", "do not change"),
)

FIELDS: tuple[FormField, ...] = (
    *IDENTITY,
    FormField("sample", "", "batch or replicate, if there are several forms for one compound"),
    FormField("made", "", "yes, no or failed", "choice"),
    FormField("failure_reason", "", "if no or failed: which step and why; a failed synthesis is a result too"),
    FormField("synthesis_steps", "", "number of steps from commercial starting materials", "number"),
    FormField("yield_overall", "%", "overall isolated yield", "number"),
    FormField("purity", "%", "with the method in purity_method", "number"),
    FormField("purity_method", "", "NMR, HPLC, elemental analysis"),
    FormField("side_chains", "", "SMILES of the compound as made, if the side chains differ"),
    _property(
        "ie_cv", "eV", "from the oxidation onset; say the reference in levels_conditions",
        measured="vertical_ionization_energy", level=_CV, conditions=_LEVELS,
    ),
    _property(
        "ea_cv", "eV", "from the reduction onset, positive",
        measured="vertical_electron_affinity", level=_CV, conditions=_LEVELS,
    ),
    _property("ie_ups", "eV", "film", measured="vertical_ionization_energy", level=_FILM, conditions=_LEVELS),
    _property(
        "ea_ipes", "eV", "film, positive", measured="vertical_electron_affinity", level=_FILM, conditions=_LEVELS
    ),
    FormField("levels_conditions", "", "solvent, electrolyte, reference (Fc/Fc+ = 4.8 or 5.1 eV?), substrate"),
    _property(
        "absorption_onset_solution", "nm", "with the solvent in levels_conditions",
        measured="optical_gap", level=_SOLUTION, conditions=_LEVELS,
    ),
    _property("absorption_onset_film", "nm", "", measured="optical_gap", level=_FILM, conditions=_LEVELS),
    _property(
        "mobility_hole", "cm2/(V s)", "method and geometry in notes",
        measured="hole_mobility", level=_DEVICE, conditions=(*_STACK, *_NOTES),
    ),
    _property(
        "mobility_electron", "cm2/(V s)", "method and geometry in notes",
        measured="electron_mobility", level=_DEVICE, conditions=(*_STACK, *_NOTES),
    ),
    FormField("device_stack", "", "layers, thicknesses, processing, blend partner and ratio"),
    _property("voc", "V", "mean", measured="open_circuit_voltage", level=_DEVICE, conditions=_STACK),
    _property("jsc", "mA/cm2", "mean", measured="short_circuit_current", level=_DEVICE, conditions=_STACK),
    _property("ff", "%", "mean", measured="fill_factor", level=_DEVICE, conditions=_STACK),
    _property(
        "pce_mean", "%", "mean of all working devices, not the best one",
        measured="power_conversion_efficiency", level=_DEVICE, conditions=_STACK,
    ),
    FormField("pce_sd", "%", "standard deviation", "number"),
    FormField("n_devices", "", "number of devices in the mean", "number"),
    FormField("eqe_max", "%", "", "number"),
    FormField("operator", "", ""),
    FormField("date", "", "YYYY-MM-DD"),
    FormField("notes", "", REPLICATES),
)  # fmt: skip


def form_fields() -> tuple[FormField, ...]:
    """Every field, those of the user's own properties before the operator's."""
    own = tuple(
        _property(name, PROPERTIES[name].unit, PROPERTIES[name].meaning, measured=name, level=_ANY, conditions=_NOTES)
        for name in own_properties()
    )
    at = next(i for i, field in enumerate(FIELDS) if field.name == "operator")
    return (*FIELDS[:at], *own, *FIELDS[at:])


def form_rows(candidate_id: str, smiles: str, inchikey: str) -> list[tuple[str, str, str, str]]:
    """Rows under ``HEADER``; the identity is filled in, the rest is empty."""
    known = {"candidate_id": candidate_id, "smiles": smiles, "inchikey": inchikey}
    return [(field.name, known.get(field.name, ""), field.unit, field.guidance) for field in form_fields()]
