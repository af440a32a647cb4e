#!/usr/bin/env python3
"""FAKE: not ORCA. Writes its own numbers in ORCA's format, to test how heliosc runs a program.

The "energy" is the nuclear repulsion energy of the input's atoms; orbital energies and dipole are constants. The
environment variable FAKE_ORCA picks how it ends: ``ok``, ``scf``, ``hang``, ``killed``, ``charge``, ``exit``,
``memory`` (until one process runs), ``mpi`` (the first time), ``scf-until=WORD`` and ``opt-until=WORD`` (until the
input holds the word; an unconverged optimisation has moved the last atom by 0.1 A). FAKE_ORCA_INPUTS names a folder in
which every input is kept under a running number.
"""

import os
import subprocess
import sys
import time
from itertools import combinations
from pathlib import Path

CHARGES = {"H": 1, "C": 6, "N": 7, "O": 8, "S": 16}
BOHR_A = 0.529177210903

print("                 FAKE, NOT ORCA\n                         Program Version 6.0.0  -   RELEASE  -\n", flush=True)
mode = os.environ.get("FAKE_ORCA", "ok")
source = Path(sys.argv[1])
if not source.exists():
    sys.exit("no such input")

if mode == "hang":
    child = subprocess.Popen(["sleep", "60"])  # as MPI ranks do, it outlives its parent
    Path(os.environ["FAKE_ORCA_PIDS"]).write_text(f"{os.getpid()} {child.pid}")
    time.sleep(60)
if mode == "killed":
    os.kill(os.getpid(), 9)

text = source.read_text()
kept = os.environ.get("FAKE_ORCA_INPUTS")
n_before = len(list(Path(kept).iterdir())) if kept else 0
if kept:
    (Path(kept) / f"{n_before:02d}-{source.name}").write_text(text)
mode, _, word = mode.partition("=")
if mode.endswith("-until"):
    mode = "ok" if word in text else mode.removesuffix("-until")
if mode == "memory" and "%pal" in text:
    sys.exit("ORCA finished by error termination\nPlease increase MaxCore to more than:  4000 MB")
if mode == "mpi" and n_before == 0:
    sys.exit("mpirun noticed that process rank 0 with PID 1 on node x exited on signal 11")

charge, multiplicity = text.split("* xyz", 1)[1].split()[:2]
lines = text.split("* xyz", 1)[1].splitlines()[1:]
atoms = [line.split() for line in lines[: lines.index("*")]]
positions = [[float(value) / BOHR_A for value in atom[1:]] for atom in atoms]
repulsion = sum(
    CHARGES[atoms[i][0]]
    * CHARGES[atoms[j][0]]
    / sum((a - b) ** 2 for a, b in zip(positions[i], positions[j], strict=True)) ** 0.5
    for i, j in combinations(range(len(atoms)), 2)
)
if mode == "charge":
    charge = "1"

if mode == "opt":
    atoms[-1][3] = str(float(atoms[-1][3]) + 0.1)
if "Opt" in text.splitlines()[0]:
    print("                         *                GEOMETRY OPTIMIZATION CYCLE   1            *")

print("----\nCARTESIAN COORDINATES (ANGSTROEM)\n---------------------------------")
for atom in atoms:
    print(f"  {atom[0]:2s} {float(atom[1]):12.6f} {float(atom[2]):12.6f} {float(atom[3]):12.6f}")
print(f"\n Total Charge           Charge          ....    {charge}")
print(f" Multiplicity           Mult            ....    {multiplicity}")
if mode == "scf":
    print("               *        SCF NOT CONVERGED AFTER 125 CYCLES         *")
    print(f"FINAL SINGLE POINT ENERGY  {repulsion:20.12f}   (SCF not fully converged!)")
    sys.exit(0)
print("               *           SCF CONVERGED AFTER   6 CYCLES          *")
print("----------------\nORBITAL ENERGIES\n----------------\n\n  NO   OCC          E(Eh)            E(eV)")
print("   0   2.0000      -0.500000       -13.6057\n   1   0.0000       0.100000         2.7211\n")
print(f"FINAL SINGLE POINT ENERGY  {repulsion:20.12f}\nMagnitude (Debye)      :      1.500000000")
if mode == "opt":
    print("   The optimization did not converge but reached the maximum number of")
elif "Opt" in text.splitlines()[0]:
    print("                    ***        THE OPTIMIZATION HAS CONVERGED     ***")
print("                             ****ORCA TERMINATED NORMALLY****")
sys.exit(3 if mode == "exit" else 0)
