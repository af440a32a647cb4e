"""The report of a run: one HTML file that needs no network and asks for nothing."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

import heliosc
from heliosc.campaign.run_folder import RunFolder
from heliosc.files import write_atomically
from heliosc.properties import PropertyTable
from heliosc.report import energy_map, illustrations, laboratory, sections, tables
from heliosc.report.pictures import Picture
from heliosc.report.run_view import RunView, read_run
from heliosc.selection.roles import Role, load_roles


def write_report(
    run_folder: Path,
    *,
    roles: Mapping[str, Role] | None = None,
    models: Mapping[str, Path] | None = None,
    library: PropertyTable | None = None,
    references: Mapping[str, Mapping[str, float]] | None = None,
    out: Path | None = None,
) -> Path:
    """Write the page of a run, however far it has come, and return its path.

    Parameters
    ----------
    out : None = ``report.html`` in the run's folder
    roles : None = those of the run's configuration
    models : title -> model folder, whose ``metrics.json`` is shown when there is one
    library : computed values of the embedded library, the random baseline of the Pareto fronts
    references : known material -> ``name@level`` -> computed value, the landmarks of the IE-EA map

    Raises
    ------
    InputError : this is no run folder
    ParseError : a file of it is damaged
    ResourceError : the report cannot be written
    """
    known = load_roles(RunFolder(run_folder).read_config().selection.role_file) if roles is None else roles
    run = read_run(run_folder, roles=known, models=models or {}, library=library, references=references)
    target = out or run_folder / "report.html"
    write_atomically(target, render(run))
    return target


def render(run: RunView) -> str:
    """The page."""
    script = _template("report.js")
    more = {"script": Markup(script), "script_hash": _content_hash(script)}  # noqa: S704 - our own file, no input in it
    return render_page("report.html", _context(run) | more)


def render_page(template: str, context: Mapping[str, Any]) -> str:
    """A page of ours from its template, with style, version and date."""
    style = _template("report.css")
    loader = FunctionLoader(_template)
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template(template).render(
        **context,
        style=Markup(style),  # noqa: S704 - our own file, no input in it
        style_hash=_content_hash(style),
        version=heliosc.__version__,
        written=datetime.now(tz=UTC).strftime("%Y-%m-%d %H:%M UTC"),
    )


def _template(name: str) -> str:
    return files("heliosc.report").joinpath("templates").joinpath(name).read_text(encoding="utf-8")


def _content_hash(text: str) -> str:
    """What the content security policy must allow."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _context(run: RunView) -> dict[str, Any]:
    return {
        "run": run,
        "tiles": sections.tiles(run),
        "levels": sections.levels(run),
        "role_blocks": sections.role_blocks(run),
        "map_picture": energy_map.energy_map_picture(run),
        "reference_table": energy_map.reference_table(run),
        "share_picture": illustrations.share_picture(run),
        "share_table": tables.share_table(run),
        "progress_pictures": _progress_pictures(run),
        "parity_pictures": illustrations.parity_pictures(run),
        "calibration_picture": illustrations.calibration_picture(run),
        "surrogate_table": tables.surrogate_table(run),
        "metric_tables": tables.metric_tables(run),
        "funnel_picture": illustrations.funnel_picture(run),
        "funnel_table": tables.funnel_table(run),
        "rejection_table": tables.rejection_table(run),
        **sections.candidate_list(run),
        "has_pages": False,
        "cost_picture": illustrations.cost_picture(run),
        "cost_table": tables.cost_table(run),
        "laboratory_states": laboratory.state_table(run),
        "laboratory_values": laboratory.comparison_table(run),
        "measured_levels": laboratory.measured_levels(run),
        "failure_summary": tables.failure_summary(run),
        "failure_table": tables.failure_table(run),
        "environment": tables.environment_facts(run),
        "next_steps": sections.next_steps(run),
    }


def _progress_pictures(run: RunView) -> list[Picture]:
    """Front and hypervolume of each role, side by side."""
    found = []
    for name in run.role_names:
        role = run.roles.get(name)
        found += [
            illustrations.pareto_picture(run, role) if role else None,
            illustrations.hypervolume_picture(run, name),
        ]
    return [picture for picture in found if picture is not None]
