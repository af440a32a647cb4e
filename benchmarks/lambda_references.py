"""Hole reorganisation energies, fully optimised with B3LYP/6-31G(d,p), for comparison with published values.

    nice -n 15 .venv/bin/python benchmarks/lambda_references.py naphthalene anthracene ...

Hours of work on one core, so every energy is written down as soon as it is known, and the same command goes on where it
stopped. A finished molecule goes to ``benchmarks/results/lambda_references.json``: four energies at the B3LYP minima,
the same four at the GFN2-xTB minima (``B3LYP//GFN2``), evaluations, CPU seconds and the versions.

Both minima are searched from GFN2-xTB geometries moved 0.01 A off symmetry, with the GFN2-xTB Hessian, by heliosc's own
optimiser; Cartesian d functions as in the published work, density fitting. Grid 1 against grid 2 changes thiophene's
0.4032 eV by 0.1 meV.
"""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_CORETYPE", "Haswell")  # the wheel's own choice can be twice as slow

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem

from heliosc.files import write_atomically
from heliosc.qc.four_point import FourPointSettings, run_four_point
from heliosc.qc.geometries import Geometry
from heliosc.qc.internal_coordinates import InternalCoordinates, internal_coordinates
from heliosc.qc.optimizer import minimize
from heliosc.qc.pyscf.optimization import xtb_hessian
from heliosc.qc.pyscf.scf import without_rigid_motion
from heliosc.qc.units import BOHR_A, HARTREE_EV

FloatArray = NDArray[np.float64]

MOLECULES = {
    "thiophene": "c1ccsc1",
    "naphthalene": "c1ccc2ccccc2c1",
    "anthracene": "c1ccc2cc3ccccc3cc2c1",
    "tetracene": "c1ccc2cc3cc4ccccc4cc3cc2c1",
    "pentacene": "c1ccc2cc3cc4cc5ccccc5cc4cc3cc2c1",
    "thieno[3,2-b]thiophene": "c1cc2sccc2s1",
    "2,2'-bithiophene": "c1csc(-c2cccs2)c1",
    "benzo[1,2-b:4,5-b']dithiophene": "c1cc2cc3sccc3cc2s1",
    "phenanthrene": "c1ccc2c(c1)ccc1ccccc12",
    "pyrene": "c1cc2ccc3cccc4ccc(c1)c2c34",
    "BTBT": "c1ccc2c(c1)sc1c2sc2ccccc21",
}
XC, BASIS, AUXILIARY_BASIS, GRID_LEVEL = "b3lyp", "6-31g(d,p)", "def2-universal-jkfit", 1
OFF_SYMMETRY_A = 0.01
RESULTS = Path(__file__).parent / "results" / "lambda_references.json"
STEPS = Path(__file__).parent / "results" / "lambda_steps"


@dataclass(slots=True)
class Surface:
    """B3LYP energies and gradients of one molecule in one charge state, remembered on disk.

    Attributes
    ----------
    path : JSON lines, one an evaluation
    cpu_s : CPU seconds of all evaluations, those of earlier runs included
    """

    symbols: tuple[str, ...]
    charge: int
    path: Path
    density: Any = None
    known: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.path.exists():
            for line in self.path.read_text().splitlines():
                row = json.loads(line)
                self.known[row["key"]] = row

    @property
    def cpu_s(self) -> float:
        return sum(row["cpu_s"] for row in self.known.values())

    def energy(self, positions: FloatArray) -> float:
        """Eh at positions (n_atoms, 3), bohr."""
        return float(self._evaluated(positions, is_gradient_wanted=False)["energy"])

    def energy_and_gradient(self, positions: FloatArray) -> tuple[float, FloatArray]:
        """Eh and Eh/bohr at positions (n_atoms, 3), bohr."""
        row = self._evaluated(positions, is_gradient_wanted=True)
        return row["energy"], np.array(row["gradient"])

    def _evaluated(self, positions: FloatArray, *, is_gradient_wanted: bool) -> dict[str, Any]:
        key = f"{is_gradient_wanted}:" + ",".join(f"{value:.7f}" for value in positions.ravel())
        if key not in self.known:
            start = time.process_time()
            row = {"key": key, **self._compute(positions, is_gradient_wanted=is_gradient_wanted)}
            row["cpu_s"] = time.process_time() - start
            with self.path.open("a") as stream:
                stream.write(json.dumps(row) + "\n")
            self.known[key] = row
            print(f"  charge {self.charge:+d} {row['energy']:.6f} Eh {row['cpu_s']:.0f} s", flush=True)
        return self.known[key]

    def _compute(self, positions: FloatArray, *, is_gradient_wanted: bool) -> dict[str, Any]:
        from pyscf import dft, gto

        molecule = gto.M(
            atom=list(zip(self.symbols, positions.tolist(), strict=True)),
            unit="Bohr",
            charge=self.charge,
            spin=abs(self.charge),
            basis=BASIS,
            cart=True,
            verbose=0,
        )
        method = (dft.UKS if self.charge else dft.RKS)(molecule).density_fit(auxbasis=AUXILIARY_BASIS)
        method.xc, method.grids.level, method.conv_tol, method.max_cycle = XC, GRID_LEVEL, 1e-7, 100
        energy = method.kernel(dm0=self.density)
        if not method.converged:
            raise RuntimeError(f"SCF of charge {self.charge} did not converge at {self.path.stem}")
        self.density = method.make_rdm1()
        row: dict[str, Any] = {"energy": float(energy)}
        if self.charge:
            row["s_squared"] = float(method.spin_square()[0])
        if is_gradient_wanted:
            row["gradient"] = without_rigid_motion(method.nuc_grad_method().kernel(), positions).tolist()
        return row


def internal_hessian(hessian: FloatArray, positions: FloatArray, coordinates: InternalCoordinates) -> FloatArray:
    """The Cartesian Hessian in internal coordinates; positions in bohr."""
    inverse = np.linalg.pinv(coordinates.wilson_matrix(positions)[1], rcond=1e-6)
    return np.asarray(inverse.T @ hessian @ inverse)


def aligned_change(start: FloatArray, end: FloatArray) -> FloatArray:
    """Displacement (n, 3) from start to end without translation and rotation (Kabsch)."""
    centred_start, centred_end = start - start.mean(0), end - end.mean(0)
    left, _, right = np.linalg.svd(centred_end.T @ centred_start)
    sign = np.diag([1.0, 1.0, np.sign(np.linalg.det(left @ right))])
    return np.asarray(centred_end @ (left @ sign @ right) - centred_start)


def optimized(surface: Surface, start: FloatArray, *, guide: Geometry, bonds: NDArray[np.intp]) -> FloatArray:
    """B3LYP minimum, bohr; ``guide`` is the GFN2 minimum of the same state."""
    coordinates = internal_coordinates(start, bonds)
    hessian = internal_hessian(xtb_hessian(guide, charge=surface.charge), start, coordinates)
    return minimize(surface.energy_and_gradient, start, coordinates=coordinates, hessian=hessian).positions


def reference(name: str) -> dict[str, Any]:
    """All energies of one molecule."""
    run = run_four_point(Chem.MolFromSmiles(MOLECULES[name]), FourPointSettings())
    xtb = {state: run.geometries[state].positions / BOHR_A for state in ("neutral", "cation")}
    symbols, stem = run.geometries["neutral"].symbols, "".join(c if c.isalnum() else "_" for c in name)
    surfaces = {
        state: Surface(symbols, charge, STEPS / f"{stem}_{state}.jsonl")
        for state, charge in (("neutral", 0), ("cation", 1))
    }
    at_xtb = {f"{a}_at_{b}": surfaces[a].energy(xtb[b]) for a in surfaces for b in ("neutral", "cation")}
    noise = np.random.default_rng(2026).normal(scale=OFF_SYMMETRY_A / BOHR_A, size=xtb["neutral"].shape)
    minima = {}
    start = xtb["neutral"] + noise
    for state, surface in surfaces.items():
        minima[state] = optimized(surface, start, guide=run.geometries[state], bonds=run.start.bonds)
        start = minima["neutral"] + aligned_change(xtb["neutral"], xtb["cation"]) + noise
    energies = {f"{a}_at_{b}": surfaces[a].energy(minima[b]) for a in surfaces for b in minima}
    return {
        "smiles": MOLECULES[name],
        "energies_hartree": energies,
        "energies_at_gfn2_hartree": at_xtb,
        "lambda_hole_eV": lambda_hole(energies),
        "lambda_hole_at_gfn2_eV": lambda_hole(at_xtb),
        "lambda_hole_gfn2_eV": run.energies.lambda_hole,
        "vertical_ie_eV": (energies["cation_at_neutral"] - energies["neutral_at_neutral"]) * HARTREE_EV,
        "adiabatic_ie_eV": (energies["cation_at_cation"] - energies["neutral_at_neutral"]) * HARTREE_EV,
        "n_gradients": {k: sum("gradient" in row for row in s.known.values()) for k, s in surfaces.items()},
        "s_squared_cation": max(row["s_squared"] for row in surfaces["cation"].known.values()),
        "cpu_s": sum(surface.cpu_s for surface in surfaces.values()),
        "geometries_xyz": {k: Geometry(symbols, v * BOHR_A).to_xyz(f"{name} {k} B3LYP") for k, v in minima.items()},
    }


def lambda_hole(energies: dict[str, float]) -> float:
    """[E+(R0) - E+(R+)] + [E0(R+) - E0(R0)], eV."""
    cation = energies["cation_at_neutral"] - energies["cation_at_cation"]
    return (cation + energies["neutral_at_cation"] - energies["neutral_at_neutral"]) * HARTREE_EV


def main(names: list[str]) -> None:
    import pyscf

    STEPS.mkdir(parents=True, exist_ok=True)
    for name in names or list(MOLECULES):
        stored = json.loads(RESULTS.read_text()) if RESULTS.exists() else {"molecules": {}}
        if name in stored["molecules"]:
            continue
        print(name, flush=True)
        stored["method"] = f"{XC}/{BASIS} (Cartesian), density fitting {AUXILIARY_BASIS}, PySCF grid {GRID_LEVEL}"
        stored["command"] = "python benchmarks/lambda_references.py"
        stored["versions"] = {"pyscf": pyscf.__version__}
        stored["molecules"][name] = reference(name)
        write_atomically(RESULTS, json.dumps(stored, indent=1) + "\n")
        print(f"  lambda_hole {stored['molecules'][name]['lambda_hole_eV']:.4f} eV", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
