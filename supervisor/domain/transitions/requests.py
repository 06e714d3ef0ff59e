"""What people ask for: launches, ends of jobs, instances to track."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from dataclasses import replace

from supervisor.domain.events import EventType
from supervisor.domain.model import (
    Actor,
    Instance,
    Job,
    JobState,
    LaunchSpec,
    StopRequest,
    Tracking,
)
from supervisor.domain.policy import Policy
from supervisor.domain.transitions.change import NO_CHANGE, Change, about, of_instance
from supervisor.domain.transitions.ending import Ending, end_attempt

NOT_THERE = ("stopping", "stopped", "shutting-down", "terminated")


class RefusedError(Exception):
    """Raised when a request does not fit the present state; nothing changes."""

    def __init__(self, what: str, why: str, next_steps: tuple[str, ...] = ()) -> None:
        super().__init__(f"{what}: {why}")
        self.what = what
        self.why = why
        self.next_steps = next_steps


class UnknownInstanceError(RefusedError):
    """Raised when the instance of a launch is not tracked."""


def request_launch(
    instance: Instance | None,
    jobs: Sequence[Job],
    spec: LaunchSpec,
    actor: Actor,
    *,
    job_id: str,
    now: float,
) -> Change:
    """Accept a launch as ``pending``.

    Raises:
        UnknownInstanceError: the instance is not tracked.
        RefusedError: the instance is stopped or gone, or the run directory is in use.

    """
    what = f"not launched on {spec.instance_id}"
    if instance is None or not instance.tracking.tracked:
        raise UnknownInstanceError(
            what, "it is not tracked", (f"Track it first:   jobctl track {spec.instance_id}",)
        )
    if instance.ec2_state in NOT_THERE:
        steps = (f"Start it first:   jobctl start-instance {spec.instance_id}",)
        gone = instance.ec2_state in ("shutting-down", "terminated")
        raise RefusedError(what, f"it is {instance.ec2_state}", () if gone else steps)
    user = _user_of_directory(jobs, spec.run_dir)
    if user is not None:
        raise RefusedError(
            what,
            f"{spec.run_dir} is in use by job {user.job_id}, which is {user.state}",
            (
                f"End that one:           jobctl terminate {user.job_id}",
                "Use another directory:  jobctl launch --run-dir DIR …",
            ),
        )
    job = Job(
        job_id=job_id,
        spec=spec,
        owner_uid=actor.uid,
        owner=actor.user,
        created_at=now,
        pending_since=now,
    )
    told = about(
        job,
        EventType.JOB_REQUESTED,
        actor,
        name=spec.name,
        project_dir=spec.project_dir,
        run_dir=spec.run_dir if spec.run_dir != spec.project_dir else None,
    )
    return Change(None, (job,), (told,))


def request_terminate(
    job: Job, actor: Actor, *, grace_seconds: float | None, now: float, policy: Policy
) -> Change:
    """Ask for the end of a job's tree. A job that is over stays as it is.

    Asked for again, a shorter grace counts; what was delivered is delivered again with it.
    """
    if job.state.final:
        return NO_CHANGE
    grace = job.spec.grace_seconds if grace_seconds is None else grace_seconds
    if job.stop is not None and job.stop.grace_seconds <= grace:
        return NO_CHANGE
    asked = replace(job, stop=StopRequest(actor, grace, now))
    told = about(asked, EventType.JOB_TERMINATE_REQUESTED, actor, grace_seconds=grace)
    if job.state is JobState.PENDING:
        # Nothing of this attempt was ever sent, or what was sent can never start.
        ended, events = end_attempt(
            replace(asked, cleaned=True),
            Ending(JobState.TERMINATED, why="it had not been started yet"),
            now=now,
            policy=policy,
        )
        return Change(None, (ended,), (told, *events))
    if job.state is JobState.LAUNCHING:
        asked = replace(asked, give_up=True)
    return Change(None, (asked,), (told,))


def track(instance: Instance | None, instance_id: str, how: Tracking, actor: Actor) -> Change:
    """Look after an instance from now on; what a person let go only a person takes back."""
    if instance is not None:
        if instance.tracking.tracked:
            return NO_CHANGE
        if how is not Tracking.REQUESTED:
            return NO_CHANGE
    base = instance or Instance(instance_id)
    after = replace(base, tracking=how, next_look_at=0.0, failures=0)
    return Change(
        after, (), (of_instance(instance_id, EventType.INSTANCE_TRACKED, actor, how=how.value),)
    )


def untrack(instance: Instance, jobs: Sequence[Job], actor: Actor, *, force: bool) -> Change:
    """Let go of an instance.

    Raises:
        RefusedError: jobs live there, and ``force`` was not given.

    """
    if not instance.tracking.tracked:
        return NO_CHANGE
    live = [job.job_id for job in jobs if not job.state.final]
    if live and not force:
        raise RefusedError(
            f"{instance.instance_id} is still tracked",
            f"jobs are live on it: {', '.join(live)}",
            (f"Let go of them too:   jobctl untrack --force {instance.instance_id}",),
        )
    told = of_instance(
        instance.instance_id, EventType.INSTANCE_UNTRACKED, actor, jobs_let_go=live or None
    )
    return Change(replace(instance, tracking=Tracking.UNTRACKED), (), (told,))


def _user_of_directory(jobs: Sequence[Job], run_dir: str) -> Job | None:
    wanted = posixpath.normpath(run_dir)
    for job in jobs:
        if not job.state.final and posixpath.normpath(job.spec.run_dir) == wanted:
            return job
    return None
