"""What a look, or its failure, changes."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import replace

from supervisor.domain.events import EventType, NewEvent
from supervisor.domain.facts import AdoptedFacts, DirectoryFacts, EntryFacts, HostReport, PidFile
from supervisor.domain.job_id import adopted_job_id
from supervisor.domain.model import Checkpoint, Instance, Job
from supervisor.domain.policy import Policy
from supervisor.domain.transitions.adopted import adopt, take_in_adopted
from supervisor.domain.transitions.change import NO_CHANGE, Change, of_instance
from supervisor.domain.transitions.entries import take_in_entry

_BOOTS_KEPT = 16


def apply_report(
    instance: Instance,
    jobs: Sequence[Job],
    report: HostReport,
    *,
    known: Container[str],
    now: float,
    policy: Policy,
) -> Change:
    """Take in a whole report. One that is older than the last one taken in changes nothing.

    ``jobs`` are those for which something may be left to do, ``known`` the ids of all: an older
    launcher's job is adopted once.
    """
    if report.instance_id != instance.instance_id or _outdated(instance, report):
        return NO_CHANGE
    seen, events = _instance_seen(instance, report, now)
    changed: list[Job] = []
    for job in jobs:
        take_in = take_in_adopted if job.adopted else take_in_entry
        after, told = take_in(job, report, now=now, policy=policy)
        events += told
        if after != job:
            changed.append(after)
    for facts in report.adopted:
        if not facts.cleaned and adopted_job_id(instance.instance_id, facts.key) not in known:
            after, told = adopt(instance.instance_id, facts, report, now=now, policy=policy)
            events += told
            changed.append(after)
    return Change(seen, tuple(changed), tuple(events))


def apply_silence(
    instance: Instance, *, why: str, certain: bool, now: float, policy: Policy
) -> Change:
    """Take in that a look gave no whole report. It changes no job.

    ``certain``: AWS itself said that the agent cannot be reached; else chance is given a turn.
    """
    failures = instance.failures + 1
    unreachable = certain or failures >= policy.failures_until_unreachable
    after = replace(instance, failures=failures)
    events: list[NewEvent] = []
    if instance.failures == 0:
        events.append(of_instance(instance.instance_id, EventType.POLL_FAILED, why=why))
    if unreachable and instance.reachable is not False:
        after = replace(after, reachable=False, unreachable_since=now)
        events.append(of_instance(instance.instance_id, EventType.INSTANCE_UNREACHABLE, why=why))
    if unreachable:
        after = replace(after, unreachable_reason=why)
    return Change(after, (), tuple(events))


def _outdated(instance: Instance, report: HostReport) -> bool:
    if report.boot_id in instance.previous_boot_ids:
        return True
    same_boot = report.boot_id == instance.boot_id
    return same_boot and instance.uptime is not None and report.uptime <= instance.uptime


def _instance_seen(
    instance: Instance, report: HostReport, now: float
) -> tuple[Instance, list[NewEvent]]:
    previous = instance.previous_boot_ids
    if instance.boot_id is not None and instance.boot_id != report.boot_id:
        previous = (*previous, instance.boot_id)[-_BOOTS_KEPT:]
    checkpoints, checkpoints_known = _checkpoints(report)
    after = replace(
        instance,
        reachable=True,
        unreachable_reason=None,
        unreachable_since=None,
        last_look_at=now,
        boot_id=report.boot_id,
        uptime=report.uptime,
        previous_boot_ids=previous,
        failures=0,
        host=report.host,
        checkpoints=checkpoints,
        checkpoints_known=checkpoints_known,
        unknown_directories=tuple(
            (facts.directory, facts.why)
            for facts in report.directories
            if facts.pid_file is PidFile.UNKNOWN
        ),
    )
    if instance.reachable is not False:
        return after, []
    away = None if instance.unreachable_since is None else now - instance.unreachable_since
    recovered = of_instance(instance.instance_id, EventType.INSTANCE_RECOVERED, after_seconds=away)
    return after, [recovered]


def _checkpoints(report: HostReport) -> tuple[tuple[Checkpoint, ...], bool]:
    """Gather what would be lost with the host, and whether every place could be looked at."""
    places: tuple[EntryFacts | AdoptedFacts | DirectoryFacts, ...] = (
        *report.entries,
        *report.adopted,
        *report.directories,
    )
    found = {item.path: item for place in places for item in place.checkpoints}
    newest_first = sorted(found.values(), key=lambda item: (item.age_seconds, item.path))
    return tuple(newest_first), all(place.checkpoints_known for place in places)
