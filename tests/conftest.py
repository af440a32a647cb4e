"""What all tests share: outputs recorded by real programs (reference data, no part of the project), a real server."""

from __future__ import annotations

import gzip
import itertools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).parents[1]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--after-check", action="store_true", help="leave out the fast unit tests: `make check` has just run them"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--after-check"):
        return
    unit = REPOSITORY / "tests" / "unit"
    done = [
        item
        for item in items
        if unit in item.path.parents and not any(item.get_closest_marker(name) for name in ("slow", "program"))
    ]
    config.hook.pytest_deselected(items=done)
    items[:] = [item for item in items if item not in set(done)]


_LOGS = Path(os.environ.get("HELIOSC_REFERENCE_DATA", REPOSITORY.parent / "shared" / "data")) / "qc-logs"


@pytest.fixture(scope="session")
def recorded_logs_folder() -> Path:
    """Folder of outputs recorded by real programs."""
    if not _LOGS.is_dir():
        pytest.skip(f"REFERENCE DATA MISSING: {_LOGS}; set HELIOSC_REFERENCE_DATA to the folder that holds qc-logs/")
    return _LOGS


@pytest.fixture(scope="session")
def recorded_log() -> Callable[[str], str]:
    """Text of an output recorded by a real program, from the reference data, which is not part of the project."""
    root = _LOGS

    def read(name: str) -> str:
        path = root / name
        if not path.is_file():
            pytest.skip(f"REFERENCE DATA MISSING: {path}; set HELIOSC_REFERENCE_DATA to the folder that holds qc-logs/")
        if path.suffix == ".gz":
            return gzip.decompress(path.read_bytes()).decode(errors="replace")
        return path.read_text(errors="replace")

    return read


class PostgresServer:
    """A real PostgreSQL server on a Unix socket of its own; ``initdb`` refuses to run as root."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self._programs = programs
        self._folder = folder
        self._names = itertools.count()
        self._as_user: dict[str, Any] = {"user": "postgres", "group": "postgres"} if os.getuid() == 0 else {}
        if os.getuid() == 0:
            shutil.chown(folder, "postgres", "postgres")
        self._run("initdb", "-D", "data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync")

    def start(self) -> None:
        self._run("pg_ctl", "-D", "data", "-w", "-l", "log", "-o", f"-k {self._folder} -h ''", "start")

    def stop(self, mode: str = "fast") -> None:
        self._run("pg_ctl", "-D", "data", "-m", mode, "-w", "stop")

    def ask(self, statement: str) -> str:
        """Output of psql for a statement."""
        return self._run("psql", "-X", "-h", str(self._folder), "-U", "postgres", "-Atc", statement)

    def url(self) -> str:
        """URL of a new, empty schema."""
        schema = f"test_{next(self._names)}"
        self.ask(f"CREATE SCHEMA {schema}")
        return f"postgresql://postgres@/postgres?host={self._folder}&options=-csearch_path%3D{schema}"

    def _run(self, program: str, *arguments: str) -> str:
        command = [str(self._programs / program), *arguments]
        with tempfile.TemporaryFile("w+") as output:  # not a pipe: the server would keep it open
            ended = subprocess.run(
                command, cwd=self._folder, stdout=output, stderr=subprocess.STDOUT, check=False, **self._as_user
            )
            output.seek(0)
            text = output.read()
        assert ended.returncode == 0, f"{' '.join(command)}: {text}"
        return text


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    pytest.importorskip("psycopg", reason="psycopg is not installed; run: pip install 'heliosc[cluster]'")
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    on_path = shutil.which("initdb")
    if not found and on_path is None:
        pytest.skip("PostgreSQL is not installed; run: apt-get install postgresql")
    parent = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108 - durable writes cost nothing there
    with tempfile.TemporaryDirectory(dir=parent, prefix="pg") as name:
        server = PostgresServer(found[-1].parent if found else Path(on_path or "").parent, Path(name))
        server.start()
        try:
            yield server
        finally:
            server.stop("immediate")


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> str:
    """URL of an empty schema in a running server."""
    return postgres_server.url()
