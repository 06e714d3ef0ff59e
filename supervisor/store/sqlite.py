"""The state in one SQLite file: WAL, every commit synced, one writer."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

from supervisor.domain.events import Event, NewEvent
from supervisor.domain.model import Instance, Job
from supervisor.store import documents, statements
from supervisor.store.files import (
    connect,
    damaged,
    make_directory,
    open_state,
    read_error,
    write_error,
)
from supervisor.store.lock import StateLock
from supervisor.store.port import Idempotency, Snapshot, StoreError
from supervisor.store.schema import newest_seq
from supervisor.store.writer import Writer

Result = TypeVar("Result")

_PRUNE_AT_ONCE = 5000
"""Rows removed in one transaction, so that a commit does not wait long behind them."""


class SqliteStore:
    """``Store`` on one file. Use ``open``."""

    def __init__(self, path: Path) -> None:
        """Open the file, or make it. Blocks: ``open`` calls it in a thread."""
        self.path = path
        make_directory(path.parent)
        self._lock = StateLock(path)
        try:
            writing = open_state(path)
            try:
                self._newest = newest_seq(writing)
                self._reader = connect(path)
            except BaseException:
                writing.close()
                raise
        except sqlite3.Error as error:
            self._lock.release()
            raise read_error(path, error) from error
        except BaseException:
            self._lock.release()
            raise
        self._reading = ThreadPoolExecutor(1, thread_name_prefix="store reader")
        self._writer = Writer(writing)
        self._news = asyncio.Event()
        self._closed = False

    @classmethod
    @asynccontextmanager
    async def open(cls, path: Path) -> AsyncIterator[SqliteStore]:
        """Open a state for the length of a block.

        Raises:
            StateInUseError: another daemon holds it.
            StateTooNewError: a newer version wrote it.
            StateDamagedError: it is no state of ours, or damaged.
            StoreError: it cannot be opened.

        """
        made: list[SqliteStore] = []
        try:
            await _to_its_end(lambda: made.append(cls(path)))
            yield made[0]
        finally:
            for store in made:
                await store.close()

    async def close(self) -> None:
        """Finish what was begun, and let go of the state; a second time does nothing."""
        if self._closed:
            return
        self._closed = True
        self._writer.end()
        await _to_its_end(self._let_go)
        self._tell_news()

    def _let_go(self) -> None:
        self._reading.shutdown()
        # One after the other: of two that close at once, neither folds the log into the file.
        self._reader.close()
        self._writer.join()
        self._lock.release()

    async def load(self) -> Snapshot:
        """Read all jobs and instances."""
        return await self._read(statements.load)

    async def commit(
        self,
        *,
        now: float,
        jobs: Sequence[Job] = (),
        instances: Sequence[Instance] = (),
        events: Sequence[NewEvent] = (),
        idempotency: Idempotency | None = None,
    ) -> tuple[Event, ...]:
        """Write all of it in one transaction, durable on return."""
        rows = statements.Rows(
            tuple(documents.job_row(job) for job in jobs),
            tuple(documents.instance_row(instance) for instance in instances),
            tuple(documents.event_row(event, now) for event in events),
            idempotency,
            now,
        )
        return await self._write(lambda c: statements.insert(c, rows), self._committed)

    def _committed(self, written: asyncio.Future[tuple[Event, ...]]) -> None:
        """Let followers know, also where the caller did not wait for the end."""
        if written.cancelled() or written.exception() is not None or not written.result():
            return
        self._newest = max(self._newest, written.result()[-1].seq)
        self._tell_news()

    def _tell_news(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    async def idempotency(self, key: str, now: float) -> Idempotency | None:
        """Return what a key was used for in the last 24 hours."""
        return await self._read(lambda c: statements.key_in_use(c, key, now))

    async def events_after(self, seq: int, limit: int) -> tuple[Event, ...]:
        """Return events with a greater number, in order."""
        return await self._read(lambda c: statements.events_after(c, seq, limit))

    async def oldest_seq(self) -> int:
        """Return the number of the oldest event kept; one past the newest where none is."""
        return await self._read(statements.oldest_seq)

    def newest_seq(self) -> int:
        """Return the number of the newest event committed, 0 where there was none."""
        return self._newest

    async def wait_newer(self, seq: int) -> None:
        """Return once an event with a greater number is committed.

        Raises:
            StoreError: the state was closed first.

        """
        while self._newest <= seq:
            if self._closed:
                raise self._closed_error()
            await self._news.wait()

    async def cursor(self, sink: str) -> int:
        """Return the number up to which a sink has delivered, 0 at first."""
        return await self._read(lambda c: statements.cursor(c, sink))

    async def set_cursor(self, sink: str, seq: int) -> None:
        """Remember how far a sink has delivered; never goes back, nor past the newest event."""
        if seq > self._newest:
            why = f"{seq} is past the newest, {self._newest}"
            raise StoreError(f"the cursor of {sink} was not moved", why)
        await self._write(lambda c: statements.set_cursor(c, sink, seq))

    async def prune(self, *, before: float, keep_after: int) -> int:
        """Remove the oldest events, some at a time; count them."""
        count = 0
        while True:
            removed = await self._write(
                lambda c: statements.prune(c, before, keep_after, _PRUNE_AT_ONCE)
            )
            count += removed
            if removed < _PRUNE_AT_ONCE:
                return count

    async def _write(
        self,
        work: Callable[[sqlite3.Connection], Result],
        then: Callable[[asyncio.Future[Result]], None] | None = None,
    ) -> Result:
        written = asyncio.wrap_future(self._writer.submit(work))
        if then is not None:
            written.add_done_callback(then)
        try:
            return await asyncio.shield(written)
        except sqlite3.Error as error:
            raise write_error(self.path, error) from error

    async def _read(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        if self._closed:
            raise self._closed_error()
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._reading, work, self._reader)
        except sqlite3.Error as error:
            raise read_error(self.path, error) from error
        except documents.DecodeError as error:
            raise damaged(self.path, str(error)) from error

    def _closed_error(self) -> StoreError:
        return StoreError(f"the state {self.path} cannot be read", "it is closed")


async def _to_its_end(work: Callable[[], None]) -> None:
    """Do blocking work in a thread; a caller that is cancelled still waits until it is done."""
    doing = asyncio.get_running_loop().run_in_executor(None, work)
    try:
        await asyncio.shield(doing)
    except asyncio.CancelledError:
        await asyncio.wait([doing])
        raise
