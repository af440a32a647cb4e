"""Choice of the device. No GPU is needed: what PyTorch sees is substituted, and AMD hardware was never at hand."""

from __future__ import annotations

import pytest
import torch

from heliosc.devices import choose_device, describe_devices, find_backend
from heliosc.errors import InputError, ResourceError


@pytest.fixture(params=["cuda", "rocm"])
def two_gpus(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda index: f"card {index}")
    monkeypatch.setattr(torch.version, "hip", "6.4" if request.param == "rocm" else None)
    return request.param


def test_auto_takes_the_gpu(two_gpus: str) -> None:
    assert find_backend() == two_gpus
    assert choose_device("auto") == torch.device("cuda")  # also PyTorch's name of an AMD GPU
    assert choose_device(two_gpus) == torch.device("cuda")
    assert choose_device(f"{two_gpus}:1") == torch.device("cuda:1")
    assert choose_device("cpu") == torch.device("cpu")
    assert "card 0, card 1" in describe_devices()
    assert ("never tested" in describe_devices()) == (two_gpus == "rocm")


def test_the_other_makers_gpu_is_refused(two_gpus: str) -> None:
    other = {"cuda": "rocm", "rocm": "cuda"}[two_gpus]
    with pytest.raises(ResourceError, match=f"{other}.*not present"):
        choose_device(other)
    with pytest.raises(ResourceError, match="2 GPUs found"):
        choose_device(f"{two_gpus}:2")


def test_without_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_device("auto") == torch.device("cpu")
    for name in ("cuda", "cuda:0", "rocm"):
        with pytest.raises(ResourceError, match="CPU cores"):
            choose_device(name)


@pytest.mark.parametrize("name", ["tpu9", "meta", "cuda:x", "cpu:1", "auto:0", ""])
def test_unknown_names_are_refused(name: str) -> None:
    with pytest.raises(InputError, match="unknown device"):
        choose_device(name)
