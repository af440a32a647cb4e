"""Passwords are hidden, addresses and paths stay."""

from __future__ import annotations

import pytest

from heliosc.secrets import without_passwords


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://ann:pw@host:5000", "http://host:5000"),
        ("store: postgresql://ann:p/w@x@db/store\nnext: 1", "store: postgresql://db/store\nnext: 1"),
        ('["postgresql://db/s?password=pw&connect_timeout=3"]', '["postgresql://db/s?password=***&connect_timeout=3"]'),
        ("sqlite:////home/me@lab/mlflow.db", "sqlite:////home/me@lab/mlflow.db"),
        ("ann@lab.org wrote http://host/", "ann@lab.org wrote http://host/"),
        ("lambda_hole@ipea1//gfn2 and homo_energy@gfn2", "lambda_hole@ipea1//gfn2 and homo_energy@gfn2"),
    ],
)
def test_only_passwords_go(text: str, shown: str) -> None:
    assert without_passwords(text) == shown
