"""Tables of the task store and the check of their version."""

from __future__ import annotations

SCHEMA_VERSION = 1
APPLICATION_ID = 0x48454C53  # "HELS": tells a heliosc store from any other SQLite file

TABLES = (
    """CREATE TABLE tasks (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        key TEXT NOT NULL UNIQUE,
        callable TEXT NOT NULL,
        payload TEXT NOT NULL,
        identity TEXT,  -- NULL: callable and payload
        priority REAL NOT NULL,
        timeout_s REAL,
        max_attempts INTEGER NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'done', 'failed', 'cancelled')),
        n_failures INTEGER NOT NULL DEFAULT 0,  -- since the last retry asked for
        fence INTEGER,  -- token of the attempt that may write
        lease_until REAL,
        submitted_at REAL NOT NULL
    )""",
    "CREATE INDEX tasks_queue ON tasks (state, priority DESC, id)",
    """CREATE TABLE attempts (
        token INTEGER PRIMARY KEY AUTOINCREMENT,
        key TEXT NOT NULL,
        number INTEGER NOT NULL,
        worker_id TEXT NOT NULL,
        host TEXT NOT NULL,  -- host, pid and pid_start name the driver process
        pid INTEGER NOT NULL,
        pid_start INTEGER NOT NULL,
        started_at REAL NOT NULL,
        finished_at REAL,
        outcome TEXT CHECK (outcome IN ('done', 'failed', 'interrupted', 'cancelled')),
        error_class TEXT,
        reason TEXT,
        traceback TEXT,
        scratch TEXT,
        wall_s REAL,
        cpu_s REAL
    )""",
    "CREATE INDEX attempts_key ON attempts (key, token)",
    """CREATE TABLE results (
        key TEXT PRIMARY KEY,  -- one row a task: a second result cannot be written
        token INTEGER NOT NULL,
        encoding TEXT NOT NULL CHECK (encoding IN ('json', 'zlib')),
        data BLOB NOT NULL,
        sha256 TEXT NOT NULL,
        committed_at REAL NOT NULL
    )""",
    """CREATE TABLE events (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        time REAL NOT NULL,
        key TEXT NOT NULL,
        token INTEGER,
        kind TEXT NOT NULL,
        detail TEXT NOT NULL
    )""",
)
