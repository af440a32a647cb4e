"""Four-point sets spread over several files: vertical, adiabatic and reorganisation energies of each molecule.

Jobs belong together by molecule, geometry and charge, never by their names. A set is complete with seven energies;
what a smaller one allows is given, nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from heliosc.errors import InputError
from heliosc.properties import PropertyKey
from heliosc.properties.levels import ionization_shift
from heliosc.qc.energies import LAMBDA_TERM_TOLERANCE_EV
from heliosc.qc.geometries import Geometry
from heliosc.qc.logs.jobs import LogJob
from heliosc.qc.logs.molecules import smiles_of
from heliosc.qc.logs.naming import excitation_level, is_in_vocabulary
from heliosc.qc.logs.sites import Site, deviation, distance_matrix, molecules, paired_minimum
from heliosc.qc.units import HARTREE_EV

UNKNOWN_GEOMETRY = "unknown"
_STATES = {"neutral": 0, "cation": 1, "anion": -1}
_CONFLICT_HARTREE = 1e-3 / HARTREE_EV


@dataclass(slots=True)
class LogSet:
    """What the outputs say about one molecule at one level of theory.

    Attributes
    ----------
    smiles : ``None`` when no molecule could be perceived; the first flag says why
    level : of the single points, ``A`` or ``A//B``
    values : properties, in the unit of their key
    geometries : minimum of each state that was found
    minima : state -> the optimisation that ended there
    energies_hartree : ``state_at_minimum`` -> energy
    jobs : role, e.g. ``cation_at_neutral`` -> the job its energy was taken from
    origins : value -> the jobs it was made of
    """

    smiles: str | None
    level: str
    values: dict[PropertyKey, float] = field(default_factory=dict)
    geometries: dict[str, Geometry] = field(default_factory=dict)
    minima: dict[str, LogJob] = field(default_factory=dict)
    energies_hartree: dict[str, float] = field(default_factory=dict)
    jobs: dict[str, LogJob] = field(default_factory=dict)
    origins: dict[PropertyKey, tuple[LogJob, ...]] = field(default_factory=dict)
    flags: list[str] = field(default_factory=list)

    @property
    def is_complete(self) -> bool:
        """Whether all seven energies are there."""
        return len(self.energies_hartree) == 7

    def add(self, name: str, value: float, *, jobs: Iterable[LogJob], level: str | None = None) -> None:
        """Add a value, unless one is there already."""
        key = PropertyKey(name, level or self.level)
        if key not in self.values:
            self.values[key] = value
            self.origins[key] = tuple(jobs)

    def lambda_terms(self) -> dict[str, float]:
        """Relaxation energies that can be formed, eV."""
        pairs = {
            "cation": ("cation_at_neutral", "cation_at_cation"),
            "neutral_from_cation": ("neutral_at_cation", "neutral_at_neutral"),
            "anion": ("anion_at_neutral", "anion_at_anion"),
            "neutral_from_anion": ("neutral_at_anion", "neutral_at_neutral"),
        }
        return {
            name: (self.energies_hartree[upper] - self.energies_hartree[lower]) * HARTREE_EV
            for name, (upper, lower) in pairs.items()
            if upper in self.energies_hartree and lower in self.energies_hartree
        }


def log_sets(jobs: Iterable[LogJob]) -> list[LogSet]:
    """One set for each neutral geometry and level of its single points, in the order of the jobs."""
    found = []
    for sites in molecules(jobs):
        for site in sites:
            neutral_levels = dict.fromkeys(
                job.level for job in site.jobs if job.charge == 0 and site.at(job.level, charge=0)
            )
            found += [
                _log_set(site, sites, level)
                for level in neutral_levels
                if is_in_vocabulary(level) and _is_neutral_geometry(site)
            ]
    return found


def _is_neutral_geometry(site: Site) -> bool:
    """Whether R0 may be here: a neutral was optimised to it, or nothing else was, and no saddle point was searched."""
    if site.minima(charge=0):
        return True
    return not any(site.minima(charge=charge) for charge in (1, -1)) and not any(
        job.output.special_geometry for job in site.jobs
    )


def _log_set(site: Site, sites: list[Site], level: str) -> LogSet:
    geometry_level = _geometry_level(site, level)
    joint = level if geometry_level == level else f"{level}//{geometry_level or UNKNOWN_GEOMETRY}"
    smiles, trouble = _smiles(site.geometry)
    flags = [trouble] if trouble else []
    if not is_in_vocabulary(joint):
        flags.append(f"the geometries are those of {geometry_level}, which is no level that values can name")
        joint = f"{level}//{UNKNOWN_GEOMETRY}"
    result = LogSet(smiles, joint, flags=flags)
    minima: dict[str, Site | None] = {"neutral": site, "cation": None, "anion": None}
    if geometry_level:
        minima |= {
            state: paired_minimum(site, sites, charge=_STATES[state], level=geometry_level)
            for state in ("cation", "anion")
        }
    for state, minimum in minima.items():
        if minimum is not None:
            result.geometries[state] = minimum.geometry
            ended = [job for job in minimum.minima(charge=_STATES[state]) if job.level == geometry_level]
            if ended:
                result.minima[state] = ended[0]
    _collect_energies(result, minima, level)
    _add_energy_values(result, level)
    _add_neutral_values(result, site, level)
    result.flags += _flags(result)
    return result


def _geometry_level(site: Site, level: str) -> str | None:
    """Level at which the neutral was optimised to this geometry; ``None`` when no output shows it."""
    minima = site.minima(charge=0)
    if any(job.level == level for job in minima):
        return level
    here = [job for job in minima if job.geometry is not None]
    point = distance_matrix(site.at(level, charge=0)[0].geometry or site.geometry)
    nearest = min(here, key=lambda job: deviation(distance_matrix(job.geometry or site.geometry), point), default=None)
    return nearest.level if nearest else None


def _smiles(geometry: Geometry) -> tuple[str | None, str | None]:
    try:
        return smiles_of(geometry), None
    except InputError as error:
        return None, f"molecule not recognised: {error}"


def _collect_energies(result: LogSet, minima: dict[str, Site | None], level: str) -> None:
    """Energies of the neutral at every minimum, of each ion at R0 and at its own."""
    wanted = [("neutral", "neutral"), ("cation", "neutral"), ("anion", "neutral"), ("cation", "cation"),
              ("neutral", "cation"), ("anion", "anion"), ("neutral", "anion")]  # fmt: skip
    for state, where in wanted:
        minimum = minima[where]
        jobs = minimum.at(level, charge=_STATES[state]) if minimum else []
        role = f"{state}_at_{where}"
        if not jobs:
            continue
        energies = [job.energy_hartree for job in jobs]
        if max(energies) - min(energies) > _CONFLICT_HARTREE:
            names = ", ".join(str(job.source) for job in jobs[:4])
            result.flags.append(f"{role}: outputs disagree by more than 1 meV ({names}); none is used")
            continue
        result.energies_hartree[role] = energies[0]
        result.jobs[role] = jobs[0]


def _add_energy_values(result: LogSet, level: str) -> None:
    shift = ionization_shift(level)
    energies = result.energies_hartree
    differences = {
        "vertical_ionization_energy": ("cation_at_neutral", "neutral_at_neutral"),
        "adiabatic_ionization_energy": ("cation_at_cation", "neutral_at_neutral"),
        "vertical_electron_affinity": ("neutral_at_neutral", "anion_at_neutral"),
        "adiabatic_electron_affinity": ("neutral_at_neutral", "anion_at_anion"),
    }
    for name, roles in differences.items():
        if all(role in energies for role in roles):
            value = (energies[roles[0]] - energies[roles[1]]) * HARTREE_EV - shift
            result.add(name, value, jobs=[result.jobs[role] for role in roles])
    for name, ion in (("lambda_hole", "cation"), ("lambda_electron", "anion")):
        _add_reorganization_energy(result, name, ion=ion)


def _add_reorganization_energy(result: LogSet, name: str, *, ion: str) -> None:
    """Sum of two relaxation energies. Of geometries of the same level each must be >= 0, of ``A//B`` only their sum."""
    terms = result.lambda_terms()
    parts = [terms[part] for part in (ion, f"neutral_from_{ion}") if part in terms]
    if len(parts) < 2:
        return
    is_joint = "//" in result.level
    if (sum(parts) if is_joint else min(parts)) < -LAMBDA_TERM_TOLERANCE_EV:
        result.flags.append(
            f"{name} withheld: relaxation energies of {parts[0]:.3f} and {parts[1]:.3f} eV say that a geometry is not "
            "its state's minimum; optimise again from the lower one"
        )
        return
    roles = (f"{ion}_at_neutral", f"{ion}_at_{ion}", f"neutral_at_{ion}", "neutral_at_neutral")
    result.add(name, sum(parts), jobs=[result.jobs[role] for role in roles])
    if min(parts) < -LAMBDA_TERM_TOLERANCE_EV:
        result.flags.append(f"{name}: a relaxation energy of {min(parts):.3f} eV; the geometries suit this level badly")


def _add_neutral_values(result: LogSet, site: Site, level: str) -> None:
    """Orbitals, dipole, response and excitations of the neutral at R0."""
    shift = ionization_shift(level)
    for job in site.at(level, charge=0):
        output = job.output
        gap = output.lumo_eV - output.homo_eV if output.lumo_eV is not None and output.homo_eV is not None else None
        named = {
            "homo_energy": output.homo_eV,
            "lumo_energy": output.lumo_eV,
            "homo_lumo_gap": gap,
            "dipole_moment": output.dipole_debye,
            "polarizability": output.polarizability_A3,
            "vertical_ionization_energy": _less(job.vertical_eV[0], shift),
            "vertical_electron_affinity": _less(job.vertical_eV[1], shift),
        }
        for name, value in named.items():
            if value is not None:
                result.add(name, value, jobs=[job])
        _add_excitations(result, job)


def _less(value: float | None, shift: float) -> float | None:
    return None if value is None else value - shift


def _add_excitations(result: LogSet, job: LogJob) -> None:
    """S1 with its oscillator strength, and T1."""
    level = excitation_level(result.level, method=job.output.excitation_method)
    states = sorted(job.output.excited_states, key=lambda state: state.energy_eV)
    singlet = next((state for state in states if state.multiplicity == 1), None)
    triplet = next((state for state in states if state.multiplicity == 3), None)
    if level and singlet:
        result.add("singlet_excitation_energy", singlet.energy_eV, jobs=[job], level=level)
        if singlet.oscillator_strength is not None:
            result.add("oscillator_strength", singlet.oscillator_strength, jobs=[job], level=level)
    if level and triplet:
        result.add("triplet_excitation_energy", triplet.energy_eV, jobs=[job], level=level)


def _flags(result: LogSet) -> list[str]:
    """Reasons for care: those of the jobs, unlike versions, an unbound anion."""
    flags = [f"{role}: {flag}" for role, job in result.jobs.items() for flag in job.flags]
    versions = sorted({f"{job.program} {job.output.version}" for jobs in result.origins.values() for job in jobs})
    if len(versions) > 1:
        flags.append(f"unlike versions: {', '.join(versions)}")
    affinities = [result.values.get(PropertyKey(f"{kind}_electron_affinity", result.level)) for kind in ("vertical",
                  "adiabatic")]  # fmt: skip
    if any(value is not None and value < 0 for value in affinities):
        flags.append("the anion is unbound: its electron affinity depends on the basis")
    return flags
