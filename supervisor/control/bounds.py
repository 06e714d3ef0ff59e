"""What is let in at once, so that nobody can take the socket away from the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from supervisor.control.problems import ProblemError


@dataclass(frozen=True, slots=True)
class Limits:
    """The bounds. Times are in seconds."""

    body_bytes: int = 256 * 1024
    header_seconds: float = 10
    """From the first byte (or the connection) to the end of the headers."""
    body_seconds: float = 10
    idle_seconds: float = 60
    stop_seconds: float = 2
    """For requests under way when the supervisor stops."""
    connections: int = 512
    connections_a_user: int = 128
    requests: int = 256
    requests_a_user: int = 64
    followers: int = 256
    followers_a_user: int = 64


@dataclass(slots=True)
class _Gauge:
    """How many there are of one thing, in all and by user."""

    what: str
    most: int
    most_a_user: int
    total: int = 0
    by_user: Counter[int] = field(default_factory=Counter)

    def enter(self, uid: int) -> None:
        """Count one more, or refuse it."""
        if self.by_user[uid] >= self.most_a_user:
            raise ProblemError(
                429,
                "too-many",
                f"uid {uid} has {self.by_user[uid]} {self.what}, and may have {self.most_a_user}",
                ("End some, or wait and try again.",),
            )
        if self.total >= self.most:
            raise ProblemError(
                503,
                "too-many",
                f"the supervisor has {self.total} {self.what}, and takes {self.most}",
                ("Wait and try again.",),
            )
        self.total += 1
        self.by_user[uid] += 1

    def leave(self, uid: int) -> None:
        self.total -= 1
        self.by_user[uid] -= 1
        if not self.by_user[uid]:
            del self.by_user[uid]


class Bounds:
    """Counts connections, requests and followers; past a bound, a ``ProblemError``."""

    def __init__(self, limits: Limits) -> None:
        """Begin with nothing."""
        self.limits = limits
        self._connections = _Gauge("connections", limits.connections, limits.connections_a_user)
        self._requests = _Gauge("requests under way", limits.requests, limits.requests_a_user)
        self._followers = _Gauge("followers", limits.followers, limits.followers_a_user)

    def connect(self, uid: int) -> None:
        """Count a connection; ``disconnect`` ends it."""
        self._connections.enter(uid)

    def disconnect(self, uid: int) -> None:
        """Count a connection no more."""
        self._connections.leave(uid)

    @contextmanager
    def request(self, uid: int) -> Iterator[None]:
        """Count a request while it is under way."""
        self._requests.enter(uid)
        try:
            yield
        finally:
            self._requests.leave(uid)

    @contextmanager
    def follower(self, uid: int) -> Iterator[None]:
        """Count one who follows, who is no longer counted as a request under way."""
        self._followers.enter(uid)
        try:
            self._requests.leave(uid)
            try:
                yield
            finally:
                self._requests.by_user[uid] += 1
                self._requests.total += 1
        finally:
            self._followers.leave(uid)
