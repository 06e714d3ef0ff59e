"""A launch, from the intention to the certainty that it runs or never will."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from supervisor.domain.events import EventType, NewEvent
from supervisor.domain.facts import CleanReport, LaunchReport, LaunchResult
from supervisor.domain.model import Instance, Job, JobState, LaunchBound, Reason
from supervisor.domain.policy import Policy
from supervisor.domain.transitions.change import NO_CHANGE, Change, about
from supervisor.domain.transitions.ending import Ending, end_attempt, start_overdue
from supervisor.domain.transitions.entries import REFUSED_PREFIX, by_tombstone, started

_MINIMUM_WINDOW = 60.0


def uptime_now(instance: Instance, now: float) -> float | None:
    """Estimate the instance's uptime from its last look; ``None`` where there was none."""
    if instance.uptime is None or instance.last_look_at is None:
        return None
    return instance.uptime + max(0.0, now - instance.last_look_at)


def begin_launch(instance: Instance, job: Job, *, now: float) -> Change:
    """Make the intention durable, bound to the boot and the uptime that a look told of."""
    uptime = uptime_now(instance, now)
    if job.state is not JobState.PENDING or instance.boot_id is None or uptime is None:
        return NO_CHANGE
    since = job.created_at if job.pending_since is None else job.pending_since
    window = max(_MINIMUM_WINDOW, since + job.spec.start_within_seconds - now)
    after = replace(
        job,
        state=JobState.LAUNCHING,
        bound=LaunchBound(instance.boot_id, round(uptime + window, 2)),
        launched_at=now,
    )
    return Change(None, (after,), (about(after, EventType.JOB_LAUNCHING),))


def apply_launch_report(
    job: Job, attempt: int, report: LaunchReport, *, now: float, policy: Policy
) -> Change:
    """Take in the launch script's whole answer, if it still matters."""
    if job.state is not JobState.LAUNCHING or job.attempt != attempt:
        return NO_CHANGE
    match report.result:
        case LaunchResult.STARTED:
            process = report.process
            seen = replace(job, process=process, user=report.user or job.user, give_up=False)
            after, events = started(seen, now=now)
        case LaunchResult.EXISTS:
            # It was launched before; whether it lives, or ever began, a look will tell.
            return NO_CHANGE
        case LaunchResult.REFUSED:
            after, events = by_tombstone(job, REFUSED_PREFIX + report.why, now=now, policy=policy)
        case LaunchResult.LATE | LaunchResult.TOMBSTONE:
            after, events = by_tombstone(job, report.why, now=now, policy=policy)
    return Change(None, (after,), events)


def apply_burial(
    job: Job, attempt: int, report: CleanReport, *, now: float, policy: Policy
) -> Change:
    """Take in that a tombstone stands, or that the attempt had started after all."""
    if job.state is not JobState.LAUNCHING or job.attempt != attempt or not job.give_up:
        return NO_CHANGE
    if report.entry_exists:
        return Change(None, (replace(job, give_up=False),))
    if not report.done:
        return NO_CHANGE
    after, events = by_tombstone(job, "given up before it had started", now=now, policy=policy)
    return Change(None, (after,), events)


def apply_time(instance: Instance, jobs: Sequence[Job], *, now: float, policy: Policy) -> Change:
    """Give up the launches whose time to start in is over."""
    changed: list[Job] = []
    events: list[NewEvent] = []
    for job in jobs:
        if job.state is JobState.PENDING and start_overdue(job, now):
            after, told = end_attempt(
                job,
                Ending(JobState.FAILED, reason=Reason.NOT_STARTED, why=_why_not(instance, job)),
                now=now,
                policy=policy,
            )
            changed.append(after)
            events.extend(told)
        elif job.state is JobState.LAUNCHING and not job.give_up and start_overdue(job, now):
            changed.append(replace(job, give_up=True))
    return Change(None, tuple(changed), tuple(events))


def _why_not(instance: Instance, job: Job) -> str:
    limit = f"within {job.spec.start_within_seconds:g} s"
    if instance.reachable:
        return f"it could not be started {limit}"
    return f"{instance.instance_id} could not be reached {limit}"
