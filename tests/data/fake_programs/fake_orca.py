#!/usr/bin/env python3
"""FAKE: not ORCA. Writes its own numbers in ORCA's format, to test how heliosc runs a program.

The "energy" is the nuclear repulsion energy of the input's atoms; orbital energies and dipole are constants. The
environment variable FAKE_ORCA picks how it ends: ``ok``, ``scf``, ``hang``, ``killed``, ``charge``, ``exit``.
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
print("                             ****ORCA TERMINATED NORMALLY****")
sys.exit(3 if mode == "exit" else 0)
