"""Passwords in addresses: what is written down for others or sent away goes without them."""

from __future__ import annotations

import re

_USER_AND_PASSWORD = re.compile(r"(\w+://)(?!/)[^\s\"'<>]*@")  # greedy: a password may hold @ and / itself
_PARAMETER = re.compile(r"([?&](?:password|sslpassword|token|api_key)=)[^&\s\"'<>]*", re.IGNORECASE)


def without_passwords(text: str) -> str:
    """A text whose addresses have neither user name nor password; a path such as ``sqlite:///me@home`` stays."""
    return _PARAMETER.sub(r"\1***", _USER_AND_PASSWORD.sub(r"\1", text))
