"""The folder of a three-dimensional model: as ``surrogates.storage``, with the level of the geometries it reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from heliosc.devices import choose_device
from heliosc.properties import PropertyKey
from heliosc.surrogates.model_kind import SCHNET_FORMAT
from heliosc.surrogates.schnet.config import SchNetConfig
from heliosc.surrogates.schnet.ensemble import SchNetEnsemble
from heliosc.surrogates.schnet.network import SchNetNetwork
from heliosc.surrogates.storage import Kind, check_model_id, consistent, read_folder, read_parts, write_folder

SCHNET_KIND = Kind(SCHNET_FORMAT, 1, "SchNetEnsemble")
_LEVEL = "geometry_level"


def save_schnet(ensemble: SchNetEnsemble, folder: Path) -> Path:
    """Write a model folder, replacing one of the same name only when complete."""
    return write_folder(folder, ensemble, kind=SCHNET_KIND, described={_LEVEL: ensemble.geometry_level})


def load_schnet(folder: Path, *, device: str) -> SchNetEnsemble:
    """Read a model folder after checking every file in it.

    Raises
    ------
    InputError : the folder holds no SchNet ensemble, a damaged one, or one of another format
    """
    config, content = read_folder(folder, kind=SCHNET_KIND)
    with consistent(folder):
        return _assemble(config, content, device=device)


def _assemble(config: dict[str, Any], content: dict[str, bytes], *, device: str) -> SchNetEnsemble:
    keys = tuple(PropertyKey.parse(text) for text in config["keys"])
    settings = SchNetConfig.from_dict({**config["settings"], "device": device})
    place = choose_device(device)
    parts = read_parts(config, content, keys)
    if parts.landmarks is None:
        raise ValueError("the weights hold no landmarks")
    networks = []
    for state in parts.states(settings.n_members):
        network = SchNetNetwork(settings, n_keys=len(keys), n_descriptors=len(parts.scaling.descriptor_mean))
        network.load_state_dict(state)
        networks.append(network.to(place).eval())
    ensemble = SchNetEnsemble(
        keys=keys,
        config=settings,
        geometry_level=str(config[_LEVEL]),
        networks=tuple(networks),
        landmarks=parts.landmarks,
        device=place,
        **parts.common,
    )
    check_model_id(ensemble, config)
    return ensemble
