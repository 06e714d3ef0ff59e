"""One transaction a change: whole or absent, numbered without gaps, told once it is durable."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from supervisor.domain.events import Event, EventType, NewEvent
from supervisor.domain.model import Actor, Instance, Job, JobState, LaunchSpec
from supervisor.store.port import Idempotency, KeyTakenError, Snapshot, StoreError, StoreWriteError
from supervisor.store.sqlite import SqliteStore

IDLE = NewEvent(EventType.INSTANCE_IDLE, "i-0123456789abcdef0")


def job(job_id: str) -> Job:
    spec = LaunchSpec("i-0123456789abcdef0", ("true",), "/p", "/p")
    return Job(job_id, spec, 1000, "ana", 1.0)


async def test_what_was_committed_is_there_after_opening_again(path: Path) -> None:
    first = replace(job("a"), state=JobState.RUNNING)
    instance = Instance("i-0123456789abcdef0", name="one")
    told = NewEvent(
        EventType.JOB_STARTED, "i-0123456789abcdef0", "a", Actor(1, 2, "ana"), {"pid": 7}
    )
    async with SqliteStore.open(path) as store:
        await store.commit(now=1.0, jobs=[job("a")], instances=[instance])
        stored = await store.commit(now=2.5, jobs=[first], events=[told, IDLE])
    async with SqliteStore.open(path) as store:
        snapshot = await store.load()
        assert snapshot.jobs == (first,)
        assert snapshot.instances == (instance,)
        assert await store.events_after(0, 10) == stored
        assert store.newest_seq() == 2
    assert [event.seq for event in stored] == [1, 2]
    assert stored[0] == Event(
        1,
        stored[0].id,
        2.5,
        "job.started",
        "i-0123456789abcdef0",
        "a",
        Actor(1, 2, "ana"),
        {"pid": 7},
    )
    assert len({event.id for event in stored}) == 2


async def test_events_are_read_in_order_from_any_number(path: Path) -> None:
    async with SqliteStore.open(path) as store:
        await store.commit(now=1.0, events=[IDLE] * 7)
        assert [e.seq for e in await store.events_after(3, 2)] == [4, 5]
        assert [e.seq for e in await store.events_after(5, 99)] == [6, 7]
        assert await store.events_after(7, 99) == ()
        assert await store.oldest_seq() == 1


async def test_many_commits_at_once_share_transactions_and_have_no_gap(path: Path) -> None:
    async with SqliteStore.open(path) as store:
        many = await asyncio.gather(
            *(store.commit(now=1.0, jobs=[job(f"{n}")], events=[IDLE, IDLE]) for n in range(1000))
        )
        assert sorted(event.seq for stored in many for event in stored) == [*range(1, 2001)]
        assert all(stored[1].seq == stored[0].seq + 1 for stored in many)
        assert len((await store.load()).jobs) == 1000


async def test_one_that_fails_leaves_the_others_of_its_group(path: Path) -> None:
    async with SqliteStore.open(path) as store:
        taken = Idempotency("1000:k", "digest", "first")
        await store.commit(now=1.0, idempotency=taken)
        results = await asyncio.gather(
            store.commit(now=2.0, events=[IDLE]),
            store.commit(now=2.0, jobs=[job("x")], events=[IDLE], idempotency=taken),
            store.commit(now=float("nan"), jobs=[job("y")], events=[IDLE]),
            store.commit(now=2.0, events=[IDLE]),
            return_exceptions=True,
        )
        assert [type(result) for result in results] == [
            tuple,
            KeyTakenError,
            StoreWriteError,
            tuple,
        ]
        assert [event.seq for event in await store.events_after(0, 9)] == [1, 2]
        assert (await store.load()).jobs == ()


async def test_a_key_serves_once_in_24_hours(path: Path) -> None:
    async with SqliteStore.open(path) as store:
        first, second = Idempotency("1:k", "d", "a"), Idempotency("1:k", "d", "b")
        assert await store.idempotency("1:k", 0.0) is None
        await store.commit(now=0.0, idempotency=first)
        assert await store.idempotency("1:k", 86399.0) == first
        with pytest.raises(KeyTakenError) as caught:
            await store.commit(now=86399.0, idempotency=second)
        assert caught.value.taken == first
        assert await store.idempotency("1:k", 86400.0) is None
        await store.commit(now=86400.0, idempotency=second)
        assert await store.idempotency("1:k", 86401.0) == second


async def test_of_two_commits_at_once_with_one_key_one_is_kept(path: Path) -> None:
    async with SqliteStore.open(path) as store:
        results = await asyncio.gather(
            *(
                store.commit(now=1.0, jobs=[job(name)], idempotency=Idempotency("k", "d", name))
                for name in "abc"
            ),
            return_exceptions=True,
        )
        assert sorted(type(result).__name__ for result in results) == [
            "KeyTakenError",
            "KeyTakenError",
            "tuple",
        ]
        [kept] = (await store.load()).jobs
        assert await store.idempotency("k", 1.0) == Idempotency("k", "d", kept.job_id)


async def test_a_cancelled_caller_does_not_undo_a_commit(path: Path) -> None:
    async with SqliteStore.open(path) as store:
        begun = asyncio.create_task(store.commit(now=1.0, jobs=[job("a")], events=[IDLE]))
        await asyncio.sleep(0)
        begun.cancel()
        with pytest.raises(asyncio.CancelledError):
            await begun
        await store.wait_newer(0)
        assert store.newest_seq() == 1
        assert (await store.load()).jobs == (job("a"),)


async def test_waiters_wake_at_the_commit_and_not_before(path: Path) -> None:
    async with SqliteStore.open(path) as store:
        waiting = [asyncio.create_task(store.wait_newer(n)) for n in (0, 0, 1)]
        await store.commit(now=1.0, jobs=[job("a")])
        assert not any(task.done() for task in waiting)
        await store.commit(now=1.0, events=[IDLE])
        await asyncio.wait_for(asyncio.gather(*waiting[:2]), 5)
        assert not waiting[2].done()
        waiting[2].cancel()
        await asyncio.wait([waiting[2]])
        await store.wait_newer(0)


async def test_a_waiter_is_told_when_the_state_is_closed(path: Path) -> None:
    async with SqliteStore.open(path) as store:
        waiting = asyncio.create_task(store.wait_newer(0))
        await asyncio.sleep(0)
    with pytest.raises(StoreError, match="closed"):
        await waiting
    for call in (store.load(), store.commit(now=1.0, events=[IDLE]), store.cursor("log")):
        with pytest.raises(StoreError, match="closed"):
            await call
    await store.close()


async def test_closing_writes_what_was_begun(path: Path) -> None:
    async with SqliteStore.open(path) as store:
        begun = [asyncio.create_task(store.commit(now=1.0, events=[IDLE])) for _ in range(100)]
        await asyncio.sleep(0)
    assert len(await asyncio.gather(*begun)) == 100
    async with SqliteStore.open(path) as store:
        assert store.newest_seq() == 100


async def test_a_cursor_goes_forward_only(path: Path) -> None:
    async with SqliteStore.open(path) as store:
        await store.commit(now=1.0, events=[IDLE] * 5)
        assert await store.cursor("log") == 0
        await store.set_cursor("log", 4)
        await store.set_cursor("log", 2)
        await store.set_cursor("mqtt", 1)
        assert (await store.cursor("log"), await store.cursor("mqtt")) == (4, 1)
        with pytest.raises(StoreError, match="past the newest"):
            await store.set_cursor("log", 6)


async def test_numbers_are_not_given_again_after_all_events_were_removed(path: Path) -> None:
    async with SqliteStore.open(path) as store:
        await store.commit(now=1.0, events=[IDLE] * 3)
        assert await store.prune(before=9.0, keep_after=3) == 3
        assert await store.oldest_seq() == 4
    async with SqliteStore.open(path) as store:
        assert (store.newest_seq(), await store.oldest_seq()) == (3, 4)
        [event] = await store.commit(now=9.0, events=[IDLE])
        assert event.seq == 4


async def test_prune_keeps_what_is_young_or_undelivered_and_opens_no_gap(path: Path) -> None:
    async with SqliteStore.open(path) as store:
        for now in (1.0, 2.0, 50.0, 3.0, 51.0):
            await store.commit(now=now, events=[IDLE])
        assert await store.prune(before=10.0, keep_after=1) == 1
        # Event 4 is as old, but behind a younger one: the clock went back.
        assert await store.prune(before=10.0, keep_after=5) == 1
        assert [event.seq for event in await store.events_after(0, 9)] == [3, 4, 5]
        assert await store.prune(before=10.0, keep_after=5) == 0


async def test_prune_of_many_goes_in_steps(path: Path) -> None:
    async with SqliteStore.open(path) as store:
        await store.commit(now=1.0, events=[IDLE] * 12_000)
        assert await store.prune(before=2.0, keep_after=11_000) == 11_000
        assert await store.oldest_seq() == 11_001


async def test_what_json_cannot_carry_is_refused_before_it_is_written(path: Path) -> None:
    spec = job("a").spec
    bad = (
        {"jobs": [replace(job("a"), created_at=float("nan"))]},
        {"jobs": [replace(job("a"), spec=replace(spec, name="\ud800"))]},
        {"instances": [Instance("i-1", next_look_at=float("inf"))]},
        {"events": [NewEvent(EventType.INSTANCE_IDLE, data={"x": object()})]},
        {"events": [NewEvent(EventType.INSTANCE_IDLE, "\udcff")]},
    )
    async with SqliteStore.open(path) as store:
        for change in bad:
            with pytest.raises(StoreError, match="cannot be stored"):
                await store.commit(now=1.0, **change)  # type: ignore[arg-type]
        assert store.newest_seq() == 0
        assert await store.load() == Snapshot((), ())


async def test_another_program_reads_the_state_meanwhile(path: Path) -> None:
    async with SqliteStore.open(path) as store:
        await store.commit(now=1.0, events=[IDLE])
        with closing(sqlite3.connect(path)) as other:
            other.execute("BEGIN")
            assert other.execute("SELECT count(*) FROM events").fetchone() == (1,)
            await store.commit(now=1.0, events=[IDLE])
            other.execute("ROLLBACK")
