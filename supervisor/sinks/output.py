"""Where log lines leave the process: by a thread, so that a full pipe holds up nobody.

Ordinary lines are dropped, and counted, while too many wait. What is delivered never is: whoever
delivers waits for it, or keeps what could not be written.
"""

from __future__ import annotations

import os
import queue
import select
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future

_ROOM = 10_000
"""Ordinary lines that may wait."""

_Item = tuple[bytes, "Future[None] | None"]


class Output:
    """Lines to a file descriptor, in the order in which they came."""

    def __init__(self, descriptor: int, room: int = _ROOM) -> None:
        """Start the thread."""
        self.descriptor = descriptor
        self.told_of: Callable[[int], str] = "{} log lines dropped".format
        """Makes the line that tells how many were dropped."""
        self._room = room
        self._dropped = 0
        self._queue: queue.SimpleQueue[_Item | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="log output", daemon=True)
        self._thread.start()

    def put(self, line: str) -> None:
        """Write an ordinary line soon, or drop it; never waits."""
        if self._queue.qsize() >= self._room:
            self._dropped += 1
            return
        if self._dropped:
            count, self._dropped = self._dropped, 0
            self._queue.put((_bytes(self.told_of(count)), None))
        self._queue.put((_bytes(line), None))

    def deliver(self, lines: Sequence[str]) -> Future[None]:
        """Write lines; the future is done when they have left, or fails with ``OSError``."""
        future: Future[None] = Future()
        future.set_running_or_notify_cancel()
        self._queue.put((b"".join(_bytes(line) for line in lines), future))
        return future

    def close(self, patience: float = 2.0) -> None:
        """Write what waits, for at most ``patience`` seconds. Blocks."""
        self._queue.put(None)
        self._thread.join(patience)

    def _run(self) -> None:
        while (item := self._queue.get()) is not None:
            data, future = item
            try:
                _write(self.descriptor, data)
            except OSError as error:
                if future is None:
                    self._dropped += 1
                else:
                    future.set_exception(error)
            else:
                if future is not None:
                    future.set_result(None)


def _bytes(line: str) -> bytes:
    return line.encode("utf-8", "backslashreplace") + b"\n"


def _write(descriptor: int, data: bytes) -> None:
    """Write all of it, whether the descriptor blocks or not."""
    rest = memoryview(data)
    while rest:
        try:
            rest = rest[os.write(descriptor, rest) :]
        except BlockingIOError:
            select.select((), (descriptor,), ())
