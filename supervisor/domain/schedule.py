"""When to look next."""

from __future__ import annotations

from collections.abc import Sequence

from supervisor.domain.model import Instance, Job, JobState
from supervisor.domain.policy import Policy

_LOOK_SOON = (JobState.PENDING, JobState.LAUNCHING, JobState.FINISHING)
_BACKOFF_STEPS = 3
"""Of doubling: an instance that stays away is asked at most eight times more seldom."""


def next_look(
    instance: Instance, jobs: Sequence[Job], *, now: float, policy: Policy, jitter: float
) -> float:
    """Return the time of the next look. ``jitter`` is a random number from 0 to 1.

    Soon while something is about to change, often while a job runs, seldom when idle, and ever
    more seldom while the instance cannot be reached.
    """
    return now + pause(instance, jobs, now=now, policy=policy) * (0.9 + 0.2 * jitter)


def pause(instance: Instance, jobs: Sequence[Job], *, now: float, policy: Policy) -> float:
    """Return the seconds between two looks, without jitter."""
    live = [job for job in jobs if not job.state.final]
    if instance.failures:
        shortest = min(policy.unreachable_interval, policy.soon * 5)
        if instance.reachable is not False:
            return shortest
        steps = min(instance.failures - 1, _BACKOFF_STEPS)
        longest = (
            max(policy.unreachable_interval, 60.0) if live else policy.unreachable_interval * 8
        )
        return min(longest, policy.unreachable_interval * 2.0**steps)
    waiting = [job for job in live if job.state in _LOOK_SOON and job.not_before <= now]
    if waiting:
        return min(policy.running_interval, _patience(waiting, now, policy))
    if any(job.stop is not None for job in live):
        return min(policy.running_interval, policy.soon)
    return policy.running_interval if live else policy.idle_interval


def _patience(jobs: Sequence[Job], now: float, policy: Policy) -> float:
    """Look soon at first; what does not change for long is looked at less and less often."""
    since = max(_since(job) for job in jobs)
    return max(policy.soon, (now - since) / 10)


def _since(job: Job) -> float:
    times = (job.created_at, job.launched_at, job.started_at, job.pending_since)
    stop = None if job.stop is None else job.stop.requested_at
    return max(time for time in (*times, stop) if time is not None)
