"""What the analyst should see."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rdkit import Chem
from rdkit.Chem import rdMolDescriptors

from heliosc.handoff.analytics import ELECTRON_MASS_DA, PROTON_MASS_DA, element_counts, isotope_pattern
from heliosc.handoff.blocks.electronics import lowest_singlet, optical_state
from heliosc.handoff.blocks.tables import Table, facts_table
from heliosc.handoff.labels import Number

HC_EV_NM = 1239.841984  # CODATA 2018


def analytics(molecule: Chem.Mol, result: Mapping[str, Any]) -> Table:
    """Masses, hydrogens, absorption."""
    mass = rdMolDescriptors.CalcExactMolWt(molecule)
    return facts_table(
        "Expected analytics",
        {
            "M⁺· (monoisotopic)": f"m/z {mass - ELECTRON_MASS_DA:.4f}",
            "[M+H]⁺ (monoisotopic)": f"m/z {mass + PROTON_MASS_DA:.4f}",
            "Hydrogens (¹H NMR)": str(element_counts(molecule).get("H", 0)),
            "Absorption": _onset(result),
        },
    )


def isotopes(molecule: Chem.Mol) -> Table:
    """The strongest peaks of the molecular ion."""
    peaks = sorted(isotope_pattern(element_counts(molecule)), key=lambda peak: -peak.relative)[:6]
    rows = tuple((Number(peak.mz, 4), Number(peak.relative, 1)) for peak in sorted(peaks, key=lambda peak: peak.mz))
    return Table(
        "Isotope pattern of M⁺·",
        ("m/z", "Relative %"),
        rows,
        note="Natural abundance, unit resolution, the strongest peaks; [M+H]⁺ lies 1.0078 higher.",
    )


def _onset(result: Mapping[str, Any]) -> str:
    """Where absorption is expected, from S1: vertical, gas phase, so the onset of a film lies lower in energy."""
    found = lowest_singlet(result)
    if found is None:
        return f"S1 {optical_state(result)}"
    key, energy_eV = found
    return f"near {HC_EV_NM / energy_eV:.0f} nm (vertical S1 {energy_eV:.2f} eV, gas phase, {key.level})"
