"""Scharber's model against its published numbers, partners against hand-worked pairs."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from heliosc.errors import InputError, MissingDependencyError
from heliosc.handoff import scharber
from heliosc.handoff.device import device_context
from heliosc.handoff.partners import CandidateLevels, get_partner, load_partners, suggest_partners
from heliosc.handoff.promotion.criteria import load_criteria
from heliosc.handoff.promotion.evidence import Evidence
from heliosc.handoff.scharber import scharber_estimate, short_circuit_current
from heliosc.properties import PropertyKey

IE, EA = "vertical_ionization_energy", "vertical_electron_affinity"


@pytest.fixture(scope="module", autouse=True)
def _needs_the_spectrum() -> None:
    pytest.importorskip("pvlib", reason="pvlib is not installed; run: pip install 'heliosc[handoff]'")


@pytest.mark.parametrize(("gap", "current"), [(1.3, 23.3), (1.5, 18.8), (1.7, 14.6), (2.0, 9.4)])
def test_current_of_published_gaps(gap: float, current: float) -> None:
    assert short_circuit_current(gap) == pytest.approx(current, rel=0.01)


def _against_pcbm(gap: float) -> float:
    """Best donor of a gap against PCBM, LUMO -4.3 eV: its LUMO 0.3 eV above."""
    return scharber_estimate(
        donor_ionization_energy=4.0 + gap, donor_electron_affinity=4.0, acceptor_electron_affinity=4.3, gap_eV=gap
    ).efficiency


def test_the_maximum_against_pcbm_is_eleven_percent_near_1_41_ev() -> None:
    gaps = np.arange(1.1, 2.0, 0.01)
    best = max(map(_against_pcbm, gaps))
    assert best == pytest.approx(11.1, rel=0.01)
    assert _against_pcbm(1.41) == pytest.approx(11.1, rel=0.01)


def test_no_efficiency_without_the_lumo_offset_or_without_voltage() -> None:
    levels = {"donor_ionization_energy": 5.4, "acceptor_electron_affinity": 4.3, "gap_eV": 1.6}
    assert scharber_estimate(donor_electron_affinity=4.01, **levels).efficiency == 0  # 0.29 eV
    worked = scharber_estimate(donor_electron_affinity=3.8, **levels)
    assert worked.voltage == pytest.approx(0.8)
    assert worked.efficiency == pytest.approx(0.8 * worked.current * 0.65)
    without = scharber_estimate(
        donor_ionization_energy=4.5, donor_electron_affinity=3.0, acceptor_electron_affinity=4.3, gap_eV=1.5
    )
    assert without.voltage < 0
    assert without.efficiency == 0
    assert "does not rank" in worked.warning


@pytest.mark.parametrize("gap", [0.0, -1.0, 0.1, 9.0])
def test_gaps_outside_the_spectrum_are_refused(gap: float) -> None:
    with pytest.raises(InputError, match="outside the solar spectrum"):
        short_circuit_current(gap)


def test_partners_are_known_materials_with_sources() -> None:
    partners = load_partners().values()
    assert {partner.role for partner in partners} == {"donor", "acceptor"}
    assert all(partner.doi.startswith("10.") for partner in partners)
    assert all(partner.electron_affinity < partner.ionization_energy for partner in partners)
    with pytest.raises(InputError, match="no partner 'Y66'"):
        get_partner("Y66")


def test_offsets_and_voltage_of_a_suggestion_by_hand() -> None:
    pm6 = get_partner("PM6")
    levels = CandidateLevels(pm6.ionization_energy, pm6.electron_affinity, "CV")
    found = {item.partner.name: item for item in suggest_partners(levels, role="donor", n_best=99)}
    y6 = found["Y6"]
    assert y6.hole_offset == pytest.approx(5.65 - 5.56)
    assert y6.electron_offset == pytest.approx(4.10 - 3.50)
    assert y6.voltage == pytest.approx(5.56 - 4.10 - 0.3)
    assert all(item.partner.role == "acceptor" for item in found.values())
    with pytest.raises(InputError, match="'gas phase' scale"):
        suggest_partners(CandidateLevels(6.5, 1.0, "gas phase"), role="donor")


def test_device_context_of_a_measured_donor_and_of_an_unknown_one() -> None:
    criteria = load_criteria()
    evidence = [
        Evidence(PropertyKey(IE, "experiment-cv"), 5.45, 0.05),
        Evidence(PropertyKey(EA, "experiment-cv"), 3.5, 0.05),
        Evidence(PropertyKey("optical_gap", "experiment-film"), 1.8),
    ]
    context = device_context("x", evidence, role="donor", criteria=criteria, kinds=frozenset())
    assert len(context.partners) == 3
    best = context.partners[0]
    assert best.estimate is not None
    assert best.gap_eV == 1.8
    assert best.estimate.current == pytest.approx(short_circuit_current(1.8))
    assert any("does not rank" in note for note in context.notes)
    empty = device_context("y", [], role="donor", criteria=criteria, kinds=frozenset())
    assert (empty.levels, empty.partners) == (None, ())
    assert "not evaluated" in empty.notes[0]


def test_without_pvlib_the_partners_stay_and_the_install_command_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    scharber._photon_flux.cache_clear()
    monkeypatch.setitem(sys.modules, "pvlib.spectrum", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'heliosc\[handoff\]'"):
        short_circuit_current(1.5)
    evidence = [
        Evidence(PropertyKey(IE, "experiment-cv"), 5.45, 0.05),
        Evidence(PropertyKey(EA, "experiment-cv"), 3.5, 0.05),
    ]
    context = device_context("x", evidence, role="donor", criteria=load_criteria(), kinds=frozenset())
    assert [item.estimate for item in context.partners] == [None] * 3
    assert any("pip install" in note for note in context.notes)


@pytest.mark.parametrize("role", ["donor", "acceptor"])
@pytest.mark.parametrize(("ie", "ea"), [(5.5, 3.5), (5.6, 4.1), (6.5, 3.46), (5.1, 3.0), (5.9, 3.9)])
def test_no_suggested_pair_exceeds_the_maximum_of_the_model(role: str, ie: float, ea: float) -> None:
    evidence = [
        Evidence(PropertyKey(IE, "experiment-cv"), ie, 0.05),
        Evidence(PropertyKey(EA, "experiment-cv"), ea, 0.05),
    ]
    context = device_context("x", evidence, role=role, criteria=load_criteria(), kinds=frozenset(), n_best=20)  # type: ignore[arg-type]
    values = [item.estimate.efficiency for item in context.partners if item.estimate is not None]
    assert values
    assert max(values) <= 11.13


def test_a_gap_outside_the_spectrum_leaves_the_partners_and_says_why() -> None:
    evidence = [Evidence(PropertyKey(n, "experiment-cv"), x, 0.05) for n, x in ((IE, 7.5), (EA, 1.0))]
    context = device_context("x", evidence, role="donor", criteria=load_criteria(), kinds=frozenset())
    assert [item.estimate for item in context.partners] == [None] * 3
    assert any("outside the solar spectrum" in note for note in context.notes)
