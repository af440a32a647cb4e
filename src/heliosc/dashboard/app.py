"""The pages of the dashboard as a Flask application: read-only, for this machine alone, without the network."""

from __future__ import annotations

import threading
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from jinja2 import ChoiceLoader, FunctionLoader, StrictUndefined

from heliosc import __version__
from heliosc.dashboard import pages
from heliosc.dashboard.source import RunSource
from heliosc.errors import HelioscError, InputError, MissingDependencyError

if TYPE_CHECKING:
    from flask import Flask, Response

HOSTS = frozenset({"127.0.0.1", "localhost"})
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "connect-src 'self'; worker-src blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_REPORT_FILES = {"report.css": "text/css", "report.js": "text/javascript"}


def create_app(source: RunSource) -> Flask:
    """The application for one run.

    Raises
    ------
    MissingDependencyError : Flask is not installed
    """
    flask = _flask()
    app: Flask = flask.Flask("heliosc.dashboard", root_path=str(files("heliosc.dashboard")))
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.loader = ChoiceLoader([*filter(None, [app.jinja_loader]), FunctionLoader(_report_template)])
    _guard(app)
    _add_pages(app, source)
    _add_files(app, source)
    return app


def _add_pages(app: Flask, source: RunSource) -> None:
    drawing = threading.Lock()  # matplotlib's settings are global

    def show(name: str, *arguments: str) -> str:
        with drawing:
            context = pages.PAGES[name](source, *arguments)
        common = {"page": name, "menu": pages.MENU, "stamp": source.stamp(), "version": __version__}
        return _flask().render_template(f"{name}.html", **common, **context)

    for name, _title in pages.MENU:
        path = "/" if name == "overview" else f"/{name}"
        app.add_url_rule(path, name, lambda name=name: show(name))
    app.add_url_rule("/molecule/<candidate_id>", "molecule", lambda candidate_id: show("molecule", candidate_id))


def _add_files(app: Flask, source: RunSource) -> None:
    def report_file(name: str) -> Response:
        if name not in _REPORT_FILES:
            raise InputError(f"no file {name}")
        return _flask().Response(_report_template(name), mimetype=_REPORT_FILES[name])

    def geometry(candidate_id: str, state: str) -> Response:
        text = pages.geometry(source, candidate_id, state)
        return _flask().Response(text, mimetype="chemical/x-xyz")

    app.add_url_rule("/report/<name>", "report_file", report_file)
    app.add_url_rule("/molecule/<candidate_id>/<state>.xyz", "geometry", geometry)
    app.add_url_rule("/stamp", "stamp", lambda: {"stamp": source.stamp()})


def _guard(app: Flask) -> None:
    """Answer this machine's own browser alone, let pages load nothing from elsewhere, explain errors."""

    def refuse_other_hosts() -> tuple[str, int] | None:
        host = _flask().request.host.rsplit(":", maxsplit=1)[0]
        return None if host in HOSTS else ("this dashboard is for this machine alone", 403)

    def harden(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = POLICY
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Cache-Control"] = "no-cache"
        return response

    def explain(error: HelioscError) -> tuple[str, int]:
        status = 404 if isinstance(error, InputError) else 500
        return _flask().render_template("error.html", message=str(error), menu=pages.MENU), status

    app.before_request(refuse_other_hosts)
    app.after_request(harden)
    app.register_error_handler(HelioscError, explain)


def _report_template(name: str) -> str | None:
    found = files("heliosc.report").joinpath("templates").joinpath(name)
    return found.read_text(encoding="utf-8") if found.is_file() else None


def _flask() -> Any:
    try:
        import flask
    except ImportError as error:
        raise MissingDependencyError(
            "the dashboard needs Flask; install it with: pip install 'heliosc[dashboard]'"
        ) from error
    return flask
