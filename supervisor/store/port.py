"""What the service asks of a store: one transaction a change, events read from a cursor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from supervisor.domain.events import Event, NewEvent
from supervisor.domain.model import Instance, Job
from supervisor.errors import SupervisorError


class StoreError(SupervisorError):
    """Raised when the state cannot be read or written; nothing of the call was kept."""


class StateInUseError(StoreError):
    """Raised when another daemon holds this state; the message names its process."""


class StateTooNewError(StoreError):
    """Raised when a newer version wrote this state."""


class StateDamagedError(StoreError):
    """Raised when the state file is not what it should be. It is never replaced."""


class StoreWriteError(StoreError):
    """Raised when a commit failed (a full or read-only disk); it was rolled back whole."""


@dataclass(frozen=True, slots=True)
class Idempotency:
    """A request's key and what it was for, kept for 24 hours."""

    key: str
    """Made of the caller's uid and its ``Idempotency-Key``."""
    body_digest: str
    job_id: str


class KeyTakenError(StoreError):
    """Raised when a commit's idempotency key is in use already; nothing of the commit was kept."""

    def __init__(self, taken: Idempotency) -> None:
        super().__init__("this Idempotency-Key was used already", f"it launched job {taken.job_id}")
        self.taken = taken
        """What the key was first used for."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything that is durable but the events."""

    jobs: tuple[Job, ...]
    instances: tuple[Instance, ...]


class Store(Protocol):
    """One file, or one server, that holds the state. All calls may raise ``StoreError``."""

    async def load(self) -> Snapshot:
        """Read all jobs and instances."""
        ...

    async def commit(
        self,
        *,
        now: float,
        jobs: Sequence[Job] = (),
        instances: Sequence[Instance] = (),
        events: Sequence[NewEvent] = (),
        idempotency: Idempotency | None = None,
    ) -> tuple[Event, ...]:
        """Write all of it in one transaction, durable on return; give the events their numbers.

        A cancelled caller does not undo it: the transaction is whole or absent. A key that was
        used in the last 24 hours is refused by ``KeyTakenError``, so of two commits at once with
        one key, one is kept.
        """
        ...

    async def idempotency(self, key: str, now: float) -> Idempotency | None:
        """Return what a key was used for in the last 24 hours."""
        ...

    async def events_after(self, seq: int, limit: int) -> tuple[Event, ...]:
        """Return events with a greater number, in order."""
        ...

    async def oldest_seq(self) -> int:
        """Return the number of the oldest event kept; one past the newest where none is."""
        ...

    def newest_seq(self) -> int:
        """Return the number of the newest event committed, 0 where there was none."""
        ...

    async def wait_newer(self, seq: int) -> None:
        """Return once an event with a greater number is committed."""
        ...

    async def cursor(self, sink: str) -> int:
        """Return the number up to which a sink has delivered, 0 at first."""
        ...

    async def set_cursor(self, sink: str, seq: int) -> None:
        """Remember how far a sink has delivered; never goes back, nor past the newest event."""
        ...

    async def prune(self, *, before: float, keep_after: int) -> int:
        """Remove events older than ``before`` and numbered at most ``keep_after``; count them.

        Only from the oldest on: what is kept has no gap, whatever the clock did.
        """
        ...

    async def close(self) -> None:
        """Finish what was begun, and let go of the state."""
        ...
