"""The tables, and the steps from each released version to the next."""

from __future__ import annotations

import sqlite3

APPLICATION_ID = 0x4A535550
"""``JSUP`` in the file's header: it tells a state of ours from any other database."""

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE jobs (
            job_id TEXT PRIMARY KEY,
            instance_id TEXT NOT NULL,
            document BLOB NOT NULL
        ) STRICT""",
        """CREATE TABLE instances (
            instance_id TEXT PRIMARY KEY,
            document BLOB NOT NULL
        ) STRICT""",
        # AUTOINCREMENT: a number is never given twice, not even after every row was removed.
        """CREATE TABLE events (
            seq INTEGER PRIMARY KEY AUTOINCREMENT,
            id TEXT NOT NULL,
            time REAL NOT NULL,
            type TEXT NOT NULL,
            instance_id TEXT,
            job_id TEXT,
            actor BLOB NOT NULL,
            data BLOB NOT NULL
        ) STRICT""",
        """CREATE TABLE cursors (
            sink TEXT PRIMARY KEY,
            seq INTEGER NOT NULL
        ) STRICT""",
        """CREATE TABLE idempotency (
            key TEXT PRIMARY KEY,
            body_digest TEXT NOT NULL,
            job_id TEXT NOT NULL,
            time REAL NOT NULL
        ) STRICT""",
    ),
)
"""Step n takes ``user_version`` n to n + 1. Released steps are never edited."""

VERSION = len(MIGRATIONS)


def version_of(connection: sqlite3.Connection) -> int:
    """Return the schema's version, 0 for an empty file."""
    return _number(connection, "PRAGMA user_version")


def is_ours(connection: sqlite3.Connection) -> bool:
    """Whether the file says that it is a state."""
    return _number(connection, "PRAGMA application_id") == APPLICATION_ID


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the file to ``VERSION``, each step in a transaction of its own."""
    for step in range(version_of(connection), VERSION):
        connection.execute("BEGIN IMMEDIATE")
        try:
            for statement in MIGRATIONS[step]:
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {step + 1}")
            connection.execute("COMMIT")
        except sqlite3.Error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


def newest_seq(connection: sqlite3.Connection) -> int:
    """Return the newest number ever given to an event, 0 where none was."""
    return _number(connection, "SELECT max(seq) FROM sqlite_sequence WHERE name = 'events'")


def flaw(connection: sqlite3.Connection) -> str | None:
    """Return what is wrong with a state's content, ``None`` where it is whole."""
    [found] = connection.execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        return str(found)
    newest = newest_seq(connection)
    oldest, last, count = connection.execute(
        "SELECT min(seq), max(seq), count(*) FROM events"
    ).fetchone()
    if count and (last != newest or last - oldest + 1 != count):
        return f"events are missing: {count} of numbers {oldest} to {newest}, the last {last}"
    return None


def _number(connection: sqlite3.Connection, query: str) -> int:
    row = connection.execute(query).fetchone()
    return int(row[0] or 0) if row else 0
