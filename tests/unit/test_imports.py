import subprocess
import sys

import pytest

import heliosc


def test_importing_heliosc_loads_neither_torch_nor_rdkit() -> None:
    code = "import heliosc, sys; print(sorted({'torch', 'rdkit', 'pandas', 'numpy'} & set(sys.modules)))"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "[]"


@pytest.mark.parametrize("name", sorted(set(heliosc.__all__) - {"__version__"}))
def test_every_public_name_loads(name: str) -> None:
    assert getattr(heliosc, name).__name__.lower() == name.lower()


def test_an_unknown_name_says_what_there_is() -> None:
    with pytest.raises(AttributeError, match="it offers"):
        heliosc.Generator  # noqa: B018
