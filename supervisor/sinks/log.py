"""The log: every event row as one line, from a cursor of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import structlog

from supervisor.domain.events import Event
from supervisor.sinks.logging_setup import Logging, logging_in_force
from supervisor.store.port import Store, StoreError

log = structlog.get_logger()

_BATCH = 100
_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 30.0
_ERRORS = frozenset({"supervisor.config_rejected"})
_WARNINGS = frozenset(
    {
        "job.failed",
        "job.lost",
        "job.interrupted",
        "job.lingering",
        "job.stalled",
        "instance.unreachable",
        "instance.terminate_blocked",
        "instance.interruption_notice",
        "checkpoint.upload_failed",
        "operation.expired",
        "poll.failed",
        "poll.throttled",
        "webhook.given_up",
    }
)


class LogSink:
    """Reads rows in order, writes them, then moves its cursor.

    A daemon killed between the two writes the last few again, with the same ``seq``. Events are
    written whatever the log's level is.
    """

    name = "log"

    def __init__(self, store: Store, logging: Logging | None = None) -> None:
        """Read from ``store``; write as ``logging`` says, by default as is in force."""
        self._store = store
        self._logging = logging
        self._seq: int | None = None
        """Up to where it was written; at first, what the store says."""
        self._pending: tuple[Future[None], int] | None = None
        """What was handed to the output, and its last number."""
        self._turn = asyncio.Lock()

    async def run(self) -> None:
        """Write events as they are committed, for ever."""
        pause = _FIRST_PAUSE
        while True:
            try:
                while await self._batch():
                    pause = _FIRST_PAUSE
            except OSError:
                # Standard output is gone or its disk is full: the rows wait. Nothing can be told.
                await asyncio.sleep(pause)
                pause = min(_LONGEST_PAUSE, pause * 2)
            else:
                await self._store.wait_newer(self._seq or 0)

    async def drain(self, patience: float = 5.0) -> None:
        """Write everything that was committed up to now.

        What cannot be written within ``patience`` seconds stays in the store, for the next start.
        """
        with suppress(TimeoutError, OSError):
            async with asyncio.timeout(patience):
                while await self._batch():
                    pass

    async def _batch(self) -> bool:
        """Write a batch and move the cursor; return ``False`` where there was nothing to write.

        One cancelled in the middle leaves what it handed over to the next call, so that a stop
        repeats no line.
        """
        async with self._turn:
            if self._seq is None:
                self._seq = await self._store.cursor(self.name)
            if self._pending is None:
                events = await self._store.events_after(self._seq, _BATCH)
                if not events:
                    return False
                self._pending = self._hand_over(events)
            written, last = self._pending
            try:
                await asyncio.shield(asyncio.wrap_future(written))
            except OSError:
                self._pending = None
                raise
            self._pending, self._seq = None, last
            try:
                await self._store.set_cursor(self.name, last)
            except StoreError as error:
                # A full disk. The lines are out; at worst they come again after a restart.
                log.warning("cursor not moved", sink=self.name, why=str(error))
            return True

    def _hand_over(self, events: Sequence[Event]) -> tuple[Future[None], int]:
        logging = self._logging or logging_in_force()
        lines = [logging.render(_level(event), event.type, _fields(event)) for event in events]
        return logging.output.deliver(lines), events[-1].seq


def _level(event: Event) -> str:
    if event.type in _ERRORS:
        return "error"
    return "warning" if event.type in _WARNINGS else "info"


def _fields(event: Event) -> dict[str, Any]:
    actor = event.actor
    return {
        "seq": event.seq,
        "id": event.id,
        "time": datetime.fromtimestamp(event.time, UTC).isoformat().replace("+00:00", "Z"),
        "instance_id": event.instance_id,
        "job_id": event.job_id,
        "actor": {"uid": actor.uid, "pid": actor.pid, "user": actor.user},
        "data": dict(event.data),
    }
