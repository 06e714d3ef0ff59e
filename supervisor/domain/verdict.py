"""What the facts of one look say about one job: a table, read from top to bottom.

Only a whole report gets here. A verdict is ``NONE`` wherever the evidence does not suffice;
nothing is concluded from the absence of an answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from supervisor.domain.facts import AdoptedFacts, EntryFacts, Liveness, Marker, Signalled
from supervisor.domain.model import JobState, Reason


class Outcome(StrEnum):
    """What a look showed."""

    NONE = "none"
    """Nothing that can be concluded from: look again."""
    NOT_STARTED = "not_started"
    """The launcher died before the gate opened; the command never ran, and never will."""
    RUNNING = "running"
    FINISHING = "finishing"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Verdict:
    """One look's conclusion about one attempt."""

    outcome: Outcome
    state: JobState | None = None
    """For ``ENDED``: the final state."""
    reason: Reason | None = None
    exit_code: int | None = None
    signal: int | None = None
    lingering: bool = False
    """The recorded process is gone, others of its tree live."""
    awaits_code: bool = False
    """Gone, but its exit code may still be on its way: the next look decides."""
    why: str = ""
    """For people: what it rests on."""


NOTHING = Verdict(Outcome.NONE)


def judge_entry(facts: EntryFacts, boot_id: str) -> Verdict:
    """Judge a job by its entry in root's directory on the instance.

    ``boot_id`` is the host's now. A zombie, another start time and another boot are ``DEAD``.
    """
    if facts.process is None or not facts.released:
        over = facts.wrapper is Liveness.DEAD and facts.liveness is Liveness.DEAD
        return Verdict(Outcome.NOT_STARTED, why="the gate never opened") if over else NOTHING
    if facts.liveness is Liveness.UNKNOWN or not facts.tree_known:
        return NOTHING
    if facts.liveness is Liveness.ALIVE:
        return _alive(facts)
    code_may_come = facts.exit_code is None and facts.wrapper is not Liveness.DEAD
    if code_may_come:
        return NOTHING
    return _dead(facts, rebooted=facts.process.boot_id != boot_id)


def judge_adopted(facts: AdoptedFacts, boot_id: str, *, gone_before: bool) -> Verdict:
    """Judge an older launcher's job by the identity that was taken at its adoption.

    ``gone_before``: an earlier look found it gone without a code. Its wrapper shell is not known
    apart, so the code may still be on its way when the process is first seen to be gone.
    """
    if facts.liveness is Liveness.UNKNOWN or not facts.tree_known:
        return NOTHING
    if facts.liveness is Liveness.ALIVE:
        return _alive(facts)
    rebooted = facts.process.boot_id != boot_id
    told = facts.exit_code is not None or facts.marker is Marker.SETTLED or rebooted
    if not (told or gone_before or facts.others):
        why = "the process is gone; its exit code may still come"
        return Verdict(Outcome.FINISHING, awaits_code=True, why=why)
    return _dead(facts, rebooted=rebooted)


def _alive(facts: EntryFacts | AdoptedFacts) -> Verdict:
    if facts.marker is Marker.SETTLED:
        return Verdict(Outcome.FINISHING, why="the completion marker is there, the process too")
    if facts.signalled is not Signalled.NONE:
        return Verdict(Outcome.FINISHING, why="it was asked to end")
    return Verdict(Outcome.RUNNING)


def _dead(facts: EntryFacts | AdoptedFacts, *, rebooted: bool) -> Verdict:
    if facts.others:
        why = f"its process is gone, {facts.others} of its tree still live"
        return Verdict(Outcome.FINISHING, lingering=True, why=why)
    if facts.marker is Marker.UNSETTLED:
        return NOTHING
    if facts.signalled is not Signalled.NONE:
        return _after_our_signal(facts)
    if facts.exit_code is not None:
        return _by_code(facts.exit_code)
    if facts.marker is Marker.SETTLED:
        why = "gone without an exit code, its completion marker is there"
        return Verdict(Outcome.ENDED, JobState.COMPLETED, why=why)
    return _lost(facts, rebooted=rebooted)


def _after_our_signal(facts: EntryFacts | AdoptedFacts) -> Verdict:
    """Whatever the code: it ended because we asked."""
    state, reason = {
        Signalled.TERMINATE: (JobState.TERMINATED, None),
        Signalled.INTERRUPT: (JobState.INTERRUPTED, None),
        Signalled.TIMEOUT: (JobState.FAILED, Reason.TIMEOUT),
    }[facts.signalled]
    code = facts.exit_code
    return Verdict(
        Outcome.ENDED, state, reason, code, signal_of(code), why="it ended after our signal"
    )


def _by_code(code: int) -> Verdict:
    state = JobState.COMPLETED if code == 0 else JobState.FAILED
    return Verdict(
        Outcome.ENDED, state, exit_code=code, signal=signal_of(code), why=f"exit code {code}"
    )


def _lost(facts: EntryFacts | AdoptedFacts, *, rebooted: bool) -> Verdict:
    if rebooted:
        reason, why = Reason.REBOOTED, "the instance was rebooted under it"
    elif facts.out_of_memory:
        reason, why = Reason.OUT_OF_MEMORY, "the kernel killed it for want of memory"
    else:
        reason, why = Reason.UNKNOWN, "gone without an exit code or a completion marker"
    return Verdict(Outcome.ENDED, JobState.LOST, reason, why=why)


def signal_of(code: int | None) -> int | None:
    """Return the signal that a shell's exit code tells of: 128 + n (POSIX sh, 2.8.2)."""
    return code - 128 if code is not None and 128 < code <= 128 + 64 else None
