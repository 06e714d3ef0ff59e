"""The end of an attempt, and whether another one follows."""

from __future__ import annotations

from dataclasses import dataclass, replace

from supervisor.domain.events import EventType, NewEvent
from supervisor.domain.model import Job, JobState, Reason
from supervisor.domain.policy import Policy
from supervisor.domain.transitions.change import about

_EVENTS = {
    JobState.COMPLETED: EventType.JOB_COMPLETED,
    JobState.FAILED: EventType.JOB_FAILED,
    JobState.TERMINATED: EventType.JOB_TERMINATED,
    JobState.INTERRUPTED: EventType.JOB_INTERRUPTED,
    JobState.LOST: EventType.JOB_LOST,
}
_NEVER_BEGAN = (Reason.NOT_STARTED, Reason.REFUSED)


@dataclass(frozen=True, slots=True)
class Ending:
    """How an attempt ended, and what that rests on."""

    state: JobState
    reason: Reason | None = None
    exit_code: int | None = None
    signal: int | None = None
    why: str = ""
    instance_gone: bool = False
    """Nothing of it is left on any host: no clean-up, no further attempt there."""


def end_attempt(
    job: Job, ending: Ending, *, now: float, policy: Policy
) -> tuple[Job, tuple[NewEvent, ...]]:
    """End the present attempt; return the job, ended or pending again, and what to tell."""
    ended = replace(
        job,
        state=ending.state,
        reason=ending.reason,
        reason_detail=ending.why or None,
        exit_code=ending.exit_code,
        signal=ending.signal,
        ended_at=now,
        lingering=False,
        cleaned=job.cleaned or ending.instance_gone or ending.reason in _NEVER_BEGAN,
    )
    told = about(
        ended,
        _EVENTS[ending.state],
        exit_code=ending.exit_code,
        signal=ending.signal,
        reason=ending.reason,
        why=ending.why or None,
        name=job.spec.name,
    )
    if ending.instance_gone or not _goes_on(ended):
        return ended, (told,)
    again = _next_attempt(ended, now=now, policy=policy)
    resumed = about(again, EventType.JOB_RESUMED, in_seconds=again.not_before - now)
    return again, (told, resumed)


def void_attempt(
    job: Job, *, now: float, policy: Policy, why: str
) -> tuple[Job, tuple[NewEvent, ...]]:
    """Deal with an attempt of which it is certain that it never began, and never will.

    It is launched anew, under a new number, as long as the time to start in lasts.
    """
    too_often = job.void_attempts + 1 >= policy.void_attempts_limit
    if job.stop is not None:
        return end_attempt(
            replace(job, cleaned=True), Ending(JobState.TERMINATED, why=why), now=now, policy=policy
        )
    if too_often or start_overdue(job, now):
        return end_attempt(
            job, Ending(JobState.FAILED, reason=Reason.NOT_STARTED, why=why), now=now, policy=policy
        )
    again = replace(_fresh(job), attempt=job.attempt + 1, void_attempts=job.void_attempts + 1)
    return again, ()


def rebooted_without_record(
    job: Job, *, now: float, policy: Policy
) -> tuple[Job, tuple[NewEvent, ...]]:
    """End an attempt whose record somebody removed: another boot says that it is over."""
    why = "the instance was rebooted, and its record of the job is gone"
    ending = Ending(JobState.LOST, Reason.REBOOTED, why=why)
    return end_attempt(job, ending, now=now, policy=policy)


def start_overdue(job: Job, now: float) -> bool:
    """Whether the time in which the attempt was to start is over."""
    since = job.created_at if job.pending_since is None else job.pending_since
    return now >= since + job.spec.start_within_seconds


def _goes_on(job: Job) -> bool:
    if job.adopted or job.stop is not None:
        return False
    if job.attempt - job.void_attempts >= job.spec.max_attempts:
        return False
    if job.state is JobState.INTERRUPTED:
        return True
    if job.state is JobState.LOST:
        return job.reason is Reason.REBOOTED
    return (
        job.state is JobState.FAILED
        and job.spec.retry_on_failure
        and job.reason not in _NEVER_BEGAN
    )


def _next_attempt(job: Job, *, now: float, policy: Policy) -> Job:
    done = job.attempt - job.void_attempts
    pause = min(policy.retry_limit, policy.retry_base * 2.0 ** min(done - 1, 20))
    not_before = now + pause
    return replace(
        _fresh(job), attempt=job.attempt + 1, pending_since=not_before, not_before=not_before
    )


def _fresh(job: Job) -> Job:
    """Return the job as if nothing of it had been launched."""
    return replace(
        job,
        state=JobState.PENDING,
        bound=None,
        process=None,
        exit_code=None,
        signal=None,
        reason=None,
        reason_detail=None,
        give_up=False,
        launched_at=None,
        started_at=None,
        ended_at=None,
        wrapper_gone=False,
        lingering=False,
        gone_once=False,
        cleaned=False,
    )
