"""Named places at which a test lets the process die: what is durable must survive dying just before and just after.

``HELIOSC_FAULT=name`` dies at the first passage, ``HELIOSC_FAULT=name#7`` at the seventh. Without the variable a fault
point is one dictionary look-up.
"""

from __future__ import annotations

import os
from collections import Counter

VARIABLE = "HELIOSC_FAULT"
EXIT_CODE = 137  # as after kill -9

# every place, in the order in which a task meets them
FAULT_POINTS = (
    "store-commit:before",
    "store-commit:after",
    "file-sync:before",
    "file-sync:after",
    "file-rename:before",
    "file-rename:after",
    "backup-rename:before",
    "backup-rename:after",
    "job-submit:before",
    "job-submit:after",
)
_passages: Counter[str] = Counter()


def fault_point(name: str) -> None:
    """Die here if asked to, as by kill -9: no clean-up, no flush.

    Parameters
    ----------
    name : one of ``FAULT_POINTS``
    """
    wanted = os.environ.get(VARIABLE)
    if wanted is None:
        return
    _passages[name] += 1
    point, _, passage = wanted.partition("#")
    if point == name and _passages[name] >= int(passage or 1):
        os._exit(EXIT_CODE)
