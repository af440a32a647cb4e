"""MMFF94 in OpenMM against RDKit's, term by term in sum: energies and forces; charges in a periodic box."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from rdkit import Chem
from rdkit.Chem import rdDistGeom, rdForceFieldHelpers

from heliosc.errors import InputError, MissingDependencyError
from heliosc.qc.condensed.bulk import OpenmmExecutor
from heliosc.qc.condensed.mmff94 import mmff94_terms
from heliosc.qc.condensed.openmm_system import KCAL_KJ, molecular_system, openmm

FloatArray = NDArray[np.float64]

MOLECULES = {
    "benzene": "c1ccccc1",
    "hexyl fluorophenyl thiophene": "CCCCCCc1ccc(-c2ccc(F)cc2)s1",
    "diketopyrrolopyrrole": "CN1C(=O)C2=C(c3cccs3)N(C)C(=O)C2=C1c1cccs1",
    "benzothiadiazole": "c1ccc2nsnc2c1",
    "dicyanovinyl thiophene, linear groups": "N#CC(C#N)=Cc1cccs1",
    "silylethynyl pyridine": "C[Si](C)(C)C#Cc1ccncc1",
    "nitro, halogens": "O=[N+]([O-])c1ccc(Cl)cc1Br",
    "small rings, acid, alkyne": "C#CC1CC1C(=O)O",
    "allene": "C=C=CC1CCC1",
    "sulfone, triarylamine": "CS(=O)(=O)c1ccc(N(c2ccccc2)c2ccccc2)cc1",
    "imide with a hydrogen bond": "O=C1NC(=O)c2cccc3cccc1c23",
}


def _embedded(smiles: str) -> tuple[Chem.Mol, FloatArray]:
    molecule = Chem.AddHs(Chem.MolFromSmiles(smiles))
    rdDistGeom.EmbedMolecule(molecule, randomSeed=1)  # not optimised: every term is far from zero
    return molecule, np.asarray(molecule.GetConformer().GetPositions())


def _context(system: Any, positions_A: FloatArray) -> Any:
    library = pytest.importorskip("openmm", reason="OpenMM is not installed: pip install 'heliosc[md]'")
    platform = library.Platform.getPlatformByName("Reference")
    context = library.Context(system, library.VerletIntegrator(0.001), platform)
    context.setPositions(positions_A / 10.0)
    return context


@pytest.mark.parametrize("name", MOLECULES)
def test_energy_and_forces_are_those_of_rdkit(name: str) -> None:
    pytest.importorskip("openmm", reason="OpenMM is not installed: pip install 'heliosc[md]'")
    molecule, positions = _embedded(MOLECULES[name])
    state = _context(molecular_system(mmff94_terms(molecule), has_rigid_hydrogen=False), positions).getState(
        energy=True, forces=True
    )
    reference = rdForceFieldHelpers.MMFFGetMoleculeForceField(
        molecule, rdForceFieldHelpers.MMFFGetMoleculeProperties(molecule)
    )
    assert state.getPotentialEnergy()._value / KCAL_KJ == pytest.approx(reference.CalcEnergy(), abs=1e-5)  # kcal/mol
    forces = state.getForces(asNumpy=True)._value / (10.0 * KCAL_KJ)
    assert -np.asarray(reference.CalcGrad()).reshape(-1, 3) == pytest.approx(forces, abs=1e-4)


def test_two_distant_molecules_in_a_box_have_twice_the_energy_of_one() -> None:
    pytest.importorskip("openmm", reason="OpenMM is not installed: pip install 'heliosc[md]'")
    molecule, positions = _embedded("c1ccsc1")
    terms = mmff94_terms(molecule)
    alone = _context(molecular_system(terms), positions).getState(energy=True).getPotentialEnergy()._value
    system = molecular_system(terms, n_copies=2, cutoff_A=10.0)
    system.setDefaultPeriodicBoxVectors(*(6.0 * np.eye(3)).tolist())
    both = _context(system, np.vstack([positions, positions + 30.0])).getState(energy=True).getPotentialEnergy()._value
    # dipoles of 0.5 D at 50 A and the Ewald error remain; leaving out 0.75, the buffer or an exclusion costs kJ/mol
    assert both == pytest.approx(2 * alone, abs=0.1)


def test_hydrogen_is_heavy_and_its_bonds_are_rigid() -> None:
    pytest.importorskip("openmm", reason="OpenMM is not installed: pip install 'heliosc[md]'")
    molecule, _ = _embedded("C")
    system = molecular_system(mmff94_terms(molecule), n_copies=3)
    masses = [system.getParticleMass(i)._value for i in range(5)]
    assert masses[1:] == [3.0] * 4
    assert sum(masses) == pytest.approx(12.011 + 4 * 1.008)
    assert system.getNumConstraints() == 12
    assert system.getConstraintParameters(11)[:2] == [10, 14]


@pytest.mark.parametrize("smiles", ["c1cc[se]c1", "CB(C)C"])
def test_an_atom_without_parameters_is_refused(smiles: str) -> None:
    with pytest.raises(InputError, match="MMFF94 has no parameters"):
        mmff94_terms(Chem.AddHs(Chem.MolFromSmiles(smiles)))


def test_nonsense_of_a_box_is_refused() -> None:
    molecule, _ = _embedded("C")
    for wrong in ({"n_copies": 0}, {"cutoff_A": -1.0}):
        with pytest.raises(InputError, match="copies"):
            molecular_system(mmff94_terms(molecule), **wrong)


def test_without_openmm_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openmm", None)
    assert not OpenmmExecutor().found()
    with pytest.raises(MissingDependencyError, match=r"pip install 'heliosc\[md\]'"):
        openmm()
