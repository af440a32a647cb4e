"""From what stands in a form to measured values: each answer is a value, a fact, missing, or refused with a reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from heliosc.chemistry.identity import canonical_smiles
from heliosc.errors import InputError
from heliosc.experiments.form import FIELDS, MADE_ANSWERS, FormField, form_fields
from heliosc.experiments.numbers import is_missing, read_number, to_unit
from heliosc.experiments.reading.form_file import Answer, RawForm
from heliosc.properties import PropertyKey
from heliosc.properties.plausibility import possible_range

_USUAL: Mapping[str, tuple[float, float, str]] = {
    "ie_cv": (3.5, 9.0, "a level instead of an energy, or against a reference electrode?"),
    "ie_ups": (3.5, 9.0, "a level instead of an energy?"),
    "ea_cv": (0.5, 6.5, "a level instead of an energy, or against a reference electrode?"),
    "ea_ipes": (0.5, 6.5, "a level instead of an energy?"),
    "absorption_onset_solution": (0.4, 6.5, "nm and eV mistaken?"),
    "absorption_onset_film": (0.4, 6.5, "nm and eV mistaken?"),
    "voc": (0.0, 2.5, "mV?"),
    "jsc": (0.0, 60.0, "A/m2?"),
    "ff": (15.0, 95.0, "a fraction?"),
    "pce_mean": (0.0, 40.0, "another unit?"),
    "pce_sd": (0.0, 20.0, "another unit?"),
    "yield_overall": (0.0, 100.0, "another unit?"),
    "purity": (0.0, 100.0, "another unit?"),
    "n_devices": (1.0, 100_000.0, "another number?"),
    "eqe_max": (0.0, 100.0, "another unit?"),
    "mobility_hole": (0.0, 200.0, "another unit?"),
    "mobility_electron": (0.0, 200.0, "another unit?"),
}
"""Field -> lowest and highest value that is taken without asking, in our unit, and what else it may be."""

_FIELDS = {field.name: field for field in FIELDS}


@dataclass(frozen=True, slots=True)
class Measurement:
    """One measured value, in the unit of its key.

    Attributes
    ----------
    replicate : its place among the values of the field, from 0
    std : as the laboratory gave it
    n : devices or samples behind a mean
    conditions : how it was measured, in the laboratory's words
    """

    field: str
    replicate: int
    key: PropertyKey
    value: float
    std: float | None
    n: int | None
    conditions: str


@dataclass(frozen=True, slots=True)
class Refused:
    """An answer that cannot be used as it is."""

    field: str
    text: str
    unit: str
    reason: str


@dataclass(frozen=True, slots=True)
class CheckedForm:
    """All answers of a form, sorted.

    Attributes
    ----------
    made : yes, no, failed, or None where the form does not say
    smiles : of the compound as made; None = as proposed
    facts : field -> text of everything that is no property
    n_missing : answers that say that nothing is known
    """

    made: str | None
    smiles: str | None
    facts: Mapping[str, tuple[str, ...]]
    measurements: tuple[Measurement, ...]
    refused: tuple[Refused, ...]
    n_missing: int

    @property
    def n_answers(self) -> int:
        """Answers that came in; none is lost on the way."""
        n_facts = sum(len(texts) for texts in self.facts.values())
        return n_facts + len(self.measurements) + len(self.refused) + self.n_missing


def check_form(form: RawForm) -> CheckedForm:
    """Sort the answers of a form."""
    fields = {field.name: field for field in form_fields()}
    facts: dict[str, tuple[str, ...]] = {}
    measurements: list[Measurement] = []
    refused: list[Refused] = []
    n_missing = 0
    for name, answers in form.answers.items():
        field = fields.get(name)
        for index, answer in enumerate(answers):
            try:
                if field is None:
                    raise InputError("no field of this form; see the form of the hand-off")
                if is_missing(answer.text):
                    n_missing += 1
                elif field.kind == "property":
                    measurements.append(_measurement(field, answer, index, form))
                else:
                    facts[name] = (*facts.get(name, ()), _fact(field, answer))
            except InputError as error:
                refused.append(Refused(name, answer.text, answer.unit, str(error)))
    return CheckedForm(
        made=facts.get("made", (None,))[0],
        smiles=facts.get("side_chains", (None,))[0],
        facts=facts,
        measurements=tuple(measurements),
        refused=tuple(refused),
        n_missing=n_missing,
    )


def _fact(field: FormField, answer: Answer) -> str:
    if field.kind == "choice":
        if answer.text.lower() not in MADE_ANSWERS:
            raise InputError(f"{answer.text[:40]!r}; expected yes, no or failed")
        return MADE_ANSWERS[answer.text.lower()]
    if field.kind == "number":
        unit = field.unit or "1"
        number = to_unit(read_number(answer.text), unit=answer.unit or unit, ours=unit)
        _check_usual(field, number.value, unit)
        return f"{number.value:.12g}"
    if field.name == "side_chains":
        return canonical_smiles(answer.text)
    return answer.text


def _measurement(field: FormField, answer: Answer, index: int, form: RawForm) -> Measurement:
    if field.key is None:
        raise InputError(f"field {field.name} names no property")
    ours = field.key.unit
    number = to_unit(read_number(answer.text), unit=answer.unit or field.unit, ours=ours)
    low, high = possible_range(field.key)
    if not low <= number.value <= high:
        raise InputError(f"{number.value:.6g} {ours} is impossible; possible is {low:g} to {high:g}; another unit?")
    _check_usual(field, number.value, ours)
    std = number.std
    if field.name == "pce_mean" and std is None:
        std = _beside(form, "pce_sd", index)
    if std is not None and not std <= high - low:
        raise InputError(f"the error {std:.6g} {ours} is impossible; possible values span {high - low:g}")
    n = _beside(form, "n_devices", index) if "n_devices" in field.conditions else None
    conditions = "; ".join(
        f"{name}: {form.first(name)}" for name in field.conditions if form.first(name) and name != "n_devices"
    )
    return Measurement(field.name, index, field.key, number.value, std, None if n is None else int(n), conditions)


def _check_usual(field: FormField, value: float, unit: str) -> None:
    low, high, question = _USUAL.get(field.name, (float("-inf"), float("inf"), ""))
    if not low <= value <= high:
        raise InputError(f"{value:.6g} {unit} is not between {low:g} and {high:g} as usual; {question}")


def _beside(form: RawForm, field: str, index: int) -> float | None:
    """The number in another field that goes with this replicate; what cannot be used there is refused by itself."""
    answers = form.answers.get(field, ())
    if not answers:
        return None
    try:
        return float(_fact(_FIELDS[field], answers[min(index, len(answers) - 1)]))
    except InputError:
        return None
