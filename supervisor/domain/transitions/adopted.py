"""What a look says of a job that an older launcher started."""

from __future__ import annotations

from dataclasses import replace

from supervisor.domain.events import EventType, NewEvent
from supervisor.domain.facts import AdoptedFacts, HostReport
from supervisor.domain.job_id import adopted_job_id
from supervisor.domain.model import Job, JobState, LaunchSpec
from supervisor.domain.policy import Policy
from supervisor.domain.transitions.change import about
from supervisor.domain.transitions.ending import rebooted_without_record
from supervisor.domain.transitions.entries import follow
from supervisor.domain.verdict import judge_adopted

Result = tuple[Job, tuple[NewEvent, ...]]
NOBODY = -1
"""The owner's uid of an adopted job: nobody on this host asked for it."""


def adopt(
    instance_id: str, facts: AdoptedFacts, report: HostReport, *, now: float, policy: Policy
) -> Result:
    """Make a job of an identity that the instance took. Its id follows from the identity."""
    started_at = None if facts.started_age_seconds is None else now - facts.started_age_seconds
    job = Job(
        job_id=adopted_job_id(instance_id, facts.key),
        spec=LaunchSpec(
            instance_id=instance_id,
            command=facts.command,
            project_dir=facts.directory,
            run_dir=facts.directory,
            user=facts.user,
        ),
        owner_uid=NOBODY,
        owner="",
        created_at=now,
        state=JobState.RUNNING,
        adopted=True,
        adopted_key=facts.key,
        process=facts.process,
        user=facts.user,
        started_at=started_at,
    )
    told = about(job, EventType.JOB_ADOPTED, pid=facts.process.pid, directory=facts.directory)
    after, events = take_in_adopted(job, report, now=now, policy=policy)
    return after, (told, *events)


def take_in_adopted(job: Job, report: HostReport, *, now: float, policy: Policy) -> Result:
    """Judge one adopted job by its record."""
    if job.state.final and job.cleaned:
        return job, ()
    facts = next((item for item in report.adopted if item.key == job.adopted_key), None)
    if job.state.final:
        return (replace(job, cleaned=True), ()) if facts is None or facts.cleaned else (job, ())
    if facts is None:
        return _record_vanished(job, report, now=now, policy=policy)
    seen = replace(
        job,
        last_seen_at=now,
        last_line=facts.last_line if facts.last_line is not None else job.last_line,
        checkpoint=facts.checkpoints[0] if facts.checkpoints else job.checkpoint,
    )
    verdict = judge_adopted(facts, report.boot_id, gone_before=job.gone_once)
    after, events = follow(seen, verdict, now=now, policy=policy)
    return replace(after, gone_once=verdict.awaits_code), events


def _record_vanished(job: Job, report: HostReport, *, now: float, policy: Policy) -> Result:
    if job.process is None or job.process.boot_id == report.boot_id:
        return job, ()
    return rebooted_without_record(job, now=now, policy=policy)
