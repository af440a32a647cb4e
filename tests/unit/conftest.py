"""A synthetic run folder: real molecules, invented but plausible numbers. No value in it was computed."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from heliosc.campaign.records import CandidateRecord, PredictedValue, RoundRecord
from heliosc.campaign.run_folder import RunFolder, RunState, Stage
from heliosc.chemistry.identity import canonical_smiles, inchikey, parse_smiles
from heliosc.config import load_config

_LEFT = ("c1ccsc1-", "c1ccccc1-", "COc1ccc(cc1)-", "c1ccncc1-", "c1ccc2sccc2c1-")
_MIDDLE = (
    ("c2ccc(-", ")s2"), ("c2ccc(-", ")c3nsnc23"), ("c2ccc(-", ")cc2"), ("c2cc3sc(-", ")cc3s2"),
    ("c2c(F)c(F)c(-", ")c3nsnc23"), ("c2ncc(-", ")s2"), ("C2=C3C(=O)NC(-", ")=C3C(=O)N2"),
)  # fmt: skip
_RIGHT = ("c4cccs4", "c4ccccc4", "c4ccc(C#N)cc4", "c4ccc(C=C(C#N)C#N)s4", "c4ccncc4", "c4ccc5ccccc5c4")
_SCALES = {  # centre, spread, predicted std
    "vertical_ionization_energy@ipea1//gfn2": (7.1, 0.38, 0.14),
    "vertical_electron_affinity@gfn2": (1.7, 0.55, 0.16),
    "lambda_hole@gfn2": (0.16, 0.07, 0.045),
    "lambda_electron@gfn2": (0.21, 0.08, 0.05),
    "homo_energy@gfn2": (-10.2, 0.35, 0.11),
    "lumo_energy@gfn2": (-8.3, 0.4, 0.12),
    "dipole_moment@gfn2": (2.6, 1.6, 0.9),
    "polarizability@gfn2": (48.0, 9.0, 1.8),
}
_CENTRES, _SPREADS, _STDS = zip(*_SCALES.values(), strict=True)
_WINDOWS = {"p_dopable": ("vertical_ionization_energy@ipea1//gfn2", "below", 6.8),
            "n_dopable": ("vertical_electron_affinity@gfn2", "above", 2.4)}  # fmt: skip


def fixture_smiles(n: int, *, seed: int = 0) -> list[str]:
    """Distinct conjugated molecules."""
    everything = [
        canonical_smiles(f"{left}{start}{right}{end}")
        for left, (start, end), right in itertools.product(_LEFT, _MIDDLE, _RIGHT)
    ]
    distinct = sorted(set(everything))
    order = np.random.default_rng(seed).permutation(len(distinct))
    return [distinct[i] for i in order[:n]]


def _meets(role: str, computed: dict[str, float]) -> bool:
    key, side, limit = _WINDOWS[role]
    return computed[key] <= limit if side == "below" else computed[key] >= limit


def make_candidate(
    run_id: str, *, index: int, round_index: int, smiles: str, rng: np.random.Generator
) -> CandidateRecord:
    """One candidate with invented values that improve a little from round to round."""
    role = ("p_dopable", "n_dopable")[index % 2]
    drift = 0.12 * round_index
    shifts = (-drift, 0.0) if role == "p_dopable" else (0.1, drift + 0.35)
    shift = np.array([*shifts, -0.012 * round_index, -0.015 * round_index, 0, 0, 0, 0])
    true = np.abs(rng.normal(_CENTRES, _SPREADS)) * np.sign(_CENTRES) + shift
    true[2:4] = np.maximum(true[2:4], 0.04)
    means = true + rng.normal(0, _STDS)
    predicted = {
        key: PredictedValue(float(mean), float(0.4 * std), float(0.92 * std))
        for key, mean, std in zip(_SCALES, means, _STDS, strict=True)
    }
    computed = {key: float(value) for key, value in zip(_SCALES, true, strict=True)}
    computed["adiabatic_ionization_energy@gfn2"] = float(true[0] - 0.1)
    computed["adiabatic_electron_affinity@gfn2"] = float(true[1] + 0.1)
    is_failed = index % 8 == 7
    return CandidateRecord(
        id=f"{run_id}-r{round_index}-{index:02d}",
        smiles=smiles,
        inchikey=inchikey(parse_smiles(smiles)),
        role=role,
        round=round_index,
        source="jtvae" if index % 3 else "jtvae-neighbour",
        score=float(rng.random()),
        reason=f"upper confidence bound 0.{index:02d} for {role}, least similar of its cluster",
        predicted=predicted,
        sa_score=3.1,
        sa_score_core=2.4 + 0.3 * (index % 5),
        alerts=("vinylidene_dicyano",) if "C=C(C#N)C#N" in smiles else (),
        calculation_key=f"fixture-{round_index}-{index:02d}",
        computed={} if is_failed else computed,
        failure={"error_class": "convergence", "reason": "SCF of the anion did not converge in 250 cycles"}
        if is_failed
        else None,
        meets_window=None if is_failed else _meets(role, computed),
        wall_time_s=float(rng.uniform(2, 9)),
    )


def make_round(round_index: int, candidates: list[CandidateRecord], everything: list[CandidateRecord]) -> RoundRecord:
    """The record of a finished round, with counts that agree with its candidates."""
    n_failed = sum(candidate.failure is not None for candidate in candidates)
    roles = sorted({candidate.role for candidate in everything})
    share = {}
    for role in roles:
        verdicts = [c.meets_window for c in everything if c.role == role and c.meets_window is not None]
        share[role] = {"candidates": [sum(verdicts), len(verdicts)], "library": [3, 60]}
    return RoundRecord(
        round=round_index,
        funnel={"sampled": 1200, "valid": 1200, "unique": 941, "novel": 870, "constraints": 412,
                "selected": len(candidates), "computed": len(candidates) - n_failed, "failed": n_failed},
        rejected={"SA score of the core above 6": 291, "alert: peroxide": 12, "elements": 155},
        timing_s={"generate": 21.0, "predict and select": 7.7, "compute": 58.0 + round_index, "learn": 33.0},
        core_seconds=104.5 + round_index,
        hypervolume={role: 0.4 + 0.3 * round_index + 0.1 * i for i, role in enumerate(roles)},
        hypervolume_random={role: 0.35 + 0.08 * round_index + 0.1 * i for i, role in enumerate(roles)},
        window_share=share,
        surrogate_error={key: {"mae": 0.8 * std, "coverage95": 0.93, "n": float(len(candidates) - n_failed)}
                         for key, std in zip(_SCALES, _STDS, strict=True)},
    )  # fmt: skip


def build_run_folder(path: Path, *, n_rounds: int = 3, batch: int = 16, seed: int = 0) -> Path:
    """Write a run folder as a campaign would have left it."""
    run = RunFolder(path)
    run.create(load_config(None, [f"campaign.rounds={max(1, n_rounds)}", f"campaign.batch_size={batch}"]))
    environment = {"seed": seed, "python": "3.11", "system": "Linux x86_64", "cores": 2,
                   "packages": {"heliosc": "0.1.0", "rdkit": "2026.3.6", "tblite": "0.8.0"},
                   "weights": {"surrogate": "5f" * 32, "generator": "a7" * 32}}  # fmt: skip
    (path / "environment.json").write_text(json.dumps(environment))
    rng = np.random.default_rng(seed)
    smiles = fixture_smiles(n_rounds * batch, seed=seed)
    everything: list[CandidateRecord] = []
    history = []
    for round_index in range(n_rounds):
        part = smiles[round_index * batch : (round_index + 1) * batch]
        candidates = [
            make_candidate(path.name, index=i, round_index=round_index, smiles=text, rng=rng)
            for i, text in enumerate(part)
        ]
        everything += candidates
        run.write_candidates(round_index, candidates)
        history.append(make_round(round_index, candidates, everything))
    if history:
        run.write_history(history)
    run.write_state(RunState(n_rounds, Stage.FINISHED) if n_rounds else RunState())
    return path


def fixture_result(candidate: CandidateRecord) -> dict[str, Any]:
    """A four-point result in the form of the store, with force-field geometries in place of optimised ones."""
    from rdkit import Chem
    from rdkit.Chem import rdDistGeom

    molecule = Chem.AddHs(parse_smiles(candidate.smiles))
    rdDistGeom.EmbedMolecule(molecule, randomSeed=7)
    xyz = Chem.MolToXYZBlock(molecule)
    return {
        "values": dict(candidate.computed),
        "geometries": {"neutral": xyz, "cation": xyz, "anion": xyz},
        "program": "tblite",
        "version": "0.8.0",
        "wall_time_s": candidate.wall_time_s,
        "details": {"note": "fixture"},
    }


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of three rounds; read it, do not change it."""
    return build_run_folder(tmp_path_factory.mktemp("runs") / "fixture-run")


@pytest.fixture
def make_run_folder(tmp_path: Path) -> Callable[..., Path]:
    """Factory of run folders: keyword arguments of ``build_run_folder``."""

    def make(name: str = "fixture-run", **settings: Any) -> Path:
        return build_run_folder(tmp_path / name, **settings)

    return make


@pytest.fixture
def make_result() -> Callable[[CandidateRecord], dict[str, Any]]:
    """Factory of four-point results for candidates of the fixture."""
    return fixture_result
