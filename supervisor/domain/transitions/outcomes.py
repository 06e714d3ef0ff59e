"""What the answers of signals and clean-ups change."""

from __future__ import annotations

from dataclasses import replace

from supervisor.domain.events import EventType, NewEvent
from supervisor.domain.facts import CleanReport, DirectoryFacts, SignalReport
from supervisor.domain.model import Job
from supervisor.domain.transitions.change import NO_CHANGE, Change, about


def apply_signal_report(job: Job, attempt: int, report: SignalReport, *, now: float) -> Change:
    """Take in that the signal was sent. That the tree is gone, only a look says."""
    if job.stop is None or job.state.final or job.attempt != attempt or not report.delivered:
        return NO_CHANGE
    return Change(None, (replace(job, stop=replace(job.stop, delivered_at=now)),))


def apply_clean_report(job: Job, attempt: int, report: CleanReport) -> Change:
    """Take in that an ended attempt was cleaned up after."""
    if not job.state.final or job.cleaned or job.attempt != attempt or not report.done:
        return NO_CHANGE
    cleaned = replace(job, cleaned=True)
    if not report.removed:
        return Change(None, (cleaned,))
    path = f"{job.spec.run_dir.rstrip('/')}/training.pid"
    told = about(cleaned, EventType.PIDFILE_REMOVED, reason="completed", path=path)
    return Change(None, (cleaned,), (told,))


def stale_pid_file_removed(instance_id: str, facts: DirectoryFacts, report: CleanReport) -> Change:
    """Tell that a PID file which belonged to no living process was removed."""
    if not (report.done and report.removed):
        return NO_CHANGE
    data = {
        "reason": facts.pid_file.value,
        "path": f"{facts.directory.rstrip('/')}/training.pid",
        "pid": facts.pid,
    }
    return Change(None, (), (NewEvent(EventType.PIDFILE_REMOVED, instance_id, None, data=data),))
