"""The form on which the laboratory reports back, as rows of field, value, unit and help.

The field names are stable: importing a returned form reads them.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from io import StringIO
from typing import Any

from heliosc.campaign.records import CandidateRecord

HEADER = ("field", "value", "unit", "how to fill it in")

_QUESTIONS: tuple[tuple[str, str, str], ...] = (
    ("made", "", "yes, no or failed"),
    ("failure_reason", "", "if no or failed: which step and why; a failed synthesis is a result too"),
    ("synthesis_steps", "", "number of steps from commercial starting materials"),
    ("yield_overall", "%", "overall isolated yield"),
    ("purity", "%", "with the method in purity_method"),
    ("purity_method", "", "NMR, HPLC, elemental analysis"),
    ("side_chains", "", "SMILES of the compound as made, if the side chains differ"),
    ("ie_cv", "eV", "from the oxidation onset; say the reference in levels_conditions"),
    ("ea_cv", "eV", "from the reduction onset, positive"),
    ("ie_ups", "eV", "film"),
    ("ea_ipes", "eV", "film, positive"),
    ("levels_conditions", "", "solvent, electrolyte, reference (Fc/Fc+ = 4.8 or 5.1 eV?), substrate"),
    ("absorption_onset_solution", "nm", "with the solvent in levels_conditions"),
    ("absorption_onset_film", "nm", ""),
    ("mobility_hole", "cm2/(V s)", "method and geometry in notes"),
    ("mobility_electron", "cm2/(V s)", "method and geometry in notes"),
    ("device_stack", "", "layers, thicknesses, processing, blend partner and ratio"),
    ("voc", "V", "mean"),
    ("jsc", "mA/cm2", "mean"),
    ("ff", "%", "mean"),
    ("pce_mean", "%", "mean of all working devices, not the best one"),
    ("pce_sd", "%", "standard deviation"),
    ("n_devices", "", "number of devices in the mean"),
    ("eqe_max", "%", ""),
    ("operator", "", ""),
    ("date", "", "YYYY-MM-DD"),
    ("notes", "", ""),
)


def return_form_rows(candidate: CandidateRecord) -> list[tuple[str, str, str, str]]:
    """Rows under ``HEADER``; the identity is filled in, the rest is empty."""
    known = [
        ("candidate_id", candidate.id, "", "do not change"),
        ("smiles", candidate.smiles, "", "do not change"),
        ("inchikey", candidate.inchikey, "", "do not change"),
    ]
    return known + [(field, "", unit, guidance) for field, unit, guidance in _QUESTIONS]


def safe_cell(value: Any) -> Any:
    """A text that a spreadsheet could take for a formula gets a leading apostrophe; numbers pass."""
    if isinstance(value, str) and value[:1] in {"=", "+", "-", "@", "\t", "\r"}:
        return f"'{value}"
    return value


def csv_text(header: Iterable[str], rows: Iterable[Iterable[Any]]) -> str:
    """CSV with formula-safe texts."""
    stream = StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(list(header))
    writer.writerows([safe_cell(value) for value in row] for row in rows)
    return stream.getvalue()
