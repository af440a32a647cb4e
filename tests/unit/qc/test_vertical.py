from __future__ import annotations

from dataclasses import dataclass

import pytest

from heliosc.qc.executors import OptimizedGeometry, SinglePoint
from heliosc.qc.geometries import Geometry
from heliosc.qc.vertical import VerticalEnergies, lowest_multiplicity, vertical_energies

ENERGIES = {0: -100.0, 1: -99.7, -1: -100.05}


@dataclass
class TableExecutor:
    """An executor that reads three made-up energies from a table; records what it was asked."""

    level: str
    cation_s_squared: float = 0.75
    name: str = "table"
    install_hint: str = ""

    def __post_init__(self) -> None:
        self.asked: list[tuple[int, int]] = []

    def found(self) -> bool:
        return True

    def version(self) -> str:
        return "1"

    def single_point(
        self, geometry: Geometry, *, charge: int, multiplicity: int, timeout_s: float | None = None
    ) -> SinglePoint:
        self.asked.append((charge, multiplicity))
        s_squared = {0: None, 1: self.cation_s_squared, -1: 0.75}[charge]
        return SinglePoint(ENERGIES[charge], self.level, s_squared=s_squared)

    def optimize(
        self, geometry: Geometry, *, charge: int, multiplicity: int, timeout_s: float | None = None
    ) -> OptimizedGeometry:
        raise NotImplementedError


def run(executor: TableExecutor, geometry: Geometry) -> VerticalEnergies:
    return vertical_energies(executor, geometry, geometry_level="gfn2")


def test_signs_states_and_level(water: Geometry) -> None:
    executor = TableExecutor("b3lyp/def2-svp[psi4]")
    result = run(executor, water)
    assert result.vertical_ionization_energy == pytest.approx(0.3 * 27.211386246)
    assert result.vertical_electron_affinity == pytest.approx(
        0.05 * 27.211386246
    )  # the anion is lower: bound, positive
    assert result.level == "b3lyp/def2-svp[psi4]//gfn2"
    assert result.shift_eV == 0.0
    assert executor.asked == [(0, 1), (1, 2), (-1, 2)]
    assert result.flags == ()


@pytest.mark.parametrize("level", ["gfn2", "ipea1//gfn2", "ipea1"])
def test_xtb_levels_always_carry_the_published_shift(water: Geometry, level: str) -> None:
    result = run(TableExecutor(level), water)
    assert result.shift_eV == 4.846
    assert result.vertical_ionization_energy == pytest.approx(0.3 * 27.211386246 - 4.846)
    assert result.vertical_electron_affinity == pytest.approx(0.05 * 27.211386246 - 4.846)


def test_spin_contamination_is_flagged(water: Geometry) -> None:
    assert run(TableExecutor("hf/sto-3g[psi4]", cation_s_squared=1.36), water).flags == (
        "spin contamination of the cation",
    )
    assert run(TableExecutor("hf/sto-3g[psi4]", cation_s_squared=0.84), water).flags == ()


def test_radicals_have_closed_shell_ions() -> None:
    assert [lowest_multiplicity(("C", "H", "H", "H"), charge=charge) for charge in (0, 1, -1)] == [2, 1, 1]
