"""Events: what happened, told once, as rows that the store numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from supervisor.domain.model import SUPERVISOR, Actor


def _empty() -> Mapping[str, Any]:
    return MappingProxyType({})


class EventType(StrEnum):
    """Every event that the supervisor tells of."""

    SUPERVISOR_STARTED = "supervisor.started"
    SUPERVISOR_STOPPING = "supervisor.stopping"
    SUPERVISOR_CONFIG_RELOADED = "supervisor.config_reloaded"
    SUPERVISOR_CONFIG_REJECTED = "supervisor.config_rejected"
    INSTANCE_TRACKED = "instance.tracked"
    INSTANCE_UNTRACKED = "instance.untracked"
    INSTANCE_STATE_CHANGED = "instance.state_changed"
    INSTANCE_UNREACHABLE = "instance.unreachable"
    INSTANCE_RECOVERED = "instance.recovered"
    INSTANCE_INTERRUPTION_NOTICE = "instance.interruption_notice"
    INSTANCE_STOP_REQUESTED = "instance.stop_requested"
    INSTANCE_TERMINATE_REQUESTED = "instance.terminate_requested"
    INSTANCE_TERMINATE_BLOCKED = "instance.terminate_blocked"
    INSTANCE_IDLE = "instance.idle"
    JOB_REQUESTED = "job.requested"
    JOB_TERMINATE_REQUESTED = "job.terminate_requested"
    JOB_LAUNCHING = "job.launching"
    JOB_STARTED = "job.started"
    JOB_ADOPTED = "job.adopted"
    JOB_FINISHING = "job.finishing"
    JOB_COMPLETED = "job.completed"
    JOB_FAILED = "job.failed"
    JOB_TERMINATED = "job.terminated"
    JOB_INTERRUPTED = "job.interrupted"
    JOB_LOST = "job.lost"
    JOB_RESUMED = "job.resumed"
    JOB_STALLED = "job.stalled"
    JOB_LINGERING = "job.lingering"
    PIDFILE_REMOVED = "pidfile.removed"
    CHECKPOINT_SAVED = "checkpoint.saved"
    CHECKPOINT_UPLOADED = "checkpoint.uploaded"
    CHECKPOINT_UPLOAD_FAILED = "checkpoint.upload_failed"
    OPERATION_EXPIRED = "operation.expired"
    WEBHOOK_GIVEN_UP = "webhook.given_up"
    POLL_FAILED = "poll.failed"
    POLL_THROTTLED = "poll.throttled"


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event that is yet to be stored, with the change that it tells of."""

    type: EventType
    instance_id: str | None = None
    job_id: str | None = None
    actor: Actor = SUPERVISOR
    data: Mapping[str, Any] = field(default_factory=_empty)
    """JSON values, bounded: at most a few kilobytes."""


@dataclass(frozen=True, slots=True)
class Event:
    """A stored event."""

    seq: int
    """From 1, without gaps, in the order of the commits."""
    id: str
    """Unique across supervisors, for those who listen to several."""
    time: float
    """Seconds since the epoch."""
    type: str
    """An ``EventType``, or one of a newer version's."""
    instance_id: str | None
    job_id: str | None
    actor: Actor
    data: Mapping[str, Any]
