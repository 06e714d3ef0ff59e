"""What EC2's word on an instance changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from supervisor.domain.events import EventType, NewEvent
from supervisor.domain.model import Instance, Job, JobState, Reason
from supervisor.domain.policy import Policy
from supervisor.domain.transitions.change import NO_CHANGE, Change, of_instance
from supervisor.domain.transitions.ending import Ending, end_attempt


@dataclass(frozen=True, slots=True)
class Ec2Facts:
    """What DescribeInstances tells of one instance."""

    state: str
    name: str | None = None
    availability_zone: str | None = None
    tags: Mapping[str, str] | None = None


def apply_ec2(
    instance: Instance,
    jobs: Sequence[Job],
    seen: Ec2Facts | None,
    *,
    now: float,
    policy: Policy,
) -> Change:
    """Take in EC2's word; ``seen`` is ``None`` where a whole answer did not hold the instance."""
    if seen is None:
        return _not_known(instance, jobs, now=now, policy=policy)
    after = replace(
        instance,
        ec2_state=seen.state,
        name=seen.name,
        availability_zone=seen.availability_zone,
        tags=dict(seen.tags or {}),
        missing_since=None,
    )
    if seen.state != "running" and instance.ec2_state == "running":
        after = replace(after, reachable=False, unreachable_reason=f"it is {seen.state}")
        after = replace(after, unreachable_since=instance.unreachable_since or now)
    if seen.state == "running" and instance.ec2_state not in (None, "running"):
        after = replace(after, next_look_at=0.0)
    changed: tuple[Job, ...] = ()
    events: tuple[NewEvent, ...] = ()
    if seen.state != instance.ec2_state:
        events = (_state_changed(instance, seen.state),)
    if seen.state == "terminated":
        changed, ended = _taken_away(jobs, "EC2 terminated it", now=now, policy=policy)
        events += ended
    return Change(None if after == instance else after, changed, events)


def _state_changed(instance: Instance, state: str) -> NewEvent:
    data = {"from": instance.ec2_state, "to": state}
    return NewEvent(EventType.INSTANCE_STATE_CHANGED, instance.instance_id, data=data)


def _not_known(instance: Instance, jobs: Sequence[Job], *, now: float, policy: Policy) -> Change:
    if instance.ec2_state is None or instance.ec2_state == "terminated":
        # Never known: an id mistyped, or an answer that lags behind. Or known to be gone.
        return NO_CHANGE
    if instance.missing_since is None:
        return Change(replace(instance, missing_since=now))
    if now - instance.missing_since < policy.gone_after:
        return NO_CHANGE
    why = f"EC2 has not known it for {policy.gone_after:g} s"
    changed, events = _taken_away(jobs, why, now=now, policy=policy)
    after = replace(instance, ec2_state="terminated", reachable=False, unreachable_reason=why)
    gone = of_instance(
        instance.instance_id, EventType.INSTANCE_STATE_CHANGED, to="terminated", why=why
    )
    return Change(after, changed, (gone, *events))


def _taken_away(
    jobs: Sequence[Job], why: str, *, now: float, policy: Policy
) -> tuple[tuple[Job, ...], tuple[NewEvent, ...]]:
    changed: list[Job] = []
    events: list[NewEvent] = []
    for job in jobs:
        if job.state.final:
            continue
        never_sent = job.state is JobState.PENDING
        after, told = end_attempt(
            job,
            Ending(
                JobState.FAILED if never_sent else JobState.INTERRUPTED,
                reason=Reason.NOT_STARTED if never_sent else Reason.INSTANCE_GONE,
                why=why,
                instance_gone=True,
            ),
            now=now,
            policy=policy,
        )
        changed.append(after)
        events.extend(told)
    return tuple(changed), tuple(events)
