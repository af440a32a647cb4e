"""MMFF94 as forces of OpenMM: one molecule in vacuum, or copies of it in a periodic box.

In the box charges see each other through particle-mesh Ewald, so that the buffered Coulomb law of MMFF94 is its plain
one plus a short-ranged difference, 332.0716 q_i q_j [1/(r + 0.05) - 1/r]; the buffered 14-7 potential is switched off
towards the cutoff and corrected for what lies beyond. In vacuum there is no cutoff and the energy is RDKit's.

References
----------
Eastman et al., J. Phys. Chem. B 2024, 128, 109, 10.1021/acs.jpcb.3c06662 (OpenMM 8).
Essmann et al., J. Chem. Phys. 1995, 103, 8577, 10.1063/1.470117 (particle-mesh Ewald).
"""

from __future__ import annotations

from math import pi, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heliosc.errors import InputError, MissingDependencyError
from heliosc.qc.condensed.mmff94 import ForceFieldTerms

INSTALL_HINT = "pip install 'heliosc[md]'"
KCAL_KJ = 4.184
_COULOMB = 332.0716  # kcal A/(mol e^2)
_OPENMM_COULOMB = 138.935457644 / KCAL_KJ * 10.0  # its own constant in the same units, less by 2 in 100,000
_CHARGE_UNIT = sqrt(_COULOMB / _OPENMM_COULOMB)
_BUFFER_A = 0.05
_SCALE_14 = 0.75
_MDYNE_A = 143.9325  # kcal/mol
_HYDROGEN_U = 3.0  # mass lent by the neighbour; averages over positions do not change
_LIGHT_U = 1.5
_SWITCHED_OFF = 0.9  # where the switch begins, as a share of the cutoff

# lengths come in nm
_BOND = f"{KCAL_KJ * _MDYNE_A}*0.5*k*d^2*(1-2*d+7*d^2/3); d=10*r-r0"
_ANGLE = (
    f"{KCAL_KJ}*t*({_MDYNE_A * (pi / 180) ** 2}*0.5*k*t*(1-0.006981317*t)"
    f"+{_MDYNE_A * pi / 180}*(first*(10*distance(p1,p2)-r1)+second*(10*distance(p3,p2)-r2)));"
    f"t={180 / pi}*angle(p1,p2,p3)-theta0"
)
_LINEAR = f"{KCAL_KJ * _MDYNE_A}*k*(1+cos(theta))"
_WILSON = f"{KCAL_KJ * _MDYNE_A}*0.5*k*asin(sin(angle(p3,p2,p4))*sin(dihedral(p1,p2,p3,p4)))^2"
_TORSION = f"{KCAL_KJ}*0.5*(v1*(1+cos(theta))+v2*(1-cos(2*theta))+v3*(1+cos(3*theta)))"
_DISPERSION = "(1.07/(x+0.07))^7*(1.12/(x^7+0.12)-2)"
_BUFFERED = f"(1/(10*r+{_BUFFER_A})-1/(10*r))"
_PAIR_14 = f"{KCAL_KJ}*(depth*{_DISPERSION}+{_SCALE_14 * _COULOMB}*product*{_BUFFERED}); x=10*r/radius"


def openmm() -> Any:
    """The library.

    Raises
    ------
    MissingDependencyError : it is not installed
    """
    try:
        import openmm as library
    except ImportError as error:
        raise MissingDependencyError(f"periodic simulations need OpenMM: {INSTALL_HINT} ({error})") from error
    return library


def molecular_system(
    terms: ForceFieldTerms, *, n_copies: int = 1, cutoff_A: float | None = None, has_rigid_hydrogen: bool = True
) -> Any:
    """An ``openmm.System`` of copies of a molecule; hydrogen atoms weigh 3 u.

    Parameters
    ----------
    cutoff_A : of the nonbonded forces in a periodic box; None = vacuum, no cutoff
    has_rigid_hydrogen : bonds to hydrogen keep their length r0, for steps of 4 fs

    Raises
    ------
    InputError : no copy, or a cutoff that is not positive
    MissingDependencyError : OpenMM is not installed
    """
    if n_copies < 1 or (cutoff_A is not None and not cutoff_A > 0):
        raise InputError(f"{n_copies} copies with a cutoff of {cutoff_A} A; expected at least one, and a positive one")
    library = openmm()
    system = library.System()
    for mass in np.tile(_repartitioned(terms), n_copies):
        system.addParticle(float(mass))
    offsets = [copy * terms.n_atoms for copy in range(n_copies)]
    for offset in offsets if has_rigid_hydrogen else ():
        for first, second, length_A in _bonds_to_hydrogen(terms):
            system.addConstraint(first + offset, second + offset, length_A / 10.0)
    for force in (*_bonded(library, terms, offsets), *_nonbonded(library, terms, offsets, cutoff_A=cutoff_A)):
        system.addForce(force)
    return system


def _bonds_to_hydrogen(terms: ForceFieldTerms) -> list[tuple[int, int, float]]:
    bonds = [(int(i), int(j), length) for i, j, _, length in terms.bonds]
    return [bond for bond in bonds if min(terms.masses[bond[0]], terms.masses[bond[1]]) < _LIGHT_U]


def _repartitioned(terms: ForceFieldTerms) -> NDArray[np.float64]:
    masses = terms.masses.copy()
    for i, j, _ in _bonds_to_hydrogen(terms):
        light, heavy = (i, j) if terms.masses[i] < terms.masses[j] else (j, i)
        masses[heavy] -= _HYDROGEN_U - masses[light]
        masses[light] = _HYDROGEN_U
    return masses


def _bonded(library: Any, terms: ForceFieldTerms, offsets: list[int]) -> list[Any]:
    forces = [
        (library.CustomBondForce(_BOND), 2, ("k", "r0"), terms.bonds),
        (
            library.CustomCompoundBondForce(3, _ANGLE),
            3,
            ("k", "theta0", "first", "second", "r1", "r2"),
            terms.angles,
        ),
        (library.CustomAngleForce(_LINEAR), 3, ("k",), terms.linear_angles),
        (library.CustomCompoundBondForce(4, _WILSON), 4, ("k",), terms.out_of_plane),
        (library.CustomTorsionForce(_TORSION), 4, ("v1", "v2", "v3"), terms.torsions),
    ]
    for force, n_particles, names, rows in forces:
        for name in names:
            _per_term(force)(name)
        for offset in offsets:
            for row in rows:
                atoms = [int(index) + offset for index in row[:n_particles]]
                _add(library, force, atoms, [float(value) for value in row[n_particles:]])
    return [force for force, *_ in forces]


def _per_term(force: Any) -> Any:
    for kind in ("Bond", "Angle", "Torsion"):
        found = getattr(force, f"addPer{kind}Parameter", None)
        if found is not None:
            return found
    raise TypeError(f"{type(force).__name__} has no parameters a term")


def _add(library: Any, force: Any, atoms: list[int], values: list[float]) -> None:
    if isinstance(force, library.CustomCompoundBondForce):
        force.addBond(atoms, values)
    elif isinstance(force, library.CustomBondForce):
        force.addBond(*atoms, values)
    elif isinstance(force, library.CustomAngleForce):
        force.addAngle(*atoms, values)
    else:
        force.addTorsion(*atoms, values)


def _nonbonded(library: Any, terms: ForceFieldTerms, offsets: list[int], *, cutoff_A: float | None) -> list[Any]:
    coulomb, pairs = library.NonbondedForce(), library.CustomBondForce(_PAIR_14)
    buffered = library.CustomNonbondedForce(_pair_energy(len(terms.radii), cutoff_A=cutoff_A))
    for name in _kind_parameters(len(terms.radii)):
        buffered.addPerParticleParameter(name)
    for name in ("depth", "radius", "product"):
        pairs.addPerBondParameter(name)
    of_kinds = np.hstack([np.eye(len(terms.radii)), terms.radii, terms.depths])
    for offset in offsets:
        for kind, charge in zip(terms.kinds, terms.charges, strict=True):
            coulomb.addParticle(_CHARGE_UNIT * float(charge), 1.0, 0.0)
            buffered.addParticle([float(charge), *of_kinds[kind].tolist()])
        for i, j in (*terms.near_pairs, *terms.pairs_14):
            buffered.addExclusion(i + offset, j + offset)
        for i, j in terms.near_pairs:
            coulomb.addException(i + offset, j + offset, 0.0, 1.0, 0.0)
        for i, j in terms.pairs_14:
            product = float(terms.charges[i] * terms.charges[j])
            kinds = terms.kinds[i], terms.kinds[j]
            coulomb.addException(i + offset, j + offset, _CHARGE_UNIT**2 * _SCALE_14 * product, 1.0, 0.0)
            pairs.addBond(i + offset, j + offset, [float(terms.depths[kinds]), float(terms.radii[kinds]), product])
    _set_range(library, coulomb, buffered, cutoff_A=cutoff_A)
    return [coulomb, buffered, pairs]


def _kind_parameters(n_kinds: int) -> list[str]:
    """Charge; one for the own kind and zero for others; radii and depths with every kind.

    Sums over products of them pick a pair's numbers, several pairs at once, where a table is read one by one.
    """
    return ["charge", *(f"{name}{kind}of" for name in ("is", "radius", "depth") for kind in range(n_kinds))]


def _pair_energy(n_kinds: int, *, cutoff_A: float | None) -> str:
    radius, depth = (
        "+".join(f"{name}{kind}of1*is{kind}of2" for kind in range(n_kinds)) for name in ("radius", "depth")
    )
    # the difference of two Coulomb laws ends at the cutoff; else its tail would enter the correction for the 14-7 one
    within = "1" if cutoff_A is None else f"step({cutoff_A}-10*r)"
    return (
        f"{KCAL_KJ}*(depth*{_DISPERSION}+{within}*{_COULOMB}*charge1*charge2*{_BUFFERED});"
        f"x=10*r/radius; radius={radius}; depth={depth}"
    )


def _set_range(library: Any, coulomb: Any, buffered: Any, *, cutoff_A: float | None) -> None:
    if cutoff_A is None:
        coulomb.setNonbondedMethod(library.NonbondedForce.NoCutoff)
        buffered.setNonbondedMethod(library.CustomNonbondedForce.NoCutoff)
        return
    cutoff_nm = cutoff_A / 10.0
    coulomb.setNonbondedMethod(library.NonbondedForce.PME)
    coulomb.setUseDispersionCorrection(False)
    coulomb.setCutoffDistance(cutoff_nm)
    buffered.setNonbondedMethod(library.CustomNonbondedForce.CutoffPeriodic)
    buffered.setCutoffDistance(cutoff_nm)
    buffered.setUseSwitchingFunction(True)
    buffered.setSwitchingDistance(_SWITCHED_OFF * cutoff_nm)
    buffered.setUseLongRangeCorrection(True)
