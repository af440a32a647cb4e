"""Flory-Huggins parameters worked by hand, the binodal in its closed form, and the window."""

from __future__ import annotations

from math import log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rdkit.Chem.rdMolDescriptors import CalcMolFormula

from heliosc.chemistry.hansen import INCREMENTS, MEASURED, HansenParameters, hansen_parameters
from heliosc.chemistry.identity import parse_smiles
from heliosc.chemistry.miscibility import (
    LINDVIG_ALPHA,
    REFERENCE_ACCEPTORS,
    REFERENCE_VOLUME,
    critical_chi,
    flory_huggins_chi,
    miscibility,
    miscibility_with,
    percolation_chi,
    reference_parameters,
)
from heliosc.errors import InputError


def _substance(
    delta_d: float, delta_p: float | None, delta_h: float, *, volume: float = 600.0, source: str = MEASURED
) -> HansenParameters:
    return HansenParameters(delta_d, delta_p, delta_h, volume, (source,) * 3)


@pytest.mark.parametrize(
    ("acceptor", "formula"), [("PC61BM", "C72H14O2"), ("ITIC", "C94H82N4O2S4"), ("Y6", "C82H86F4N8O2S5")]
)
def test_reference_acceptors_carry_their_side_chains(acceptor: str, formula: str) -> None:
    assert CalcMolFormula(parse_smiles(REFERENCE_ACCEPTORS[acceptor])) == formula


def test_chi_by_hand() -> None:
    # 0.6 x 100e-6 m3/mol / (8.314 x 298.15 J/mol) = 0.02420 per MPa; 2^2 + (3^2 + 1^2) / 4 = 6.5 MPa
    first, second = _substance(18.2, 2.4, 3.5), _substance(20.2, 5.4, 4.5)
    chi, std = flory_huggins_chi(first, second)
    assert chi == pytest.approx(0.02420 * 6.5, rel=1e-3)
    assert std == 0.0  # both measured


def test_published_chi_of_polystyrene_and_polythiophene() -> None:
    # Emerson et al., Macromolecules 2013, 46, 6533: solubility parameters 17.9 and 14.8 MPa^0.5 of PS and P3HT give
    # chi 0.48 +- 0.06 at 23 C. Regular solutions: alpha = 1, and the mean volume of the two repeat units
    # (104.15 / 1.05 and 166.3 / 1.10 cm3/mol) in place of V_ref
    chi, _ = flory_huggins_chi(_substance(17.9, 0.0, 0.0), _substance(14.8, 0.0, 0.0), temperature_K=296.15)
    mean_volume = ((104.15 / 1.05) * (166.3 / 1.10)) ** 0.5
    assert chi / LINDVIG_ALPHA * mean_volume / REFERENCE_VOLUME == pytest.approx(0.48, abs=0.005)


def test_chi_falls_as_the_temperature_rises() -> None:
    first, second = _substance(18.2, 2.4, 3.5), _substance(20.2, 5.4, 4.5)
    cold, hot = (flory_huggins_chi(first, second, temperature_K=kelvin)[0] for kelvin in (300.0, 600.0))
    assert hot == pytest.approx(cold / 2)


def test_error_of_chi_agrees_with_sampling() -> None:
    first, second = _substance(18.0, 3.0, 2.0, source=INCREMENTS), _substance(20.2, 5.4, 4.5)
    chi, std = flory_huggins_chi(first, second)
    errors = np.random.default_rng(1).normal(0.0, (0.9, 3.6, 2.8), (200_000, 3))
    differences = np.array([2.2, 2.4, 2.5]) + errors
    sampled = 0.0242048 * (differences**2 @ np.array([1.0, 0.25, 0.25]))
    assert chi == pytest.approx(0.0242048 * (2.2**2 + 2.4**2 / 4 + 2.5**2 / 4), rel=1e-4)
    assert std == pytest.approx(sampled.std(), rel=0.02)


def test_identical_substances_mix() -> None:
    substance = _substance(19.0, 5.0, 4.0)
    mix = miscibility(substance, substance)
    assert mix is not None
    assert (mix.chi, mix.hansen_distance, mix.verdict, mix.window_probability) == (0.0, 0.0, "mixed", 0.0)


def test_critical_chi_is_flory_s() -> None:
    assert critical_chi(1, 1) == 2.0  # regular solution
    assert critical_chi(1, 1e12) == pytest.approx(0.5, abs=1e-5)  # a polymer in a solvent


@given(n=st.floats(0.5, 500))
def test_symmetric_binodal_in_closed_form(n: float) -> None:
    # Flory, N1 = N2 = N: chi = ln[(1 - phi) / phi] / [N (1 - 2 phi)]
    assert percolation_chi(n, n) == pytest.approx(log(0.8 / 0.2) / (n * 0.6), rel=1e-6)


@given(n_donor=st.floats(0.1, 1000), n_acceptor=st.floats(0.1, 1000))
def test_the_window_is_never_upside_down(n_donor: float, n_acceptor: float) -> None:
    assert percolation_chi(n_donor, n_acceptor) >= critical_chi(n_donor, n_acceptor) * (1 - 1e-9)


def test_verdicts_on_both_sides_of_the_window() -> None:
    acceptor = _substance(20.2, 5.4, 4.5)
    verdicts = []
    for delta_d in np.linspace(20.2, 13.0, 200):
        mix = miscibility(_substance(float(delta_d), 5.4, 4.5), acceptor)
        assert mix is not None
        verdicts.append(mix.verdict)
    assert list(dict.fromkeys(verdicts)) == ["mixed", "window", "separated"]


def test_a_polymer_chain_narrows_the_range_of_mixing() -> None:
    donor, acceptor = _substance(18.5, 3.0, 2.0, volume=160.0), _substance(20.2, 5.4, 4.5)
    unit, chain = miscibility(donor, acceptor), miscibility(donor, acceptor, donor_volume=16_000.0)
    assert unit is not None
    assert chain is not None
    assert chain.chi == unit.chi
    assert chain.chi_critical < unit.chi_critical


def test_side_chains_change_the_verdict_on_y6() -> None:
    # a methyl core is not like for like: the full chains bring the donor and the acceptor closer in delta_D
    core = parse_smiles(
        "Cc1c(C=C2C(=O)c3cc(F)c(F)cc3C2=C(C#N)C#N)sc2c1sc1c3c4nsnc4c4c5sc6c(C)c(C=C7C(=O)c8cc(F)c(F)cc8C7=C(C#N)C#N)"
        "sc6c5n(C)c4c3n(C)c21"
    )
    donor = hansen_parameters(parse_smiles("CCCCCCc1ccc(-c2ccc(CCCCCC)s2)s1"))
    with_core, with_chains = miscibility(donor, hansen_parameters(core)), miscibility_with(donor, "Y6")
    assert with_core is not None
    assert with_chains is not None
    assert with_core.chi > 1.5 * with_chains.chi


def test_a_missing_polar_parameter_gives_no_chi() -> None:
    assert miscibility(_substance(18.0, None, 3.0), reference_parameters("PC61BM")) is None
    with pytest.raises(InputError, match="dipole"):
        flory_huggins_chi(_substance(18.0, None, 3.0), reference_parameters("PC61BM"))


def test_unknown_acceptor_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InputError, match="PC61BM, ITIC, Y6"):
        miscibility_with(_substance(18.0, 2.0, 3.0), "PCBM")
