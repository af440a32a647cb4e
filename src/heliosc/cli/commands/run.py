"""``heliosc run``: the campaign from proposals to report and hand-off; the same command again resumes it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.panel import Panel

from heliosc.campaign.cost_estimate import estimate_campaign
from heliosc.campaign.drift import find_drift
from heliosc.campaign.forking import find_origin, fork
from heliosc.campaign.known import known_molecules
from heliosc.campaign.loop import Campaign, run_id
from heliosc.campaign.records import read_candidates, read_history
from heliosc.campaign.run_folder import RunFolder, find_runs
from heliosc.cli.commands.continuous import between_rounds, pause_run, promote_round
from heliosc.cli.commands.results import write_calculations, write_handoff, write_run_report
from heliosc.cli.errors import messages
from heliosc.cli.options import AsJson, ConfigFile, Overrides
from heliosc.cli.output import print_json
from heliosc.cli.progress import campaign_progress
from heliosc.config import Config, check_inputs, load_config
from heliosc.errors import ParseError, UsageError
from heliosc.files import write_atomically
from heliosc.properties import DEFAULT_TARGETS

_N_DRAWN = 5  # molecules of a round in one picture


def run(
    config: ConfigFile = None,
    override: Overrides = None,
    name: Annotated[
        str | None, typer.Option("--id", help="Name of the run; none = one made from the settings.")
    ] = None,
    from_round: Annotated[
        int | None, typer.Option("--from-round", help="Fork: keep the rounds before this one, go on differently.")
    ] = None,
    origin: Annotated[
        str | None, typer.Option("--of", help="Run to fork; none = the newest that is no fork itself.")
    ] = None,
    continuous: Annotated[
        bool,
        typer.Option("--continuous", help="Round after round, taking in returned forms, until the budget is spent."),
    ] = False,
    pause: Annotated[
        str | None, typer.Option("--pause", metavar="ID", help="Ask this run to stop before its next stage.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run a campaign: propose, predict, compute, learn; then write the report and the hand-off package."""
    if pause is not None:
        said = pause_run(load_config(config, override or ()).campaign.runs, pause)
        print_json({"run": pause, "pause": said}) if as_json else messages.print(said, markup=False, soft_wrap=True)
        return
    if from_round is None and origin is not None:
        raise UsageError("--of names the run to fork; say from which round with --from-round")
    if from_round is None:
        summary = run_campaign(load_config(config, override or ()), name=name, continuous=continuous)
    else:
        settings, name = fork_run(from_round, origin=origin, name=name, config=config, overrides=override or ())
        summary = run_campaign(settings, name=name, continuous=continuous)
    if as_json:
        print_json(summary)


def fork_run(
    from_round: int, *, origin: str | None, name: str | None, config: Path | None, overrides: Sequence[str]
) -> tuple[Config, str]:
    """Make the folder of a fork; its settings are the origin's, or a file's, with the overrides.

    Raises
    ------
    InputError : there is no such run or round, or the fork's name is taken
    """
    runs = load_config(config, overrides).campaign.runs
    source = find_origin(find_runs(runs), origin)
    settings = load_config(config or source.path / "config.yaml", overrides)
    name = name or f"{source.id}-from-{from_round}-{settings.digest()}"
    fork(source, RunFolder(runs / check_name(name)), settings, round_number=from_round)
    return settings, name


def run_campaign(config: Config, *, name: str | None = None, continuous: bool = False) -> dict[str, Any]:
    """Run or resume the campaign of a configuration and write everything that comes out of it.

    Parameters
    ----------
    continuous : round after round until the budget is spent; promoted candidates are handed off after every round

    Raises
    ------
    HelioscError : see ``heliosc.campaign.loop.Campaign``
    """
    check_inputs(config)
    folder = RunFolder(config.campaign.runs / check_name(name or run_id(config)))
    messages.print(f"Run [bold]{folder.id}[/] in {folder.path} (Ctrl-C is safe: the same command goes on)")
    if not continuous:
        tell_estimate(config, folder)
    with campaign_progress() as listener:
        campaign = Campaign(
            config,
            folder,
            listener=listener,
            after_round=close_round_and_promote if continuous else close_round,
            between=between_rounds(config, folder) if continuous else None,
        )
        reason = campaign.run()
    if reason is not None:
        messages.print(f"Run {folder.id}: {reason}", markup=False, soft_wrap=True)
    if not folder.is_finished():
        return {"run": folder.id, "paused": reason}
    messages.print("Writing the report and the hand-off packages ...")
    report = write_run_report(folder)
    handoff = write_handoff(folder, best=config.campaign.handoff_best, optical_level=config.campaign.optical_level)
    write_calculations(folder)
    _print_ending(folder, report, handoff)
    shares = read_history(folder.path)[-1].window_share
    return {"run": folder.id, "report": str(report), "handoff": str(handoff), "window_share": shares}


def tell_estimate(config: Config, folder: RunFolder) -> None:
    """Say how long it will take; a damaged run of earlier, from which nothing can be learnt, is no reason to stop."""
    try:
        text = str(estimate_campaign(config, folder))
    except ParseError as error:
        text = f"No estimate of the time: {error}"
    messages.print(text, markup=False, soft_wrap=True)


def check_name(name: str) -> str:
    """A name that a run folder can have.

    Raises
    ------
    UsageError : it could leave the folder of the runs, or be taken for an option
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
        raise UsageError(
            f"run name {name!r}: expected letters, digits, '.', '_' and '-', beginning with a letter or digit"
        )
    return name


def close_round_and_promote(folder: RunFolder, index: int) -> None:
    """Close a round of a continuous run: its promoted candidates go to the laboratory."""
    close_round(folder, index)
    promote_round(folder)


def close_round(folder: RunFolder, index: int) -> None:
    """Draw the plots of a finished round, and say where the surrogate has left its intervals."""
    draw_diagnostics(folder, index)
    for drift in find_drift(read_history(folder.path)[-1].surrogate_error):
        messages.print(f"Warning: the surrogate drifts in round {index + 1}: {drift}", markup=False, soft_wrap=True)


def draw_diagnostics(folder: RunFolder, index: int) -> None:
    """Draw the plots of a finished round into its folder."""
    from heliosc.report import write_round_diagnostics

    write_round_diagnostics(folder.path, index, library=known_molecules(folder.read_config(), DEFAULT_TARGETS))
    draw_samples(folder, index)


def draw_samples(folder: RunFolder, index: int) -> None:
    """Draw the highest scored molecules of a round beside its plots."""
    from heliosc.handoff.drawing import blocks_png

    fresh = [record for record in read_candidates(folder.path) if record.round == index]
    best = sorted(fresh, key=lambda record: -record.score)[:_N_DRAWN]
    picture = blocks_png(
        [record.smiles for record in best], legends=[f"{record.role} {record.score:.2f}" for record in best]
    )
    if picture is not None:
        write_atomically(folder.round(index) / "diagnostics" / "samples.png", picture)


def _print_ending(folder: RunFolder, report: Path, handoff: Path | None) -> None:
    lines = [_share_line(role, share) for role, share in read_history(folder.path)[-1].window_share.items()]
    lines += [
        "",
        f"Report       {report}",
        f"Candidates   {folder.path / 'candidates.csv'}",
        f"Calculations {folder.path / 'calculations'}",
        f"Hand-off     {handoff or 'none: no candidate has been computed'}",
        "",
        "What to do next",
        "  open the report in a browser; give the hand-off packages to a chemist, with the return form",
        "  more rounds:        heliosc run -o campaign.rounds=6",
        "  other roles:        heliosc run -o selection.roles=[donor,acceptor]",
        "  your own molecules: heliosc predict molecules.csv; heliosc label molecules.csv",
    ]
    messages.print(Panel("\n".join(lines), title=f"{folder.id} is finished", title_align="left"), markup=False)


def _share_line(role: str, share: dict[str, list[int]] | Any) -> str:
    def percent(part: list[int]) -> str:
        met, judged = part
        return f"{met}/{judged} ({met / judged:.0%})" if judged else "none judged"

    return (
        f"{role}: {percent(share['candidates'])} meet the window; random library molecules {percent(share['library'])}"
    )
