"""Order in clusters from positions built by hand; inputs and outputs of the dynamics."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from heliosc.errors import InputError, MissingDependencyError, ParseError
from heliosc.qc.condensed.clusters import order_parameter, random_cluster, simulate_cluster, stacked_share
from heliosc.qc.condensed.force_field import DynamicsSettings, GfnffExecutor, read_frames
from heliosc.qc.geometries import Geometry

_ANGLES = np.radians(60.0 * np.arange(6))
RING = np.column_stack([1.4 * np.cos(_ANGLES), 1.4 * np.sin(_ANGLES), np.zeros(6)])
BENZENE_CARBONS = Geometry(("C",) * 6, RING)


def _moved(points: NDArray[np.float64], x: float, z: float) -> NDArray[np.float64]:
    return points + np.array([x, 0.0, z])


def _turned(axis: str, degrees: float) -> NDArray[np.float64]:
    return np.asarray(Rotation.from_euler(axis, degrees, degrees=True).apply(RING))


def test_order_parameter_of_known_arrangements() -> None:
    assert order_parameter(np.array([RING, RING + 5, RING + 10])) == pytest.approx(1.0)
    assert order_parameter(np.array([RING, _turned("x", 180)])) == pytest.approx(1.0)  # a normal has no sign
    crossed = np.array([RING, _turned("x", 90), _turned("y", 90)])  # three normals along three axes
    assert order_parameter(crossed) == pytest.approx(0.0, abs=1e-12)
    assert order_parameter(np.array([RING, _turned("x", 90)])) == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("second", "share"),
    [
        (_moved(RING, 0, 3.5), 1.0),
        (_moved(RING, 1.6, 3.5), 1.0),  # slipped
        (_moved(RING, 0, 5.0), 0.0),  # too far
        (_moved(RING, 6.0, 3.5), 0.0),  # beside
        (_moved(_turned("x", 90), 0, 3.5), 0.0),  # edge to face
    ],
)
def test_what_counts_as_stacked(second: NDArray[np.float64], share: float) -> None:
    assert stacked_share(np.array([RING, second])) == share


def test_a_lone_third_molecule_lowers_the_share() -> None:
    assert stacked_share(np.array([RING, _moved(RING, 0, 3.5), RING + 50.0])) == pytest.approx(2 / 3)


@pytest.mark.parametrize("n_molecules", [2, 6, 9])
def test_a_random_cluster_has_no_overlap_and_whole_molecules(n_molecules: int) -> None:
    cluster = random_cluster(BENZENE_CARBONS, n_molecules, rng=np.random.default_rng(3))
    molecules = cluster.positions.reshape(n_molecules, 6, 3)
    assert cluster.n_atoms == 6 * n_molecules
    for i, molecule in enumerate(molecules):
        assert np.linalg.norm(molecule - molecule.mean(axis=0), axis=1) == pytest.approx(1.4)
        for other in molecules[:i]:
            assert np.linalg.norm(molecule[:, None] - other[None], axis=-1).min() > 2.4
    again = random_cluster(BENZENE_CARBONS, n_molecules, rng=np.random.default_rng(3))
    assert np.array_equal(again.positions, cluster.positions)


def test_trajectory_round_trip_and_damage() -> None:
    text = BENZENE_CARBONS.to_xyz("first") + Geometry(("C",) * 6, RING + 1).to_xyz("second")
    frames = read_frames(text)
    assert [len(frame.symbols) for frame in frames] == [6, 6]
    assert frames[1].positions == pytest.approx(RING + 1, abs=1e-7)
    for damaged in (text[:-20], "", "nonsense", text + "6\n"):
        with pytest.raises(ParseError):
            read_frames(damaged)


def test_settings_reach_the_program() -> None:
    text = DynamicsSettings(time_ps=5.0, temperature_K=350.0, step_fs=1.0, frame_fs=50.0).input_text()
    for line in ("temp=350.0", "time=5.0", "step=1.0", "dump=50.0", "potential=logfermi"):
        assert line in text


@pytest.mark.parametrize(
    "wrong", [{"time_ps": 0.0}, {"temperature_K": -1.0}, {"step_fs": 5.0}, {"frame_fs": float("nan")}]
)
def test_impossible_settings_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(InputError):
        DynamicsSettings(**wrong)


def test_without_xtb_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    assert not GfnffExecutor().found()
    with pytest.raises(MissingDependencyError, match="apt-get install xtb"):
        simulate_cluster(BENZENE_CARBONS, range(6))


def test_one_molecule_is_no_cluster() -> None:
    with pytest.raises(InputError, match="two or more"):
        simulate_cluster(BENZENE_CARBONS, range(6), n_molecules=1)
