"""The command line."""


def main() -> None:
    """Entry point of the ``heliosc`` program; loads the commands only now."""
    from heliosc.cli.app import main as run

    run()
