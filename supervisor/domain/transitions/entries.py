"""What a look says of a job that was launched by us."""

from __future__ import annotations

from dataclasses import replace

from supervisor.domain.events import EventType, NewEvent
from supervisor.domain.facts import EntryFacts, HostReport, Liveness, Tombstone
from supervisor.domain.model import Job, JobState, Reason
from supervisor.domain.policy import Policy
from supervisor.domain.transitions.change import about
from supervisor.domain.transitions.ending import (
    Ending,
    end_attempt,
    rebooted_without_record,
    void_attempt,
)
from supervisor.domain.verdict import Outcome, Verdict, judge_entry

Result = tuple[Job, tuple[NewEvent, ...]]

REFUSED_PREFIX = "refused: "
"""How the tombstone of a launch that was refused begins; the rest says why."""


def take_in_entry(job: Job, report: HostReport, *, now: float, policy: Policy) -> Result:
    """Judge one job by its entry, its tombstone, or the absence of both."""
    if job.state is JobState.PENDING or (job.state.final and job.cleaned):
        return job, ()
    facts = _entry_of(job, report)
    if job.state.final:
        return (replace(job, cleaned=True), ()) if facts is None or facts.cleaned else (job, ())
    if facts is not None:
        return _by_entry(job, facts, report, now=now, policy=policy)
    tombstone = _tombstone_of(job, report)
    if tombstone is not None and job.state is JobState.LAUNCHING:
        return by_tombstone(job, tombstone.why, now=now, policy=policy)
    if job.state is JobState.LAUNCHING:
        return _without_trace(job, report, now=now)
    return _entry_vanished(job, report, now=now, policy=policy)


def by_tombstone(job: Job, why: str, *, now: float, policy: Policy) -> Result:
    """Conclude from a tombstone: this attempt never began, and never will."""
    if why.startswith(REFUSED_PREFIX) and job.stop is None:
        detail = why.removeprefix(REFUSED_PREFIX)
        return end_attempt(
            job, Ending(JobState.FAILED, reason=Reason.REFUSED, why=detail), now=now, policy=policy
        )
    if job.give_up and job.stop is None:
        text = f"it could not be started within {job.spec.start_within_seconds:g} s"
        return end_attempt(
            job,
            Ending(JobState.FAILED, reason=Reason.NOT_STARTED, why=text),
            now=now,
            policy=policy,
        )
    return void_attempt(job, now=now, policy=policy, why=why)


def started(job: Job, *, now: float) -> Result:
    """Tell that the command runs; ``job.process`` is known by now."""
    after = replace(job, state=JobState.RUNNING, started_at=now, last_seen_at=now)
    pid = None if job.process is None else job.process.pid
    return after, (about(after, EventType.JOB_STARTED, pid=pid, user=job.user),)


def follow(job: Job, verdict: Verdict, *, now: float, policy: Policy) -> Result:
    """Bring a job that has started to where a verdict says that it stands."""
    match verdict.outcome:
        case Outcome.NONE | Outcome.NOT_STARTED | Outcome.RUNNING:
            return job, ()
        case Outcome.FINISHING:
            return _finishing(job, verdict)
        case Outcome.ENDED:
            assert verdict.state is not None  # noqa: S101 - what ENDED means
            return end_attempt(
                job,
                Ending(
                    verdict.state,
                    reason=verdict.reason,
                    exit_code=verdict.exit_code,
                    signal=verdict.signal,
                    why=verdict.why,
                ),
                now=now,
                policy=policy,
            )


def _by_entry(
    job: Job, facts: EntryFacts, report: HostReport, *, now: float, policy: Policy
) -> Result:
    verdict = judge_entry(facts, report.boot_id)
    if verdict.outcome is Outcome.NOT_STARTED:
        return void_attempt(job, now=now, policy=policy, why=verdict.why)
    if verdict.outcome is Outcome.NONE and not facts.released:
        return job, ()
    seen = _seen(job, facts, now)
    events: tuple[NewEvent, ...] = ()
    if seen.state is JobState.LAUNCHING:
        seen, events = started(seen, now=now)
    after, told = follow(seen, verdict, now=now, policy=policy)
    return after, events + told


def _seen(job: Job, facts: EntryFacts, now: float) -> Job:
    checkpoint = facts.checkpoints[0] if facts.checkpoints else job.checkpoint
    return replace(
        job,
        process=facts.process or job.process,
        user=facts.user or job.user,
        give_up=False,
        last_seen_at=now,
        last_line=facts.last_line if facts.last_line is not None else job.last_line,
        checkpoint=checkpoint,
        wrapper_gone=facts.wrapper is Liveness.DEAD and facts.liveness is Liveness.ALIVE,
    )


def _finishing(job: Job, verdict: Verdict) -> Result:
    after = replace(job, state=JobState.FINISHING, lingering=verdict.lingering)
    events: list[NewEvent] = []
    if job.state is not JobState.FINISHING:
        events.append(about(after, EventType.JOB_FINISHING, why=verdict.why))
    if verdict.lingering and not job.lingering:
        events.append(about(after, EventType.JOB_LINGERING, why=verdict.why))
    return after, tuple(events)


def _without_trace(job: Job, report: HostReport, *, now: float) -> Result:
    """Find neither entry nor tombstone: where the command cannot start any more, ask anew."""
    assert job.bound is not None  # noqa: S101 - set with LAUNCHING
    if report.boot_id == job.bound.boot_id or job.give_up:
        return job, ()
    # The script refuses on another boot, so what was sent can never start: the same attempt may
    # be sent again with a bound of this boot.
    since = now if job.pending_since is None else job.pending_since
    return replace(job, state=JobState.PENDING, bound=None, pending_since=since), ()


def _entry_vanished(job: Job, report: HostReport, *, now: float, policy: Policy) -> Result:
    """Judge a job whose entry somebody removed: only another boot says that it is over."""
    if job.process is None or job.process.boot_id == report.boot_id:
        return job, ()
    return rebooted_without_record(job, now=now, policy=policy)


def _entry_of(job: Job, report: HostReport) -> EntryFacts | None:
    for facts in report.entries:
        if facts.job_id == job.job_id and facts.attempt == job.attempt:
            return facts
    return None


def _tombstone_of(job: Job, report: HostReport) -> Tombstone | None:
    for tombstone in report.tombstones:
        if tombstone.job_id == job.job_id and tombstone.attempt == job.attempt:
            return tombstone
    return None
