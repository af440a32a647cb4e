"""Tables of the task store in their newest version; ``migrations`` leads older stores here.

A new column goes to the end of its table, where a migration adds it too: ``salvage`` reads rows by their order.
"""

from __future__ import annotations

SCHEMA_VERSION = 3
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
        submitted_at REAL NOT NULL,
        cores INTEGER NOT NULL DEFAULT 1,
        memory_mb INTEGER,
        cost_s REAL,  -- estimated core seconds
        content_sha256 TEXT NOT NULL DEFAULT ''  -- of callable, payload and identity
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
        cpu_s REAL,
        job TEXT  -- of a cluster; NULL: the attempt dies with its driver
    )""",
    # with what the export says of a failure: the integrity check compares rows with their index
    "CREATE INDEX attempts_key ON attempts (key, token, number, error_class)",
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
    """CREATE TABLE jobs (
        name TEXT PRIMARY KEY,
        transport TEXT NOT NULL,
        folder TEXT NOT NULL,
        external_id TEXT,  -- NULL: written down before it was handed to the cluster, whose answer is not known
        state TEXT NOT NULL CHECK (state IN ('open', 'ended')),
        created_at REAL NOT NULL
    )""",
)
