"""``python -m heliosc`` is the ``heliosc`` program."""

from heliosc.cli import main

main()
