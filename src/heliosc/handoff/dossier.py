"""What is known of one candidate, as titled tables; the PDF and the workbook show the same ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rdkit import Chem
from rdkit.Chem import rdMolDescriptors

from heliosc.campaign.records import CandidateRecord
from heliosc.chemistry.alerts import find_alerts
from heliosc.chemistry.identity import inchikey, parse_smiles
from heliosc.handoff.analytics import ELECTRON_MASS_DA, PROTON_MASS_DA, average_mass, element_counts, isotope_pattern
from heliosc.handoff.gates import Gate
from heliosc.handoff.labels import MISSING, Number, level_label, number, ordered_keys, symbol, unit, words
from heliosc.properties import PropertyKey

NOT_EVALUATED = "not evaluated in this version"
MARK = "DRAFT · xTB level"
HAZARD_STATEMENT = (
    "This is not a safety data sheet. The compound is new: its toxicity and its energetic behaviour are unknown. "
    "Alerts are structural patterns only; their absence proves nothing."
)

HC_EV_NM = 1239.841984  # CODATA 2018

Cell = str | Number


@dataclass(frozen=True, slots=True)
class Table:
    """One titled table.

    Attributes
    ----------
    columns : header cells; for a table of facts ``("", "")``
    rows : cells below the header
    note : what a reader must know to use it
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Dossier:
    """All tables of one candidate, in reading order."""

    candidate: CandidateRecord
    identity: Table
    electronics: Table
    gates: Table
    references: Table | None
    analytics: Table
    isotopes: Table
    synthesis: Table
    hazards: Table
    processing: Table
    provenance: Table

    def tables(self) -> list[Table]:
        """Every table that has something to say."""
        found = (
            self.identity, self.electronics, self.gates, self.references, self.analytics, self.isotopes,
            self.synthesis, self.hazards, self.processing, self.provenance,
        )  # fmt: skip
        return [table for table in found if table is not None]


def build_dossier(
    candidate: CandidateRecord,
    *,
    gates: list[Gate],
    result: Mapping[str, Any],
    provenance: Mapping[str, str],
    references: Mapping[str, Mapping[str, float]],
) -> Dossier:
    """Collect what the record and the stored calculation say.

    Parameters
    ----------
    result : four-point result as it lies in the store; with the excited states among its values, or ``optical``, why
        there are none (``heliosc.campaign.optical``)
    provenance : further origin facts, label -> text
    references : name of a known material -> ``name@level`` -> value computed the same way

    Raises
    ------
    InputError : the SMILES cannot be parsed
    """
    molecule = parse_smiles(candidate.smiles)
    return Dossier(
        candidate=candidate,
        identity=_identity(candidate, molecule),
        electronics=_electronics(candidate, result),
        gates=_gates(gates),
        references=_references(candidate, result["values"], references),
        analytics=_analytics(molecule, result),
        isotopes=_isotopes(molecule),
        synthesis=_synthesis(candidate),
        hazards=_hazards(candidate, molecule),
        processing=_processing(),
        provenance=_provenance(candidate, result, provenance),
    )


def _facts(title: str, facts: Mapping[str, Cell], *, note: str = "") -> Table:
    return Table(title, ("", ""), tuple(facts.items()), note)


def _identity(candidate: CandidateRecord, molecule: Chem.Mol) -> Table:
    return _facts(
        "Identity",
        {
            "Identifier": candidate.id,
            "Role": candidate.role,
            "Formula": rdMolDescriptors.CalcMolFormula(molecule),
            "Molecular weight": f"{average_mass(element_counts(molecule)):.2f} g/mol",
            "Exact mass": f"{rdMolDescriptors.CalcExactMolWt(molecule):.4f} Da",
            "SMILES": Chem.MolToSmiles(molecule),
            "InChI": Chem.MolToInchi(molecule) or MISSING,
            "InChIKey": inchikey(molecule),
        },
        note="Side chains are as drawn; solubilising chains are for the chemist to choose.",
    )


def _electronics(candidate: CandidateRecord, result: Mapping[str, Any]) -> Table:
    computed = result["values"]
    keys = ordered_keys([*candidate.predicted, *computed])
    rows = []
    for key in keys:
        prediction = candidate.predicted.get(str(key))
        rows.append(
            (
                f"{symbol(key)}  {words(key)}",
                number(key, prediction.mean if prediction else None),
                number(key, prediction.std if prediction else None),
                number(key, computed.get(str(key))),
                unit(key),
                key.level,
            )
        )
    if _singlet(result) is None:
        rows.append(("S1  optical gap", Number(None), Number(None), Number(None), "eV", _optical_state(result)))
    levels = "; ".join(dict.fromkeys(level_label(key.level) for key in keys))
    return Table(
        "Electronic properties",
        ("Property", "Predicted", "± std", "Computed", "Unit", "Level"),
        tuple(rows),
        note=(
            f"Predicted = surrogate before the calculation; computed = four-point calculation. {levels}. Gas phase, "
            "single molecule. Against experiment: IE 0.22 eV (32 molecules), EA 0.16 eV (21) mean absolute error; "
            "λ of GFN2-xTB lies below DFT and ranks only."
        ),
    )


def _singlet(result: Mapping[str, Any]) -> tuple[PropertyKey, float] | None:
    """S1 where it was computed."""
    keys = (PropertyKey.parse(text) for text in result["values"])
    return next(((key, result["values"][str(key)]) for key in keys if key.name == "singlet_excitation_energy"), None)


def _optical_state(result: Mapping[str, Any]) -> str:
    """Why there is no S1."""
    return str(result.get("optical", "not computed"))


def _onset(result: Mapping[str, Any]) -> str:
    """Where absorption is expected, from S1: vertical, gas phase, so the onset of a film lies lower in energy."""
    found = _singlet(result)
    if found is None:
        return f"S1 {_optical_state(result)}"
    key, energy_eV = found
    return f"near {HC_EV_NM / energy_eV:.0f} nm (vertical S1 {energy_eV:.2f} eV, gas phase, {key.level})"


def _gates(gates: list[Gate]) -> Table:
    rows = tuple((gate.name, gate.value, gate.limit, gate.margin, gate.unit, gate.verdict) for gate in gates)
    return Table(
        "Gates",
        ("Criterion", "Value", "Limit", "Margin", "Unit", "Verdict"),
        rows,
        note=(
            "Draft, xTB level: no gate was confirmed by DFT or experiment. The margin is positive inside the limit. "
            "Windows are first defaults on the gas-phase scale."
        ),
    )


def _references(
    candidate: CandidateRecord, computed: Mapping[str, float], references: Mapping[str, Mapping[str, float]]
) -> Table | None:
    if not references:
        return None
    keys = [key for key in ordered_keys(candidate.predicted or computed) if str(key) in computed]
    rows: list[tuple[Cell, ...]] = [("this candidate", *(number(key, computed.get(str(key))) for key in keys))]
    rows += [(name, *(number(key, values.get(str(key))) for key in keys)) for name, values in references.items()]
    return Table(
        "Beside known materials",
        ("Material", *(f"{symbol(key)} {unit(key)}".strip() for key in keys)),
        tuple(rows),
        note=f"All computed the same way: {_level_list(keys)}. Side chains of the references are shortened to methyl.",
    )


def _level_list(keys: list[PropertyKey]) -> str:
    by_level: dict[str, list[str]] = {}
    for key in keys:
        by_level.setdefault(key.level, []).append(symbol(key))
    return "; ".join(f"{', '.join(symbols)} at {level}" for level, symbols in by_level.items())


def _analytics(molecule: Chem.Mol, result: Mapping[str, Any]) -> Table:
    mass = rdMolDescriptors.CalcExactMolWt(molecule)
    return _facts(
        "Expected analytics",
        {
            "M⁺· (monoisotopic)": f"m/z {mass - ELECTRON_MASS_DA:.4f}",
            "[M+H]⁺ (monoisotopic)": f"m/z {mass + PROTON_MASS_DA:.4f}",
            "Hydrogens (¹H NMR)": str(element_counts(molecule).get("H", 0)),
            "Absorption": _onset(result),
        },
    )


def _isotopes(molecule: Chem.Mol) -> Table:
    peaks = sorted(isotope_pattern(element_counts(molecule)), key=lambda peak: -peak.relative)[:6]
    rows = tuple((Number(peak.mz, 4), Number(peak.relative, 1)) for peak in sorted(peaks, key=lambda peak: peak.mz))
    return Table(
        "Isotope pattern of M⁺·",
        ("m/z", "Relative %"),
        rows,
        note="Natural abundance, unit resolution, the strongest peaks; [M+H]⁺ lies 1.0078 higher.",
    )


def _synthesis(candidate: CandidateRecord) -> Table:
    return _facts(
        "Synthesis",
        {
            "SA score, core": Number(candidate.sa_score_core, 1),
            "SA score, full molecule": Number(candidate.sa_score, 1),
            "Retrosynthesis": "not evaluated",
        },
        note="SA: 1 easy to 10 hard (Ertl 2009); the core is without alkyl chains of three carbons or more.",
    )


def _hazards(candidate: CandidateRecord, molecule: Chem.Mol) -> Table:
    reasons = {hit.name: hit.reason for hit in find_alerts(molecule)}
    facts = {f"Alert: {_plain(name)}": reasons.get(name, "see the table of alerts") for name in candidate.alerts}
    return _facts("Hazards", facts or {"Structural alerts": "none found"}, note=HAZARD_STATEMENT)


def _plain(name: str) -> str:
    return name.replace("_", " ")


def _processing() -> Table:
    items = (
        "Solvents, Hansen parameters",
        "Side-chain suggestion",
        "Morphology",
        "Partner, device values",
    )
    return _facts("Processing and partner", dict.fromkeys(items, NOT_EVALUATED))


def _provenance(candidate: CandidateRecord, result: Mapping[str, Any], further: Mapping[str, str]) -> Table:
    wall_time = result.get("wall_time_s")
    return _facts(
        "Provenance",
        {
            "Round": str(candidate.round),
            "Proposed by": candidate.source,
            "Why selected": candidate.reason,
            "Calculation": candidate.calculation_key or MISSING,
            "Engine": f"{result.get('program', MISSING)} {result.get('version', '')}".strip(),
            "Wall time": f"{wall_time:.1f} s" if wall_time is not None else MISSING,
            "Flags": ", ".join(map(str, result.get("details", {}).get("flags", []))) or "none",
            **further,
        },
    )
