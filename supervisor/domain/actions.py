"""What is to be done on an instance now: derived from the state, so that no crash can lose it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from supervisor.domain.facts import DirectoryFacts, PidFile
from supervisor.domain.model import Instance, Job, JobState
from supervisor.domain.policy import Policy
from supervisor.domain.transitions.launches import uptime_now
from supervisor.domain.transitions.requests import NOT_THERE


@dataclass(frozen=True, slots=True)
class Launch:
    """Send the launch script; sent twice, it starts the command once."""

    job_id: str
    attempt: int


@dataclass(frozen=True, slots=True)
class Bury:
    """Leave a tombstone for an attempt that is given up."""

    job_id: str
    attempt: int


@dataclass(frozen=True, slots=True)
class Signal:
    """End a job's tree."""

    job_id: str
    attempt: int
    grace_seconds: float


@dataclass(frozen=True, slots=True)
class Clean:
    """Clean up after an ended attempt."""

    job_id: str
    attempt: int


@dataclass(frozen=True, slots=True)
class RemovePidFile:
    """Remove a PID file that belongs to no living process."""

    facts: DirectoryFacts


Action = Launch | Bury | Signal | Clean | RemovePidFile

_STALE = (PidFile.PROCESS_DEAD, PidFile.PID_RECYCLED, PidFile.REBOOTED, PidFile.CORRUPT)


def due(
    instance: Instance,
    jobs: Sequence[Job],
    directories: Sequence[DirectoryFacts],
    *,
    now: float,
    policy: Policy,
) -> tuple[Action, ...]:
    """Return what is to be done on an instance that can be reached.

    ``directories`` are those of the look just taken: nothing about a PID file is remembered.
    """
    if not (instance.tracking.tracked and instance.reachable) or instance.ec2_state in NOT_THERE:
        return ()
    found: list[Action] = []
    for job in jobs:
        found.extend(_of_job(instance, job, now=now, policy=policy))
    found.extend(RemovePidFile(facts) for facts in directories if facts.pid_file in _STALE)
    return tuple(found)


def _of_job(instance: Instance, job: Job, *, now: float, policy: Policy) -> Iterator[Action]:
    match job.state:
        case JobState.PENDING:
            if instance.boot_id is not None and now >= job.not_before:
                yield Launch(job.job_id, job.attempt)
        case JobState.LAUNCHING:
            if job.give_up:
                yield Bury(job.job_id, job.attempt)
            elif _may_be_sent(instance, job, now):
                yield Launch(job.job_id, job.attempt)
        case JobState.RUNNING | JobState.FINISHING:
            if _signal_due(job, now, policy) and job.stop is not None:
                yield Signal(job.job_id, job.attempt, job.stop.grace_seconds)
        case _:
            if not job.cleaned:
                yield Clean(job.job_id, job.attempt)


def _may_be_sent(instance: Instance, job: Job, now: float) -> bool:
    uptime = uptime_now(instance, now)
    if job.bound is None or uptime is None:
        return False
    return job.bound.boot_id == instance.boot_id and uptime < job.bound.deadline_uptime


def _signal_due(job: Job, now: float, policy: Policy) -> bool:
    if job.stop is None:
        return False
    if job.stop.delivered_at is None:
        return True
    return now >= job.stop.delivered_at + job.stop.grace_seconds + policy.signal_again_after
