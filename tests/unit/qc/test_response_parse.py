"""Excitations in layouts that no recorded output has: ORCA 6 (as its tutorials show them) and Psi4 1.4 (its manual)."""

from __future__ import annotations

import pytest

from heliosc.errors import ParseError
from heliosc.qc.gaussian.level import dispersion, route
from heliosc.qc.gaussian.parse import parse_output as parse_gaussian
from heliosc.qc.orca import response as orca
from heliosc.qc.orca.parse import parse_output as parse_orca
from heliosc.qc.psi4 import response as psi4
from heliosc.qc.psi4.level import dispersion as psi4_dispersion
from heliosc.qc.psi4.level import method as psi4_method
from heliosc.qc.psi4.parse import parse_output as parse_psi4

ORCA_6 = """\
------------------------------------
TD-DFT/TDA EXCITED STATES (SINGLETS)
------------------------------------

STATE  1:  E=   0.158707 au      4.319 eV    34832.6 cm**-1 <S**2> =   0.000000 Mult 1
    20a ->  21a  :     0.987654 (c=  0.99381035)

STATE  2:  E=   0.159968 au      4.353 eV    35109.3 cm**-1 <S**2> =   0.000000 Mult 1

------------------------------------
TD-DFT/TDA EXCITED STATES (TRIPLETS)
------------------------------------

STATE  1:  E=   0.115007 au      3.129 eV    25241.0 cm**-1 <S**2> =   2.000000 Mult 3

----------------------------------------------------------------------------------------------------
                     ABSORPTION SPECTRUM VIA TRANSITION ELECTRIC DIPOLE MOMENTS
----------------------------------------------------------------------------------------------------
     Transition      Energy     Energy  Wavelength fosc(D2)      D2        DX        DY        DZ
                      (eV)      (cm-1)    (nm)                 (au**2)    (au)      (au)      (au)
----------------------------------------------------------------------------------------------------
  0-1A  ->  1-3A    3.129000   25241.0   396.2   0.000000000   0.00000   0.00000   0.00000   0.00000
  0-1A  ->  1-1A    4.318686   34832.6   287.1   0.004072319   0.03849   0.19619   0.00000   0.00000
  0-1A  ->  2-1A    4.352995   35109.3   284.8   0.000000000   0.00000   0.00000  -0.00000  -0.00000

----------------------------------------------------------------------------------------------------
                     ABSORPTION SPECTRUM VIA TRANSITION VELOCITY DIPOLE MOMENTS
----------------------------------------------------------------------------------------------------
  0-1A  ->  1-1A    4.318686   34832.6   287.1   0.999000000   0.03849   0.19619   0.00000   0.00000
"""

PSI4 = """\
      HamiltonianSolver iter   5:   1.75483e-08  6.17293e-05    120      Converged

                                   Excitation Energy         Total Energy        Oscillator Strength      Rotatory
    #   Sym: GS->ES (Trans)        au              eV              au          au (length)    au (velocity)
   ---- -------------------- --------------- --------------- --------------- --------------- ---------------
    1        A->A (3 A)       0.25000         6.80285        -150.50964       0.0000          0.0000
    2        A->A (1 A)       0.26945         7.33199        -150.50964       0.0017          0.0082
    3        A->A (1 A)       0.31534         8.58073        -150.46375       0.0000          0.0002

"""


def test_orca_6_names_its_transitions() -> None:
    states = orca.excited_states(ORCA_6)
    assert [(state.multiplicity, state.energy_eV, state.oscillator_strength) for state in states] == [
        (1, 4.319, 0.004072319),
        (1, 4.353, 0.0),
        (3, 3.129, None),
    ]
    assert orca.excitation_method(ORCA_6) == "tda"


@pytest.mark.parametrize(("scf", "ground"), [(-10.0, -10.0), (-10.2, -10.0 - 0.2)])
def test_orca_ground_state_energy_with_tddft(scf: float, ground: float) -> None:
    """The final energy may be that of root 1 (then DE is taken off) or already the ground state's."""
    text = (
        f"Program Version 6.0.1\n    E(SCF)  =   {scf:.9f} Eh\n    DE(CIS) =      0.200000000 Eh (Root  1)\n"
        "FINAL SINGLE POINT ENERGY       -10.000000000000\n"
    )
    assert parse_orca(text).energy_hartree == pytest.approx(ground)


def test_orca_optimised_excited_state_is_refused() -> None:
    text = "GEOMETRY OPTIMIZATION CYCLE   1\n    E(SCF) = -1.0 Eh\n DE(CIS) = 0.1 Eh (Root 1)\n"
    with pytest.raises(ParseError, match="excited state"):
        parse_orca(text)


def test_psi4_table_of_its_manual() -> None:
    states = psi4.excited_states(PSI4)
    assert [(state.multiplicity, state.energy_eV, state.oscillator_strength) for state in states] == [
        (1, 7.33199, 0.0017),
        (1, 8.58073, 0.0),
        (3, 6.80285, None),
    ]
    assert psi4.excitation_method(PSI4) == "td"
    assert psi4.excitation_method(PSI4.replace("HamiltonianSolver", "DavidsonSolver")) == "tda"


def test_imaginary_modes_of_psi4_are_negative() -> None:
    assert psi4.frequencies("  Freq [cm^-1]      512.3i     0.1   1602.5\n") == (-512.3, 0.1, 1602.5)


@pytest.mark.parametrize(
    ("name", "functional", "correction"),
    [
        ("B3LYP", "b3lyp", "none"),
        ("B3LYP-D3BJ", "b3lyp", "d3bj"),
        ("PBE0-D3", "pbe0", "d3zero"),
        ("WB97X-D", "wb97x-d", "none"),
    ],
)
def test_dispersion_in_the_name_of_a_psi4_functional(name: str, functional: str, correction: str) -> None:
    text = f"   => Composite Functional: {name} <= \n"
    assert (psi4_method(text), psi4_dispersion(text)) == (functional, correction)


ROUTE = (
    " ----------------------------------------------------------------------\n"
    " #p opt td(nstates=3) wb97xd/def2svp scrf=(smd,solvent=toluene) empiric\n"
    " aldispersion=gd3bj\n"
    " ----------------------------------------------------------------------\n"
)


def test_gaussian_route_is_cut_in_the_middle_of_words() -> None:
    assert route(f" x\n{ROUTE}").endswith("empiricaldispersion=gd3bj")
    assert dispersion(f" x\n{ROUTE}") == "d3bj"


def test_gaussian_optimised_excited_state_is_refused() -> None:
    with pytest.raises(ParseError, match="an optimised excited state"):
        parse_gaussian(f" Initial command:\n{ROUTE}")


def test_gaussian_frequencies_alone_are_no_optimisation() -> None:
    text = f" x\n{ROUTE} Berny optimization.\n".replace("opt td(nstates=3)", "freq" + " " * 13)
    assert parse_gaussian(text).optimization_converged is None
    assert parse_gaussian(text.replace("freq", "opt ")).optimization_converged is False


def test_psi4_beyond_hartree_fock_is_not_called_hartree_fock() -> None:
    text = "   RHF Reference\n  //               DFMP2               //\nheliosc energy -74.991229564312\n"
    output = parse_psi4(text)
    assert output.energy_hartree == -74.991229564312
    assert output.method is None
    assert parse_psi4("   RHF Reference\nheliosc energy -74.9\n").method == "hf"
