"""Those who follow a stream: they end when the caller leaves, and when the supervisor stops."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Followers:
    """The streams that are open. Each can be ended from outside, without an error to anyone."""

    def __init__(self) -> None:
        """Begin with none."""
        self._scopes: set[asyncio.Timeout] = set()
        self._stopped = False

    @asynccontextmanager
    async def following(self) -> AsyncIterator[asyncio.Timeout]:
        """Run a stream until it ends or is ended; yield what ``end`` takes."""
        scope = asyncio.timeout(0 if self._stopped else None)
        try:
            async with scope:
                self._scopes.add(scope)
                yield scope
        except TimeoutError:
            if not scope.expired():
                raise
        finally:
            self._scopes.discard(scope)

    def end(self, scope: asyncio.Timeout) -> None:
        """End one stream, if it is still open."""
        if scope in self._scopes:
            scope.reschedule(0)

    def stop(self) -> None:
        """End all of them, and those to come."""
        self._stopped = True
        for scope in self._scopes:
            scope.reschedule(0)
