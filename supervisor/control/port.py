"""What the control socket asks of the service, and how the service refuses."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from supervisor.domain.events import Event
from supervisor.domain.model import Actor, Instance, Job, LaunchSpec
from supervisor.errors import SupervisorError


class RequestError(SupervisorError):
    """Base of the refusals of a request; ``status`` is HTTP's, ``kind`` the problem's type."""

    status = 500
    kind = "internal"


class NotFoundError(RequestError):
    """Raised when no such job, instance or operation is known."""

    status, kind = 404, "not-found"


class ConflictError(RequestError):
    """Raised when the request does not fit the present state."""

    status, kind = 409, "conflict"


class DataAtRiskError(RequestError):
    """Raised when checkpoints or jobs would be lost; ``force`` overrides."""

    status, kind = 409, "data-at-risk"


class ForbiddenError(RequestError):
    """Raised when the caller may not do this."""

    status, kind = 403, "forbidden"


class UnprocessableError(RequestError):
    """Raised when the request can never be carried out as it is."""

    status, kind = 422, "unprocessable"


class GoneError(RequestError):
    """Raised when events before the oldest kept are asked for."""

    status, kind = 410, "gone"


class UnavailableError(RequestError):
    """Raised when the state cannot be written, or AWS does not answer."""

    status, kind = 503, "unavailable"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of an operation."""

    name: str
    state: str
    """``waiting``, ``running``, ``done`` or ``failed``."""
    progress: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Operation:
    """A stop, start or terminate of an instance that is under way or over."""

    operation_id: str
    kind: str
    instance_id: str
    state: str
    """``running``, ``done``, ``failed`` or ``expired``."""
    steps: tuple[Step, ...] = ()


class Supervisor(Protocol):
    """The service, as the routes see it. Roles are checked before it is called.

    ``LaunchSpec`` and ``Actor`` come from the domain. Every call may raise a ``RequestError``.
    """

    def jobs(self) -> Sequence[Job]:
        """Return every job, newest first."""
        ...

    def job(self, job_id: str) -> Job:
        """Return one job by its whole id."""
        ...

    def instances(self) -> Sequence[Instance]:
        """Return every instance that is tracked, by id."""
        ...

    def instance(self, instance_id: str) -> Instance:
        """Return one instance, tracked or not, if it is known."""
        ...

    async def launch(
        self,
        spec: LaunchSpec,
        actor: Actor,
        *,
        idempotency_key: str | None,
        body_digest: str,
        dry_run: bool = False,
    ) -> Job:
        """Accept a launch; durable on return. The same key and digest return the first job.

        A dry run refuses what would be refused, and keeps nothing of what it returns.
        """
        ...

    async def terminate_job(
        self, job_id: str, actor: Actor, *, grace_seconds: float | None, dry_run: bool
    ) -> Job:
        """Ask for the end of a job's process tree; durable on return."""
        ...

    def logs(self, job_id: str, *, lines: int, follow: bool) -> AsyncIterator[bytes]:
        """Yield the tail of a job's log in pieces, and on while it grows when following."""
        ...

    async def track(self, instance_id: str, actor: Actor, *, dry_run: bool) -> Instance:
        """Look after an instance from now on."""
        ...

    async def untrack(
        self, instance_id: str, actor: Actor, *, force: bool, dry_run: bool
    ) -> Instance:
        """Look after it no longer; with live jobs only by force."""
        ...

    async def poll(self, instance_id: str) -> Instance:
        """Look at an instance now; return it as that look left it."""
        ...

    async def end_instance(
        self, kind: str, instance_id: str, actor: Actor, *, force: bool, dry_run: bool
    ) -> Operation:
        """Do ``stop``, ``start`` or ``terminate``; ``DataAtRiskError`` where data would be lost."""
        ...

    def operation(self, operation_id: str) -> Operation:
        """Return one operation."""
        ...

    def live_owners(self, instance_id: str) -> frozenset[int]:
        """Return the uids whose jobs are live on an instance (adopted: -1)."""
        ...

    async def events_after(self, seq: int, limit: int) -> Sequence[Event]:
        """Return events after a number; ``GoneError`` where older ones were removed."""
        ...

    async def wait_newer(self, seq: int) -> None:
        """Return once an event after ``seq`` is committed."""
        ...

    def newest_seq(self) -> int:
        """Return the number of the newest event."""
        ...

    def status(self) -> Mapping[str, Any]:
        """Return the status document."""
        ...
