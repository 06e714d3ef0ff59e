"""A supervisor in memory: the domain's own decisions, without a fleet behind them."""

from __future__ import annotations

import asyncio
import os
import secrets
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from supervisor.control.access import look_up
from supervisor.control.port import (
    ConflictError,
    DataAtRiskError,
    GoneError,
    NotFoundError,
    Operation,
    Step,
    UnprocessableError,
)
from supervisor.domain.events import Event, NewEvent
from supervisor.domain.job_id import job_id_of
from supervisor.domain.model import (
    Actor,
    Checkpoint,
    Instance,
    Job,
    JobState,
    LaunchSpec,
    Process,
    Reason,
    Tracking,
)
from supervisor.domain.policy import Policy
from supervisor.domain.transitions.change import Change
from supervisor.domain.transitions.requests import (
    RefusedError,
    UnknownInstanceError,
    request_launch,
    request_terminate,
    track,
    untrack,
)

ME = look_up(os.getuid(), os.getgid()).name
"""Whoever runs the tests."""
A, B = "i-0a41c2d3e4f506172", "i-0b77aabbccddeeff0"
_KINDS = {"stop": "stopped", "start": "running", "terminate": "terminated"}


@dataclass
class StandIn:
    """Implements ``supervisor.control.port.Supervisor``; tests set what it holds."""

    known: dict[str, Job] = field(default_factory=dict)
    fleet: dict[str, Instance] = field(default_factory=dict)
    rows: list[Event] = field(default_factory=list)
    oldest: int = 1
    keys: dict[str, tuple[str, str]] = field(default_factory=dict)
    operations: dict[str, Operation] = field(default_factory=dict)
    text: dict[str, bytes] = field(default_factory=dict)
    grown: asyncio.Condition = field(default_factory=asyncio.Condition)
    calls: list[tuple[str, Any]] = field(default_factory=list)
    broken: bool = False

    def add(self, instance_id: str = A, **fields: Any) -> Instance:
        given = {"ec2_state": "running", "reachable": True, "last_look_at": time.time()}
        instance = Instance(instance_id, **{**given, **fields})
        self.fleet[instance_id] = instance
        return instance

    def put(self, job: Job) -> Job:
        self.known[job.job_id] = job
        return job

    async def tell(self, *events: NewEvent) -> None:
        for new in events:
            seq = self.newest_seq() + 1
            self.rows.append(
                Event(
                    seq,
                    f"e{seq}",
                    time.time(),
                    new.type,
                    new.instance_id,
                    new.job_id,
                    new.actor,
                    dict(new.data),
                )
            )
        async with self.grown:
            self.grown.notify_all()

    async def set(self, job_id: str, **fields: Any) -> Job:
        self.known[job_id] = replace(self.known[job_id], **fields)
        async with self.grown:
            self.grown.notify_all()
        return self.known[job_id]

    async def commit(self, change: Change) -> None:
        self.known.update({job.job_id: job for job in change.jobs})
        if change.instance is not None:
            self.fleet[change.instance.instance_id] = change.instance
        await self.tell(*change.events)

    def jobs(self) -> Sequence[Job]:
        if self.broken:
            raise RuntimeError("a bug")
        return sorted(
            self.known.values(), key=lambda job: (job.created_at, job.job_id), reverse=True
        )

    def job(self, job_id: str) -> Job:
        if job_id not in self.known:
            raise NotFoundError(f"no job {job_id}", "", ("See all:   jobctl ps --all",))
        return self.known[job_id]

    def instances(self) -> Sequence[Instance]:
        tracked = [item for item in self.fleet.values() if item.tracking.tracked]
        return sorted(tracked, key=lambda item: item.instance_id)

    def instance(self, instance_id: str) -> Instance:
        if instance_id not in self.fleet:
            raise NotFoundError(f"no instance {instance_id}", "it is not tracked")
        return self.fleet[instance_id]

    async def launch(
        self,
        spec: LaunchSpec,
        actor: Actor,
        *,
        idempotency_key: str | None,
        body_digest: str,
        dry_run: bool = False,
    ) -> Job:
        self.calls.append(("launch", (spec, actor)))
        key = f"{actor.uid}:{idempotency_key}"
        if idempotency_key is not None and key in self.keys:
            job_id, digest = self.keys[key]
            if digest != body_digest:
                raise UnprocessableError("this Idempotency-Key was used for another launch")
            return self.known[job_id]
        job_id = job_id_of(secrets.token_bytes(10))
        try:
            change = request_launch(
                self.fleet.get(spec.instance_id),
                self._on(spec.instance_id),
                spec,
                actor,
                job_id=job_id,
                now=time.time(),
            )
        except UnknownInstanceError as error:
            raise NotFoundError(error.what, error.why, error.next_steps) from error
        except RefusedError as error:
            raise ConflictError(error.what, error.why, error.next_steps) from error
        if not dry_run:
            await self.commit(change)
            self.keys[key] = (job_id, body_digest)
        return change.jobs[0]

    async def terminate_job(
        self, job_id: str, actor: Actor, *, grace_seconds: float | None, dry_run: bool
    ) -> Job:
        change = request_terminate(
            self.job(job_id), actor, grace_seconds=grace_seconds, now=time.time(), policy=Policy()
        )
        if not dry_run:
            await self.commit(change)
        return self.job(job_id)

    async def logs(self, job_id: str, *, lines: int, follow: bool) -> AsyncIterator[bytes]:
        job = self.job(job_id)
        if job.state is JobState.PENDING:
            raise ConflictError(f"job {job_id} has no log yet", "it is pending")
        text = self.text.get(job_id, b"")
        kept = (
            text.split(b"\n")[-lines - 1 :] if text.endswith(b"\n") else text.split(b"\n")[-lines:]
        )
        yield b"\n".join(kept) if lines else b""
        done = len(text)
        while follow and (piece := await self._piece_after(job_id, done)):
            yield piece
            done += len(piece)

    async def _piece_after(self, job_id: str, done: int) -> bytes:
        """Return what was added to a log, or nothing when its job is over."""
        async with self.grown:
            await self.grown.wait_for(
                lambda: len(self.text[job_id]) > done or self.known[job_id].state.final
            )
        return self.text[job_id][done:]

    async def track(self, instance_id: str, actor: Actor, *, dry_run: bool) -> Instance:
        change = track(self.fleet.get(instance_id), instance_id, Tracking.REQUESTED, actor)
        if dry_run:
            return change.instance or self.fleet[instance_id]
        await self.commit(change)
        return self.fleet[instance_id]

    async def untrack(
        self, instance_id: str, actor: Actor, *, force: bool, dry_run: bool
    ) -> Instance:
        try:
            change = untrack(self.instance(instance_id), self._on(instance_id), actor, force=force)
        except RefusedError as error:
            raise ConflictError(error.what, error.why, error.next_steps) from error
        if not dry_run:
            await self.commit(change)
        return change.instance or self.fleet[instance_id]

    async def poll(self, instance_id: str) -> Instance:
        self.calls.append(("poll", instance_id))
        self.fleet[instance_id] = replace(self.instance(instance_id), last_look_at=time.time())
        return self.fleet[instance_id]

    async def end_instance(
        self, kind: str, instance_id: str, actor: Actor, *, force: bool, dry_run: bool
    ) -> Operation:
        instance = self.instance(instance_id)
        self.calls.append((kind, (instance_id, actor, force, dry_run)))
        if kind == "terminate" and instance.checkpoints and not force:
            name = instance.checkpoints[0].path.rsplit("/", 1)[-1]
            raise DataAtRiskError(
                f"Not terminated: checkpoints on {instance_id} would be lost.\n"
                f"  {name}  1.2 GiB  4m old  in S3: no; newest there is nothing (s3://runs/x/)",
                "",
                (
                    f"jobctl stop-instance {instance_id}    stop it instead",
                    f"jobctl terminate-instance --force {instance_id}    lose the checkpoints",
                ),
            )
        steps = (Step(f"{kind} by EC2", "done"), Step("wait", "running", "1 of 2"))
        operation = Operation(
            job_id_of(secrets.token_bytes(10)), kind, instance_id, "running", steps
        )
        if not dry_run:
            self.operations[operation.operation_id] = operation
            self.fleet[instance_id] = replace(instance, ec2_state=_KINDS[kind])
        return operation

    def operation(self, operation_id: str) -> Operation:
        """Return it as it was; the next time it is done."""
        if operation_id not in self.operations:
            raise NotFoundError(f"no operation {operation_id}")
        found = self.operations[operation_id]
        steps = tuple(replace(step, state="done", progress=None) for step in found.steps)
        self.operations[operation_id] = replace(found, state="done", steps=steps)
        return found

    def live_owners(self, instance_id: str) -> frozenset[int]:
        return frozenset(job.owner_uid for job in self._on(instance_id) if not job.state.final)

    async def events_after(self, seq: int, limit: int) -> Sequence[Event]:
        if seq + 1 < self.oldest:
            raise GoneError(f"events after {seq} are no longer kept", f"oldest: {self.oldest}")
        return [event for event in self.rows if event.seq > seq][:limit]

    async def wait_newer(self, seq: int) -> None:
        async with self.grown:
            await self.grown.wait_for(lambda: self.newest_seq() > seq)

    def newest_seq(self) -> int:
        return self.rows[-1].seq if self.rows else 0

    def status(self) -> Mapping[str, Any]:
        return {"version": "0", "up_seconds": 1.0, "newest_seq": self.newest_seq()}

    def _on(self, instance_id: str) -> list[Job]:
        return [job for job in self.known.values() if job.instance_id == instance_id]


def a_job(job_id: str = "k7m2pdaaaaaaaaaa", instance_id: str = A, **fields: Any) -> Job:
    """Make a running job."""
    spec = LaunchSpec(
        instance_id,
        ("python", "train.py"),
        "/home/ubuntu/resnet",
        "/home/ubuntu/resnet",
        **{key: fields.pop(key) for key in ("name", "labels", "env") if key in fields},
    )
    given: dict[str, Any] = {
        "owner_uid": os.getuid(),
        "owner": ME,
        "created_at": 1_700_000_000.0,
        "state": JobState.RUNNING,
        "process": Process("boot", 4821, 100),
        "started_at": 1_700_000_001.0,
        "last_seen_at": 1_700_000_002.5,
        "last_line": "epoch 41/90 loss 0.231",
    }
    return Job(job_id, spec, **{**given, **fields})


__all__ = ["ME", "A", "B", "Checkpoint", "Process", "Reason", "StandIn", "a_job"]
