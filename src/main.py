"""The door that earlier users know: ``python src/main.py COMMAND``.

Each command only translates its flags into configuration overrides and calls the same function as ``heliosc``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from heliosc.cli.commands.data import prepare_for_training
from heliosc.cli.commands.run import run_campaign
from heliosc.cli.commands.train import train_generator_from, train_surrogate_from
from heliosc.cli.errors import ExplainingGroup, raise_on_sigterm
from heliosc.config import load_config

app = typer.Typer(cls=ExplainingGroup, no_args_is_help=True, add_completion=False, help=__doc__)

ConfigFile = Annotated[Path | None, typer.Option("--config", help="YAML file, see configs/")]
Device = Annotated[str | None, typer.Option("--device", help="auto, cpu, cuda or cuda:N")]
Amp = Annotated[bool | None, typer.Option("--amp/--no-amp", help="mixed precision in training")]
Compile = Annotated[bool | None, typer.Option("--compile/--no-compile", help="torch.compile in training")]
CompileMode = Annotated[str | None, typer.Option("--compile-mode", help="default, reduce-overhead, max-autotune")]


def _overrides(section: str, **values: object) -> list[str]:
    return [
        f"{section}.compute.{name}={str(value).lower() if isinstance(value, bool) else value}"
        for name, value in values.items()
        if value is not None
    ]


@app.command()
def prepare_active(
    table: Annotated[Path, typer.Option(help="the master table")] = Path("data/raw/all_mols.csv"),
    out: Annotated[Path, typer.Option(help="folder of seed.csv, pool.csv and the split")] = Path("data/prepared"),
    seed: Annotated[int, typer.Option(min=0)] = 0,
    seed_size: Annotated[int, typer.Option(min=1, help="labelled molecules to begin with")] = 500,
) -> None:
    """Part the master table into seed, pool and test for the active loop (same as `heliosc data split`)."""
    from heliosc.datasets.prepare import PrepareSettings

    counts = prepare_for_training(table, out, PrepareSettings(seed=seed, n_seed=seed_size), with_trees=False)
    typer.echo(", ".join(f"{name} {n}" for name, n in counts.items()))


@app.command()
def train_surrogate(
    config: ConfigFile = None,
    device: Device = None,
    amp: Amp = None,
    compile: Compile = None,  # noqa: A002 - the name of the users' flag
    compile_mode: CompileMode = None,
) -> None:
    """Train the property surrogate (same as `heliosc train surrogate`)."""
    flags = _overrides("surrogate", device=device, amp=amp, compile=compile, compile_mode=compile_mode)
    train_surrogate_from(load_config(config, flags))


@app.command()
def train_generator(
    config: ConfigFile = None,
    device: Device = None,
    amp: Amp = None,
    compile: Compile = None,  # noqa: A002
    compile_mode: CompileMode = None,
) -> None:
    """Train the JT-VAE (same as `heliosc train generator`)."""
    flags = _overrides("generator", device=device, amp=amp, compile=compile, compile_mode=compile_mode)
    train_generator_from(load_config(config, flags))


@app.command()
def active_loop(
    config: ConfigFile = None,
    device: Device = None,
    surrogate_device: Annotated[str | None, typer.Option(help="device of the surrogate")] = None,
    generator_device: Annotated[str | None, typer.Option(help="device of the generator")] = None,
    amp: Amp = None,
    compile: Compile = None,  # noqa: A002
    compile_mode: CompileMode = None,
) -> None:
    """Run the campaign (same as `heliosc run`)."""
    shared = {"amp": amp, "compile": compile, "compile_mode": compile_mode}
    flags = _overrides("surrogate", device=surrogate_device or device, **shared)
    flags += _overrides("generator", device=generator_device or device, **shared)
    run_campaign(load_config(config, flags))


if __name__ == "__main__":
    raise_on_sigterm()
    app()
