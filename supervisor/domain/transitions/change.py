"""What a decision comes to: the new state, and the events that tell of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from supervisor.domain.events import EventType, NewEvent
from supervisor.domain.model import SUPERVISOR, Actor, Instance, Job


@dataclass(frozen=True, slots=True)
class Change:
    """To be written in one transaction. Empty: nothing changes."""

    instance: Instance | None = None
    jobs: tuple[Job, ...] = ()
    events: tuple[NewEvent, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether there is nothing to write."""
        return self.instance is None and not self.jobs and not self.events


NO_CHANGE = Change()


def about(job: Job, event_type: EventType, actor: Actor = SUPERVISOR, /, **data: Any) -> NewEvent:
    """Make an event about a job; what is not known is left out of ``data``."""
    known = {key: value for key, value in data.items() if value is not None}
    return NewEvent(
        event_type, job.instance_id, job.job_id, actor, {"attempt": job.attempt, **known}
    )


def of_instance(
    instance_id: str, event_type: EventType, actor: Actor = SUPERVISOR, /, **data: Any
) -> NewEvent:
    """Make an event about an instance."""
    known = {key: value for key, value in data.items() if value is not None}
    return NewEvent(event_type, instance_id, None, actor, known)
