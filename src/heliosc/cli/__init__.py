"""The command line."""

import os


def main() -> None:
    """Entry point of the ``heliosc`` program; loads the commands only now."""
    # The networks are small: several threads a tensor operation gain nothing, and are many times slower as soon as
    # anything else wants a core. Calculations use the cores through worker processes.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    from heliosc.cli.app import main as run

    run()
