"""The one thread that writes: what waits is committed in groups, each request whole or not at all.

A group shares one ``COMMIT``, which is where the time goes (an fsync). A request that fails is
taken back to its own savepoint, and the others of its group stand. Where the group's transaction
itself is lost (a full disk), each of its requests is tried once more, alone.
"""

from __future__ import annotations

import queue
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

from supervisor.store.port import StoreError

Result = TypeVar("Result")
Request = tuple[Callable[[sqlite3.Connection], Any], Future[Any]]
Outcome = tuple[Future[Any], Any, BaseException | None]
"""Whose it is, and its result or its error."""

_GROUP = 256


class Writer:
    """Owns the connection that writes."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Start the thread."""
        self._queue: queue.SimpleQueue[Request | None] = queue.SimpleQueue()
        self._ended = False
        self._connection = connection
        self._thread = threading.Thread(target=self._run, name="store writer", daemon=True)
        self._thread.start()

    def submit(self, work: Callable[[sqlite3.Connection], Result]) -> Future[Result]:
        """Do work inside a transaction; the future is done once that is durable.

        The work may run twice, the first time taken back. Call this and ``end`` from one thread.

        Raises:
            StoreError: after ``end``.

        """
        if self._ended:
            raise StoreError("nothing was written", "the state is closed")
        future: Future[Result] = Future()
        # From here on nobody can cancel it: what was submitted is written.
        future.set_running_or_notify_cancel()
        self._queue.put((work, future))
        return future

    def end(self) -> None:
        """Take nothing more; what was submitted is still written."""
        if not self._ended:
            self._ended = True
            self._queue.put(None)

    def join(self) -> None:
        """Wait until everything is written, and close the connection. Blocks."""
        self._thread.join()
        self._connection.close()

    def _run(self) -> None:
        more = True
        while more:
            group, more = self._gather()
            if group:
                _commit(self._connection, group)

    def _gather(self) -> tuple[list[Request], bool]:
        item = self._queue.get()
        group: list[Request] = []
        while item is not None:
            group.append(item)
            if len(group) >= _GROUP:
                return group, True
            try:
                item = self._queue.get_nowait()
            except queue.Empty:
                return group, True
        return group, False


def _commit(connection: sqlite3.Connection, group: list[Request]) -> None:
    """Write a group and tell each its outcome, only once the whole is durable or given up."""
    try:
        with _transaction(connection):
            outcomes = [_one(connection, request) for request in group]
    except sqlite3.Error as error:
        if len(group) == 1:
            group[0][1].set_exception(error)
            return
        for request in group:
            _commit(connection, [request])
        return
    for future, result, failure in outcomes:
        if failure is None:
            future.set_result(result)
        else:
            future.set_exception(failure)


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except sqlite3.Error:
        # Where this fails as well, the next BEGIN tells of it.
        with suppress(sqlite3.Error):
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        raise


def _one(connection: sqlite3.Connection, request: Request) -> Outcome:
    work, future = request
    connection.execute("SAVEPOINT one")
    try:
        result = work(connection)
    except Exception as error:
        if not connection.in_transaction:
            # SQLite took the whole transaction back: the group is to be tried apart.
            raise sqlite3.OperationalError(str(error)) from error
        connection.execute("ROLLBACK TO one")
        connection.execute("RELEASE one")
        return future, None, error
    connection.execute("RELEASE one")
    return future, result, None
