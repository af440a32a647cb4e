"""Psi4 inputs. A Psi4 input is Python, so only checked words and numbers ever go into one."""

from __future__ import annotations

from heliosc.errors import InputError
from heliosc.qc.external.settings import Job, ProgramSettings, refuse_words
from heliosc.qc.methods import is_post_scf

ENERGY_MARK = "heliosc energy"
SINGLET_MARK = "heliosc singlet"
POLARIZABILITY_MARK = "heliosc polarizability"
FREQUENCIES_MARK = "heliosc frequencies"
LOWER_STATE_MARK = "heliosc lower state"
N_STATES = 4
RESERVED = (
    "basis", "reference", "guess", "maxiter", "geom_maxiter", "dft_spherical_points", "dft_radial_points", "save_jk",
    "writer_file_label", "pcm", "external_potentials", "df_ints_io", "perturb_with", "perturb_h", "perturb_dipole",
    "perturb_magnitude", "extern", "relativistic", "puream", "dft_omega", "dft_omega_c", "dft_alpha", "dft_alpha_c",
    "dft_dispersion_parameters", "docc", "socc", "mom_start", "opt_type", "fail_on_maxiter",
)  # fmt: skip
_CONVERGENCE = ("e_convergence", "d_convergence")
GRIDS = {"coarse": (194, 50), "normal": (302, 75), "fine": (590, 99)}

_TEMPLATE = """\
memory {memory} MB
molecule heliosc {{
{charge} {multiplicity}
{atoms}
units angstrom
symmetry c1
no_reorient
no_com
}}
set {{
basis {basis}
reference {reference}
maxiter {max_scf_cycles}
geom_maxiter {max_optimization_cycles}
{options}}}
{check}{calls}
print_out("{mark} %.12f\\n" % heliosc_energy)
"""

_OPEN_SHELL_CHECK = """\
import numpy as np
from psi4.driver.p4util.exceptions import SCFConvergenceError
heliosc_start = energy("{method}", return_wfn=True)
set guess read
set basis_guess false
for heliosc_spin in {spins}:
    heliosc_best, wfn = heliosc_start
    n_occupied = (wfn.nalpha(), wfn.nbeta())[heliosc_spin]
    orbitals = np.asarray((wfn.Ca(), wfn.Cb())[heliosc_spin])
    if not 0 < n_occupied < orbitals.shape[1]:
        continue
    exchanged = [n_occupied, n_occupied - 1]
    orbitals[:, exchanged[::-1]] = orbitals[:, exchanged]
    wfn.to_file(wfn.get_scratch_filename(180))
    orbitals[:, exchanged[::-1]] = orbitals[:, exchanged]
    try:
        heliosc_other = energy("{method}", return_wfn=True)
        if heliosc_other[0] < heliosc_best - {lower}:
            print_out("{mark} %.6f\\n" % (heliosc_best - heliosc_other[0]))
            heliosc_start = heliosc_other
    except SCFConvergenceError:
        pass
heliosc_start[1].to_file(heliosc_start[1].get_scratch_filename(180))
"""
_LOWER_EH = 1e-4

_CALLS = {
    "energy": 'heliosc_energy = energy("{method}")',
    "optimize": 'heliosc_energy = optimize("{method}")',
    "excitations": """\
import numpy as np
from psi4.driver.p4util import solvers
from psi4.driver.procrouting.response import scf_response
heliosc_energy, wfn = energy("{method}", return_wfn=True)
dipoles = [np.array(x) for x in psi4.core.MintsHelper(wfn.basisset()).ao_dipole()]
occupied, virtual = np.array(wfn.Ca_subset("AO", "OCC")), np.array(wfn.Ca_subset("AO", "VIR"))
engine = scf_response.TDRSCFEngine(wfn, ptype="tda", triplet=False)
energies, vectors, stats = solvers.davidson_solver(
    engine=engine, guess=engine.generate_guess(4 * {n_states}), nroot={n_states},
    e_tol=1e-6, r_tol=1e-4, max_vecs_per_root=12, verbose=0)
if not stats[-1]["done"]:
    raise Exception("Could not converge the excited states")
for omega, vector in zip(energies, vectors):
    amplitude = np.sqrt(2.0) * np.array(vector)
    moment = [np.sum(amplitude * (occupied.T @ x @ virtual)) for x in dipoles]
    print_out("{singlet} %.8f %.8f\\n" % (omega, 2.0 / 3.0 * omega * np.dot(moment, moment)))""",
    "polarizability": """\
from psi4.driver.procrouting.response import scf_response
heliosc_energy, wfn = energy("{method}", return_wfn=True)
tensor = scf_response.cpscf_linear_response(wfn, "DIPOLE_POLARIZABILITIES", conv_tol=1e-5)[0]
print_out("{polarizability} %.8f\\n" % (sum(tensor[i][i] for i in range(3)) / 3.0))""",
    "frequencies": """\
heliosc_energy, wfn = frequency("{method}", return_wfn=True)
print_out("{frequencies} %s\\n" % " ".join("%.3f" % x for x in wfn.frequencies().to_array()))""",
}


def check_settings(settings: ProgramSettings) -> None:
    """Hold settings against what a Psi4 input can take.

    Raises
    ------
    InputError : an option that is not ``name=value``, one that heliosc sets itself, a solvent, or D4
    """
    refuse_words(settings, reserved=RESERVED, program="Psi4")
    for word in settings.keywords:
        name, _, value = word.partition("=")
        if not (name.isidentifier() and value):
            raise InputError(f"Psi4 option {word!r} is not of the form name=value, e.g. scf_type=df")
        if "__" in name or "/" in value or ".." in value:
            raise InputError(f"Psi4 option {word!r} names a module or a path; expected a plain name=value")
        if name.lower() in _CONVERGENCE and not _is_tight(value):
            raise InputError(f"Psi4 option {word!r} is looser than 1e-6, so energies would be wrong; leave it out")
    if settings.solvation:
        raise InputError(f"solvent model {settings.solvation} through Psi4 is not supported; use pyscf, orca, gaussian")
    if settings.dispersion == "d4":
        raise InputError("Psi4 1.3 has no D4 correction; use d3bj (needs the program dftd3), or program pyscf or orca")


def _is_tight(value: str) -> bool:
    """Whether a threshold, ``1e-8`` or its number of decimals ``8``, is no looser than Psi4's own for energies."""
    try:
        number = float(value)
    except ValueError:
        return False
    return number >= 6 if number >= 1 else 0 < number <= 1e-6


def build_input(job: Job, *, settings: ProgramSettings) -> str:
    """Input text; no symmetry and no reorientation, so that geometries stay in the caller's frame.

    An open shell's field may converge to an excited state, and Psi4 1.3 cannot analyse the stability of a functional's.
    So its frontier orbitals are exchanged (beta of a cation, where the hole is, alpha of an anion), and the lowest
    field found is the start.

    The energy that the method returns is printed under our own mark: with post-SCF methods the SCF's energy line is
    not the last word. Psi4 1.3 prints no oscillator strengths, so they are computed from the eigenvectors. Its triplet
    operator leaves the exchange-correlation kernel out (water: 7.21 eV instead of 6.95), so T1 is not asked for.
    """
    words = (*settings.keywords, *_grid_words(settings), *settings.scf_words, *settings.geometry_words)
    if job.task in ("excitations", "polarizability"):
        words += ("save_jk=true",)
    options = "".join(f"{name} {value}\n" for name, _, value in (word.partition("=") for word in words))
    calls = _CALLS[job.task].format(
        method=settings.as_method().functional,
        singlet=SINGLET_MARK,
        polarizability=POLARIZABILITY_MARK,
        frequencies=FREQUENCIES_MARK,
        n_states=N_STATES,
    )
    return _TEMPLATE.format(
        memory=settings.program_memory_mb,
        charge=job.charge,
        multiplicity=job.multiplicity,
        atoms=job.atom_lines(),
        basis=settings.basis,
        reference="rhf" if job.multiplicity == 1 else "uhf",  # Psi4 makes RKS and UKS of them for a functional
        max_scf_cycles=settings.max_scf_cycles,
        max_optimization_cycles=settings.max_optimization_cycles,
        options=options,
        check=_check(job, settings),
        calls=calls,
        mark=ENERGY_MARK,
    )


def _check(job: Job, settings: ProgramSettings) -> str:
    method = settings.as_method().functional
    if job.multiplicity == 1 or is_post_scf(method):
        return ""
    spins = "(0, 1)" if job.charge == 0 else "(1,)" if job.charge > 0 else "(0,)"
    return _OPEN_SHELL_CHECK.format(method=method, spins=spins, lower=_LOWER_EH, mark=LOWER_STATE_MARK)


def _grid_words(settings: ProgramSettings) -> tuple[str, ...]:
    if settings.grid == "normal":  # Psi4's own default
        return ()
    spherical, radial = GRIDS[settings.grid]
    return (f"dft_spherical_points={spherical}", f"dft_radial_points={radial}")
