"""What the supervisor knows: jobs, instances and their states, as frozen values.

Nothing here reads a clock or does I/O. Times are seconds since the epoch on the daemon's clock
(``float``) unless a name says otherwise; ``None`` always means "not known".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType


def _empty() -> Mapping[str, str]:
    return MappingProxyType({})


class JobState(StrEnum):
    """Where a job stands; the last five are final, but for a job with attempts left."""

    PENDING = "pending"
    LAUNCHING = "launching"
    RUNNING = "running"
    FINISHING = "finishing"
    COMPLETED = "completed"
    FAILED = "failed"
    TERMINATED = "terminated"
    INTERRUPTED = "interrupted"
    LOST = "lost"

    @property
    def final(self) -> bool:
        """Whether the attempt is over."""
        return self in FINAL_STATES


FINAL_STATES = frozenset(
    {JobState.COMPLETED, JobState.FAILED, JobState.TERMINATED, JobState.INTERRUPTED, JobState.LOST}
)
LIVE_STATES = frozenset(set(JobState) - FINAL_STATES)


class Reason(StrEnum):
    """Why an attempt ended as it did."""

    NOT_STARTED = "not_started"
    """It is certain that the command never ran."""
    TIMEOUT = "timeout"
    """The wrapper ended it after ``timeout_seconds``."""
    REFUSED = "refused"
    """The launch script on the instance would not start it; ``reason_detail`` says why."""
    REBOOTED = "rebooted"
    OUT_OF_MEMORY = "out_of_memory"
    KILLED = "killed"
    UNKNOWN = "unknown"
    INSTANCE_GONE = "instance_gone"
    """EC2 terminated the instance, or has not known it for ten minutes."""


class OnEnd(StrEnum):
    """What is to become of the instance when its job is over."""

    NONE = "none"
    STOP = "stop"
    TERMINATE = "terminate"


@dataclass(frozen=True, slots=True)
class Process:
    """A process's identity. A pid alone is none: the kernel gives it out again."""

    boot_id: str
    pid: int
    start_ticks: int
    """Field 22 of ``/proc/PID/stat`` (proc(5)), in clock ticks since boot."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asked. The daemon itself is ``SUPERVISOR``."""

    uid: int
    pid: int
    user: str


SUPERVISOR = Actor(uid=-1, pid=0, user="job-supervisor")


@dataclass(frozen=True, slots=True)
class LaunchSpec:
    """What a user asked to be run. All paths are absolute and on the instance."""

    instance_id: str
    command: tuple[str, ...]
    project_dir: str
    run_dir: str
    create: bool = False
    name: str | None = None
    user: str | None = None
    """``None``: the owner of ``project_dir``."""
    env: Mapping[str, str] = field(default_factory=_empty)
    env_file: str | None = None
    labels: Mapping[str, str] = field(default_factory=_empty)
    checkpoint_dir: str | None = None
    s3_uri: str | None = None
    on_complete: OnEnd = OnEnd.NONE
    on_failure: OnEnd = OnEnd.NONE
    timeout_seconds: float | None = None
    grace_seconds: float = 30
    start_within_seconds: float = 900
    max_attempts: int = 1
    retry_on_failure: bool = False
    resume_arguments: tuple[str, ...] = ()
    resume_on: str = "same"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A checkpoint as a look saw it on an instance's disk."""

    path: str
    size: int
    age_seconds: float
    """Since its last change, on the instance's clock, at the time of the look."""


@dataclass(frozen=True, slots=True)
class StopRequest:
    """A wish that a job's process tree end."""

    actor: Actor
    grace_seconds: float
    requested_at: float
    delivered_at: float | None = None
    """When the signal script last reported that the signal was sent."""


@dataclass(frozen=True, slots=True)
class LaunchBound:
    """Past either, the launch script starts nothing; so a command delivered late is harmless."""

    boot_id: str
    deadline_uptime: float
    """Seconds since the instance's boot."""


@dataclass(frozen=True, slots=True)
class Job:
    """One job, and where its current attempt stands."""

    job_id: str
    """16 characters of ``a-z2-7``."""
    spec: LaunchSpec
    owner_uid: int
    owner: str
    created_at: float
    state: JobState = JobState.PENDING
    attempt: int = 1
    adopted: bool = False
    """Found running, launched by other means. Its files are judged, never relaunched."""
    adopted_key: str | None = None
    """The record's name on the instance: ``{boot_id}.{pid}.{start_ticks}``."""
    bound: LaunchBound | None = None
    process: Process | None = None
    user: str | None = None
    """Whom it really runs as, as the instance told."""
    exit_code: int | None = None
    signal: int | None = None
    reason: Reason | None = None
    reason_detail: str | None = None
    stop: StopRequest | None = None
    give_up: bool = False
    """The launch is to be given up: a tombstone is due on the instance."""
    pending_since: float | None = None
    """Since when this attempt waits for its start; ``start_within_seconds`` counts from here."""
    not_before: float = 0.0
    """A further attempt waits until then."""
    void_attempts: int = 0
    """Attempts that never began, so they do not count towards ``max_attempts``."""
    launched_at: float | None = None
    started_at: float | None = None
    ended_at: float | None = None
    last_seen_at: float | None = None
    last_line: str | None = None
    checkpoint: Checkpoint | None = None
    wrapper_gone: bool = False
    lingering: bool = False
    """Its own process is gone, others of its tree are not."""
    gone_once: bool = False
    """An adopted job's process was seen to be gone without a code; the next look decides."""
    cleaned: bool = False
    """The clean-up of the ended attempt was confirmed by the instance."""

    @property
    def instance_id(self) -> str:
        """Where it runs, or is to run."""
        return self.spec.instance_id


class Tracking(StrEnum):
    """Why an instance is, or is not, looked after."""

    CONFIGURED = "configured"
    TAGGED = "tagged"
    REQUESTED = "requested"
    UNTRACKED = "untracked"
    """Let go on request; outlives tags."""

    @property
    def tracked(self) -> bool:
        """Whether it is looked after."""
        return self is not Tracking.UNTRACKED


@dataclass(frozen=True, slots=True)
class HostFacts:
    """What a host last told of itself. Sizes in bytes."""

    hostname: str | None = None
    disk_total: int | None = None
    disk_free: int | None = None
    inodes_total: int | None = None
    inodes_free: int | None = None
    memory_total: int | None = None
    memory_available: int | None = None
    load1: float | None = None
    gpus: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Instance:
    """One instance as last seen."""

    instance_id: str
    tracking: Tracking = Tracking.CONFIGURED
    ec2_state: str | None = None
    name: str | None = None
    availability_zone: str | None = None
    tags: Mapping[str, str] = field(default_factory=_empty)
    missing_since: float | None = None
    """Since when EC2, having known it, does not any more."""
    reachable: bool | None = None
    unreachable_reason: str | None = None
    unreachable_since: float | None = None
    last_look_at: float | None = None
    boot_id: str | None = None
    uptime: float | None = None
    """Seconds since boot at ``last_look_at``."""
    previous_boot_ids: tuple[str, ...] = ()
    """Boots known to be over: their late reports are dropped."""
    failures: int = 0
    """Looks failed in a row."""
    next_look_at: float = 0.0
    host: HostFacts = field(default_factory=HostFacts)
    checkpoints: tuple[Checkpoint, ...] = ()
    checkpoints_known: bool = False
    """Whether the last look could look at every place where checkpoints would lie."""
    unknown_directories: tuple[tuple[str, str], ...] = ()
    """(path, why) of directories that could not be judged."""
