"""How fast each operation may be called. AWS publishes no rates for Run Command: adapt.

A token bucket for each operation. A throttle halves its rate, time without one gives it back step
by step. The arithmetic is apart from the waiting, and takes the time as an argument.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

_SLOWEST = 0.2
_RECOVERY = 0.02
"""Share of the full rate that comes back in each second without a throttle."""
_ONE_BLOW = 1.0
"""Seconds in which further throttles count as the same: they answer calls made at the old rate."""


@dataclass(slots=True)
class Bucket:
    """``rate`` calls a second, ``burst`` at once; ``tokens`` may go below 0: that is a debt."""

    full_rate: float
    burst: float
    rate: float
    tokens: float
    at: float | None = None
    """When it was last brought up to date."""
    slowed_at: float | None = None

    @classmethod
    def full(cls, rate: float, burst: float) -> Bucket:
        """Return a bucket that was never used."""
        return cls(rate, burst, rate, burst)

    def delay(self, now: float) -> float:
        """Return the seconds that the next call would have to wait."""
        self._refill(now)
        return max(0.0, (1.0 - self.tokens) / self.rate)

    def take(self, now: float) -> float:
        """Take a token; return the seconds to wait before the call."""
        wait = self.delay(now)
        self.tokens -= 1.0
        return wait

    def give_back(self) -> None:
        """Undo a ``take`` whose call was not made."""
        self.tokens = min(self.burst, self.tokens + 1.0)

    def throttled(self, now: float) -> None:
        """Slow down: half the rate, and nothing at once."""
        self._refill(now)
        self.tokens = min(self.tokens, 0.0)
        if self.slowed_at is None or now - self.slowed_at >= _ONE_BLOW:
            self.rate = max(_SLOWEST, self.rate / 2)
            self.slowed_at = now

    def _refill(self, now: float) -> None:
        if self.at is not None and now > self.at:
            passed = now - self.at
            self.tokens = min(self.burst, self.tokens + passed * self.rate)
            if self.slowed_at is not None and now - self.slowed_at >= _ONE_BLOW:
                back = passed * self.full_rate * _RECOVERY
                self.rate = min(self.full_rate, self.rate + back)
        self.at = now


@dataclass(slots=True)
class _Count:
    calls: int = 0
    throttles: int = 0


class Pacing:
    """The buckets and the counts of all operations."""

    def __init__(
        self,
        rate: float = 20.0,
        burst: float = 40.0,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Begin every operation at ``rate`` calls a second, ``burst`` at once."""
        self._rate = rate
        self._burst = burst
        self._clock = clock
        self._sleep = sleep
        self._buckets: dict[str, Bucket] = {}
        self._counts: dict[str, _Count] = {}

    async def wait(self, operation: str, within: float | None = None) -> bool:
        """Wait for the operation's turn, and count the call.

        Return ``False``, at once and with nothing counted, where its turn would not come within
        that many seconds.
        """
        bucket = self._bucket(operation)
        now = self._clock()
        if within is not None and bucket.delay(now) > within:
            return False
        delay = bucket.take(now)
        if delay:
            try:
                await self._sleep(delay)
            except asyncio.CancelledError:
                bucket.give_back()
                raise
        self._count(operation).calls += 1
        return True

    def delay(self, operation: str) -> float:
        """Return the seconds until the operation's next turn."""
        return self._bucket(operation).delay(self._clock())

    def throttled(self, operation: str) -> None:
        """Take in a throttle."""
        self._bucket(operation).throttled(self._clock())
        self._count(operation).throttles += 1

    def account(self) -> dict[str, dict[str, float]]:
        """Return, by operation: calls, throttles, the rate in force and the full rate."""
        now = self._clock()
        account: dict[str, dict[str, float]] = {}
        for name, count in sorted(self._counts.items()):
            bucket = self._bucket(name)
            bucket.delay(now)
            account[name] = {
                "calls": count.calls,
                "throttles": count.throttles,
                "rate": round(bucket.rate, 2),
                "full_rate": bucket.full_rate,
            }
        return account

    def _bucket(self, operation: str) -> Bucket:
        bucket = self._buckets.get(operation)
        if bucket is None:
            bucket = self._buckets[operation] = Bucket.full(self._rate, self._burst)
        return bucket

    def _count(self, operation: str) -> _Count:
        return self._counts.setdefault(operation, _Count())
