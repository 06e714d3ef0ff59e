"""What one whole look reported: parsed facts, without judgement.

``supervisor.domain.report`` makes these from a script's text; ``supervisor.domain.verdict``
judges them. A report that was cut, or came with another status than success, never gets here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from supervisor.domain.model import Checkpoint, HostFacts, Process


class Liveness(StrEnum):
    """What the host's ``/proc`` says of a recorded identity."""

    ALIVE = "alive"
    DEAD = "dead"
    """No such process, a zombie, or another start time or boot: never the recorded one."""
    UNKNOWN = "unknown"


class Marker(StrEnum):
    """``training_complete.txt``, written by the job itself."""

    ABSENT = "absent"
    UNSETTLED = "unsettled"
    """There, but changed within the last seconds: look again."""
    SETTLED = "settled"


class Signalled(StrEnum):
    """What of ours was delivered to the tree, as the entry records it."""

    NONE = "none"
    TERMINATE = "terminate"
    TIMEOUT = "timeout"
    INTERRUPT = "interrupt"


@dataclass(frozen=True, slots=True)
class EntryFacts:
    """A job's entry in root's directory on the host, compared with the processes that live."""

    job_id: str
    attempt: int
    released: bool
    """The gate was opened: the command itself has run."""
    process: Process | None
    liveness: Liveness
    wrapper: Liveness
    exit_code: int | None = None
    """As the wrapper wrote it: 128 + n for signal n."""
    others: int = 0
    """Live processes of its tree besides the recorded one and the wrapper."""
    tree_known: bool = True
    """False where the tree could not be looked through."""
    marker: Marker = Marker.ABSENT
    signalled: Signalled = Signalled.NONE
    user: str | None = None
    run_dir: str | None = None
    out_of_memory: bool = False
    last_line: str | None = None
    log_size: int | None = None
    checkpoints: tuple[Checkpoint, ...] = ()
    checkpoints_known: bool = True
    pid_file: bool = False
    """Whether ``training.pid`` is still there and names the recorded pid."""
    cleaned: bool = False


@dataclass(frozen=True, slots=True)
class Tombstone:
    """An attempt that will never start on this host, and why."""

    job_id: str
    attempt: int
    why: str


@dataclass(frozen=True, slots=True)
class AdoptedFacts:
    """An older launcher's job whose identity an earlier or this look took."""

    key: str
    """``{boot_id}.{pid}.{start_ticks}``, the record's name."""
    directory: str
    process: Process
    liveness: Liveness
    uid: int
    user: str | None
    started_age_seconds: float | None
    """Since the process started, on the host's own clock since boot."""
    command: tuple[str, ...] = ()
    others: int = 0
    tree_known: bool = True
    exit_code: int | None = None
    marker: Marker = Marker.ABSENT
    signalled: Signalled = Signalled.NONE
    out_of_memory: bool = False
    last_line: str | None = None
    log_size: int | None = None
    checkpoints: tuple[Checkpoint, ...] = ()
    checkpoints_known: bool = True
    pid_file: bool = False
    cleaned: bool = False


class PidFile(StrEnum):
    """What a PID file without a record turned out to be."""

    ABSENT = "absent"
    PROCESS_DEAD = "process_dead"
    PID_RECYCLED = "pid_recycled"
    REBOOTED = "rebooted"
    CORRUPT = "corrupt"
    UNKNOWN = "unknown"
    """Contradicting or missing evidence: told, never acted on."""


@dataclass(frozen=True, slots=True)
class DirectoryFacts:
    """A project directory that holds an older launcher's files and no live, adopted job."""

    directory: str
    pid_file: PidFile
    pid: int | None = None
    token: str = ""
    """Identity of the PID file (device, inode, size, mtime): ``clean`` removes only that one."""
    why: str = ""
    """For ``UNKNOWN``: what stood in the way."""
    exit_code: int | None = None
    marker: Marker = Marker.ABSENT
    last_line: str | None = None
    completion_hint: bool = False
    checkpoints: tuple[Checkpoint, ...] = ()
    checkpoints_known: bool = True


@dataclass(frozen=True, slots=True)
class HostReport:
    """Everything one look told of one instance."""

    instance_id: str
    boot_id: str
    uptime: float
    """Seconds since boot, when the look began: orders the reports of one boot."""
    host: HostFacts = field(default_factory=HostFacts)
    entries: tuple[EntryFacts, ...] = ()
    tombstones: tuple[Tombstone, ...] = ()
    adopted: tuple[AdoptedFacts, ...] = ()
    directories: tuple[DirectoryFacts, ...] = ()
    spot_notice: str | None = None


class LaunchResult(StrEnum):
    """What the launch script answered."""

    STARTED = "started"
    EXISTS = "exists"
    """The attempt had an entry already: a document may run twice."""
    REFUSED = "refused"
    LATE = "late"
    """Another boot, or past the deadline: nothing was started, a tombstone was left."""
    TOMBSTONE = "tombstone"


@dataclass(frozen=True, slots=True)
class LaunchReport:
    """The launch script's whole answer."""

    result: LaunchResult
    why: str = ""
    process: Process | None = None
    user: str | None = None


@dataclass(frozen=True, slots=True)
class SignalReport:
    """The signal script's whole answer: what was there, and whether the signal was sent."""

    delivered: bool
    alive: int
    why: str = ""


@dataclass(frozen=True, slots=True)
class CleanReport:
    """The clean script's whole answer."""

    done: bool
    """The entry is marked cleaned, or the tombstone stands, or the stale PID file is gone."""
    removed: bool
    """Whether a PID file was removed by this run."""
    why: str = ""
    entry_exists: bool = False
    """For a tombstone: the attempt had started after all; nothing was buried."""


@dataclass(frozen=True, slots=True)
class LogReport:
    """A piece of a job's log."""

    offset: int
    """Of ``data`` in the file, in bytes."""
    size: int
    """Of the whole file, in bytes."""
    inode: int
    data: bytes
