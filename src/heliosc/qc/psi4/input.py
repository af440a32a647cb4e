"""Psi4 inputs."""

from __future__ import annotations

from heliosc.errors import InputError
from heliosc.qc.external.settings import Job, ProgramSettings, refuse_words

ENERGY_MARK = "heliosc energy"
RESERVED = ("basis", "reference", "maxiter", "geom_maxiter")
_CALLS = {"energy": "energy", "optimize": "optimize"}

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
heliosc_energy = {call}("{method}")
print_out("{mark} %.12f\\n" % heliosc_energy)
"""


def check_settings(settings: ProgramSettings) -> None:
    """Hold settings against what a Psi4 input can take.

    Raises
    ------
    InputError : an option that is not ``name=value``, or one that heliosc sets itself
    """
    refuse_words(settings, reserved=RESERVED, program="Psi4")
    for word in settings.keywords:
        name, _, value = word.partition("=")
        if not (name.isidentifier() and value):
            raise InputError(f"Psi4 option {word!r} is not of the form name=value, e.g. scf_type=df")


def build_input(job: Job, *, settings: ProgramSettings) -> str:
    """Input text; no symmetry and no reorientation, so that geometries stay in the caller's frame.

    The energy that the method returns is printed under our own mark: with post-SCF methods the SCF's energy line is
    not the last word.
    """
    options = "".join(f"{name} {value}\n" for name, _, value in (word.partition("=") for word in settings.keywords))
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
        call=_CALLS[job.task],
        method=settings.method,
        mark=ENERGY_MARK,
    )
