"""What goes out: the documents of jobs, instances, operations and events."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from supervisor.control.port import Operation, Step
from supervisor.domain.events import Event
from supervisor.domain.model import Actor, Checkpoint, HostFacts, Instance, Job, JobState, Reason


class Document(BaseModel):
    """Made here, from values that are right already."""

    model_config = ConfigDict(frozen=True)


class CheckpointDocument(Document):
    """A checkpoint on an instance's disk, as a look saw it."""

    path: str
    size: int
    age_seconds: float = Field(description="Since its last change, now.")


class JobDocument(Document):
    """One job, and where its current attempt stands."""

    job_id: str
    instance_id: str
    state: JobState
    name: str | None
    owner: str
    command: tuple[str, ...]
    project_dir: str
    run_dir: str
    user: str | None
    labels: dict[str, str]
    pid: int | None
    exit_code: int | None
    signal: int | None
    reason: Reason | None
    attempt: int
    adopted: bool
    created_at: str
    started_at: str | None
    ended_at: str | None
    last_seen_at: str | None
    last_line: str | None
    checkpoint: CheckpointDocument | None


class HostDocument(Document):
    """What a host last told of itself; sizes in bytes."""

    hostname: str | None
    disk_total: int | None
    disk_free: int | None
    inodes_total: int | None
    inodes_free: int | None
    memory_total: int | None
    memory_available: int | None
    load1: float | None
    gpus: tuple[str, ...]


class UnknownDirectory(Document):
    """A directory that could not be judged."""

    path: str
    why: str


class InstanceDocument(Document):
    """One instance as last seen."""

    instance_id: str
    state: str | None = Field(description="EC2's word.")
    reachable: bool | None
    last_look_at: str | None
    boot_id: str | None
    jobs: tuple[str, ...] = Field(description="Ids of the jobs that are live on it.")
    checkpoints: tuple[CheckpointDocument, ...]
    checkpoints_known: bool
    tracking: str
    name: str | None
    availability_zone: str | None
    tags: dict[str, str]
    unreachable_reason: str | None
    unreachable_since: str | None
    uptime_seconds: float | None
    host: HostDocument
    unknown_directories: tuple[UnknownDirectory, ...]


class StepDocument(Document):
    """One step of an operation."""

    name: str
    state: str
    progress: str | None
    reason: str | None


class OperationDocument(Document):
    """A stop, start or terminate of an instance."""

    operation_id: str
    kind: str
    instance_id: str
    state: str = Field(description="running, done, failed or expired.")
    steps: tuple[StepDocument, ...]


class ActorDocument(Document):
    """Who asked; the supervisor itself is uid -1."""

    uid: int
    pid: int
    user: str


class EventDocument(Document):
    """What happened."""

    seq: int
    id: str
    time: str
    type: str
    instance_id: str | None
    job_id: str | None
    actor: ActorDocument
    data: dict[str, Any]


Item = TypeVar("Item", bound=Document)


class Page(Document, Generic[Item]):
    """A part of a list."""

    items: tuple[Item, ...]
    next_cursor: str | None = Field(description="For the next part; null with the last.")


class JobPage(Page[JobDocument]):
    """A part of the list of jobs, newest first."""


class InstancePage(Page[InstanceDocument]):
    """A part of the list of instances, by id."""


class Health(Document):
    """The socket answers."""

    status: str


def time_text(seconds: float | None) -> str | None:
    """Write a time as RFC 3339 in UTC, to the millisecond."""
    return None if seconds is None else _time(seconds)


def _time(seconds: float) -> str:
    whole, milliseconds = divmod(int(seconds * 1000), 1000)
    return f"{datetime.fromtimestamp(whole, UTC):%Y-%m-%dT%H:%M:%S}.{milliseconds:03d}Z"


def job_document(job: Job, now: float) -> JobDocument:
    """Describe a job as it stands."""
    spec = job.spec
    seen = now if job.last_seen_at is None else job.last_seen_at
    return JobDocument(
        job_id=job.job_id,
        instance_id=job.instance_id,
        state=job.state,
        name=spec.name,
        owner=job.owner,
        command=spec.command,
        project_dir=spec.project_dir,
        run_dir=spec.run_dir,
        user=job.user or spec.user,
        labels=dict(spec.labels),
        pid=None if job.process is None else job.process.pid,
        exit_code=job.exit_code,
        signal=job.signal,
        reason=job.reason,
        attempt=job.attempt,
        adopted=job.adopted,
        created_at=_time(job.created_at),
        started_at=time_text(job.started_at),
        ended_at=time_text(job.ended_at),
        last_seen_at=time_text(job.last_seen_at),
        last_line=job.last_line,
        checkpoint=None if job.checkpoint is None else _checkpoint(job.checkpoint, seen, now),
    )


def instance_document(instance: Instance, jobs: Iterable[str], now: float) -> InstanceDocument:
    """Describe an instance as last seen, with the ids of the jobs that are live on it."""
    looked = now if instance.last_look_at is None else instance.last_look_at
    return InstanceDocument(
        instance_id=instance.instance_id,
        state=instance.ec2_state,
        reachable=instance.reachable,
        last_look_at=time_text(instance.last_look_at),
        boot_id=instance.boot_id,
        jobs=tuple(jobs),
        checkpoints=tuple(_checkpoint(item, looked, now) for item in instance.checkpoints),
        checkpoints_known=instance.checkpoints_known,
        tracking=instance.tracking.value,
        name=instance.name,
        availability_zone=instance.availability_zone,
        tags=dict(instance.tags),
        unreachable_reason=instance.unreachable_reason,
        unreachable_since=time_text(instance.unreachable_since),
        uptime_seconds=instance.uptime,
        host=_host(instance.host),
        unknown_directories=tuple(
            UnknownDirectory(path=path, why=why) for path, why in instance.unknown_directories
        ),
    )


def operation_document(operation: Operation) -> OperationDocument:
    """Describe an operation with its steps."""
    return OperationDocument(
        operation_id=operation.operation_id,
        kind=operation.kind,
        instance_id=operation.instance_id,
        state=operation.state,
        steps=tuple(_step(step) for step in operation.steps),
    )


def event_document(event: Event) -> EventDocument:
    """Describe an event."""
    return EventDocument(
        seq=event.seq,
        id=event.id,
        time=_time(event.time),
        type=str(event.type),
        instance_id=event.instance_id,
        job_id=event.job_id,
        actor=_actor(event.actor),
        data=dict(event.data),
    )


def _checkpoint(item: Checkpoint, seen: float, now: float) -> CheckpointDocument:
    age = item.age_seconds + max(0.0, now - seen)
    return CheckpointDocument(path=item.path, size=item.size, age_seconds=round(age, 1))


def _host(host: HostFacts) -> HostDocument:
    return HostDocument(**{name: getattr(host, name) for name in HostDocument.model_fields})


def _step(step: Step) -> StepDocument:
    return StepDocument(**{name: getattr(step, name) for name in StepDocument.model_fields})


def _actor(actor: Actor) -> ActorDocument:
    return ActorDocument(uid=actor.uid, pid=actor.pid, user=actor.user)
