"""What is asked of the tables. Each function runs in a thread, on a connection that it is given."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from supervisor.domain.events import Event
from supervisor.store import documents
from supervisor.store.port import Idempotency, KeyTakenError, Snapshot
from supervisor.store.schema import newest_seq

_KEEP_KEYS = 24 * 3600.0
_EVENT_COLUMNS = "id, time, type, instance_id, job_id, actor, data"
_INSERT_EVENT = f"INSERT INTO events ({_EVENT_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)"  # noqa: S608
_EVENTS_AFTER = f"SELECT seq, {_EVENT_COLUMNS} FROM events WHERE seq > ? ORDER BY seq LIMIT ?"  # noqa: S608
_UPSERT_JOB = """INSERT INTO jobs VALUES (?, ?, ?) ON CONFLICT (job_id)
    DO UPDATE SET instance_id = excluded.instance_id, document = excluded.document"""
_UPSERT_INSTANCE = """INSERT INTO instances VALUES (?, ?) ON CONFLICT (instance_id)
    DO UPDATE SET document = excluded.document"""
_MOVE_CURSOR = """INSERT INTO cursors VALUES (?, ?) ON CONFLICT (sink)
    DO UPDATE SET seq = max(seq, excluded.seq)"""
# The oldest events that are to go end before the first that is to stay, so that no gap opens where
# the clock went back.
_PRUNE = """DELETE FROM events WHERE seq IN (
    SELECT seq FROM events WHERE seq <= :keep_after AND seq < coalesce(
        (SELECT seq FROM events WHERE time >= :before ORDER BY seq LIMIT 1), 9223372036854775807)
    ORDER BY seq LIMIT :at_once)"""


@dataclass(frozen=True, slots=True)
class Rows:
    """One commit, encoded."""

    jobs: tuple[documents.JobRow, ...]
    instances: tuple[documents.InstanceRow, ...]
    events: tuple[documents.EventRow, ...]
    idempotency: Idempotency | None
    now: float


def load(connection: sqlite3.Connection) -> Snapshot:
    """Read all jobs and instances, in the order of their ids, as of one moment."""
    connection.execute("BEGIN")
    try:
        jobs = connection.execute("SELECT document FROM jobs ORDER BY job_id").fetchall()
        instances = connection.execute(
            "SELECT document FROM instances ORDER BY instance_id"
        ).fetchall()
    finally:
        connection.execute("ROLLBACK")
    return Snapshot(
        tuple(documents.decode_job(row[0]) for row in jobs),
        tuple(documents.decode_instance(row[0]) for row in instances),
    )


def insert(connection: sqlite3.Connection, rows: Rows) -> tuple[Event, ...]:
    """Write a commit; return its events with their numbers.

    Raises:
        KeyTakenError: its idempotency key was used in the last 24 hours.

    """
    if rows.idempotency is not None:
        _remember_key(connection, rows.idempotency, rows.now)
    connection.executemany(_UPSERT_JOB, rows.jobs)
    connection.executemany(_UPSERT_INSTANCE, rows.instances)
    stored: list[Event] = []
    for row in rows.events:
        seq = connection.execute(_INSERT_EVENT, row).lastrowid
        stored.append(documents.event_of(seq or 0, row))
    return tuple(stored)


def _remember_key(connection: sqlite3.Connection, key: Idempotency, now: float) -> None:
    taken = key_in_use(connection, key.key, now)
    if taken is not None:
        raise KeyTakenError(taken)
    connection.execute("DELETE FROM idempotency WHERE time <= ?", (now - _KEEP_KEYS,))
    connection.execute(
        "INSERT INTO idempotency VALUES (?, ?, ?, ?)", (key.key, key.body_digest, key.job_id, now)
    )


def key_in_use(connection: sqlite3.Connection, key: str, now: float) -> Idempotency | None:
    """Return what a key was used for in the last 24 hours."""
    row = connection.execute(
        "SELECT key, body_digest, job_id FROM idempotency WHERE key = ? AND time > ?",
        (key, now - _KEEP_KEYS),
    ).fetchone()
    return None if row is None else Idempotency(*row)


def events_after(connection: sqlite3.Connection, seq: int, limit: int) -> tuple[Event, ...]:
    """Return events with a greater number, in order."""
    rows = connection.execute(_EVENTS_AFTER, (seq, limit)).fetchall()
    return tuple(documents.event_of(row[0], row[1:]) for row in rows)


def oldest_seq(connection: sqlite3.Connection) -> int:
    """Return the number of the oldest event kept; one past the newest where none is."""
    [oldest] = connection.execute("SELECT min(seq) FROM events").fetchone()
    return newest_seq(connection) + 1 if oldest is None else int(oldest)


def cursor(connection: sqlite3.Connection, sink: str) -> int:
    """Return how far a sink has delivered, 0 at first."""
    row = connection.execute("SELECT seq FROM cursors WHERE sink = ?", (sink,)).fetchone()
    return 0 if row is None else int(row[0])


def set_cursor(connection: sqlite3.Connection, sink: str, seq: int) -> None:
    """Move a sink's cursor forward."""
    connection.execute(_MOVE_CURSOR, (sink, seq))


def prune(connection: sqlite3.Connection, before: float, keep_after: int, at_once: int) -> int:
    """Remove at most ``at_once`` of the oldest events that may go; count them."""
    values = {"before": before, "keep_after": keep_after, "at_once": at_once}
    return connection.execute(_PRUNE, values).rowcount
