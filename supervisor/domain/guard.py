"""Whether an instance may be ended, and what to tell if not. Unknown counts as "would be lost"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from supervisor.domain.model import Checkpoint, Instance, Job
from supervisor.domain.text import age, size


@dataclass(frozen=True, slots=True)
class InS3:
    """What S3 holds for the place where a job's checkpoints go."""

    place: str
    """``s3://bucket/prefix/``."""
    newest: str | None = None
    """The newest object's name below ``place``; ``None`` where there is none."""
    newest_size: int | None = None
    newest_age_seconds: float | None = None
    error: str | None = None
    """Why S3 could not be asked."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an instance is not ended, and what can be done instead."""

    what: str
    reasons: tuple[str, ...]
    next_steps: tuple[str, ...]

    @property
    def detail(self) -> str:
        """The whole text, a reason a line."""
        return "\n".join((self.what, *(f"  {reason}" for reason in self.reasons)))


def judge_terminate(
    instance: Instance,
    jobs: Sequence[Job],
    in_s3: Mapping[str, InS3],
    *,
    look_failure: str | None,
    now: float,
) -> Refusal | None:
    """Decide on a terminate by the look that was taken for it.

    ``look_failure`` says why there was no whole report, if so. ``in_s3`` is by checkpoint path,
    and may lack those for which no place is configured.
    """
    live = [job for job in jobs if not job.state.final]
    reasons: list[str] = []
    if look_failure is not None:
        reasons.append(f"what is on its disk is not known: {look_failure}")
    elif not instance.checkpoints_known:
        reasons.append("some directories could not be looked at, so what they hold is not known")
    reasons += [_checkpoint_line(item, in_s3.get(item.path)) for item in instance.checkpoints]
    reasons += [_job_line(job, now) for job in live]
    if not reasons:
        return None
    what = f"Not terminated: {_what_would_be_lost(instance, live, look_failure)}"
    return Refusal(what, tuple(reasons), _next_steps(instance, live))


def judge_stop(
    instance: Instance, jobs: Sequence[Job], *, look_failure: str | None, now: float
) -> Refusal | None:
    """Decide on a stop: the disk is kept, live jobs are not."""
    live = [job for job in jobs if not job.state.final]
    reasons = [_job_line(job, now) for job in live]
    if look_failure is not None:
        reasons.append(f"what runs there now is not known: {look_failure}")
    if not reasons:
        return None
    key = instance.instance_id
    steps = [f"jobctl terminate {job.job_id}    end the job first" for job in live]
    steps.append(f"jobctl stop-instance --force {key}    stop it under them; its EBS disk is kept")
    return Refusal(f"Not stopped: {_named(instance)} is in use.", tuple(reasons), tuple(steps))


def _what_would_be_lost(instance: Instance, live: Sequence[Job], failure: str | None) -> str:
    if instance.checkpoints:
        return f"checkpoints on {_named(instance)} would be lost."
    if live and failure is None:
        return f"jobs on {_named(instance)} would be lost."
    return f"what {_named(instance)} holds could not be seen, and may be lost."


def _checkpoint_line(item: Checkpoint, there: InS3 | None) -> str:
    name = item.path.rsplit("/", 1)[-1]
    line = f"{name}  {size(item.size)}  {age(item.age_seconds)} old  {item.path}"
    if there is None:
        return f"{line}  in S3: no place is configured"
    if there.error is not None:
        return f"{line}  in S3: not known ({there.error}); it belongs at {there.place}"
    if there.newest is None:
        return f"{line}  in S3: no; nothing is at {there.place}"
    known_age = "" if there.newest_age_seconds is None else f", {age(there.newest_age_seconds)} old"
    if there.newest == name and there.newest_size == item.size:
        return f"{line}  in S3: one of its name and size{known_age}, not verified ({there.place})"
    return f"{line}  in S3: no; newest there is {there.newest}{known_age} ({there.place})"


def _job_line(job: Job, now: float) -> str:
    name = f" ({job.spec.name})" if job.spec.name else ""
    since = "" if job.started_at is None else f", {age(now - job.started_at)}"
    return f"job {job.job_id[:6]}{name} is {job.state}{since}"


def _next_steps(instance: Instance, live: Sequence[Job]) -> tuple[str, ...]:
    key = instance.instance_id
    lost = " and ".join(
        part
        for part in (
            "the checkpoints" if instance.checkpoints else "",
            ("the job" if len(live) == 1 else "the jobs") if live else "",
        )
        if part
    )
    return (
        f"jobctl stop-instance {key}    stop it instead; its EBS disk is kept",
        f"jobctl terminate-instance --force {key}    lose {lost or 'whatever it holds'}",
    )


def _named(instance: Instance) -> str:
    return f"{instance.name} ({instance.instance_id})" if instance.name else instance.instance_id
