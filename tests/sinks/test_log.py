"""Every event becomes one line, in order, once; and none is lost where writing is hard."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from pipes import Pipe

from supervisor.domain.events import EventType, NewEvent
from supervisor.domain.model import Actor
from supervisor.sinks.log import LogSink
from supervisor.sinks.logging_setup import Logging
from supervisor.store.sqlite import SqliteStore

IDLE = NewEvent(EventType.INSTANCE_IDLE, "i-0123456789abcdef0")
LOST = NewEvent(
    EventType.JOB_LOST, "i-0123456789abcdef0", "a", Actor(1000, 7, "ana"), {"reason": "rebooted"}
)


async def stopped(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task])


async def until_cursor(store: SqliteStore, seq: int) -> None:
    async with asyncio.timeout(10):
        while await store.cursor("log") < seq:  # noqa: ASYNC110 - the cursor tells nobody
            await asyncio.sleep(0.01)


async def test_a_line_for_each_event_with_what_a_reader_needs(
    path: Path, pipe: Pipe, to_pipe: Logging
) -> None:
    async with SqliteStore.open(path) as store:
        sink = LogSink(store, to_pipe)
        running = asyncio.create_task(sink.run())
        await store.commit(now=1700000000.25, events=[LOST])
        await store.commit(now=1700000001.0, events=[IDLE])
        await until_cursor(store, 2)
        await stopped(running)
        stored = await store.events_after(0, 9)
    first, second = await asyncio.to_thread(pipe.lines)
    assert list(first)[:3] == ["timestamp", "level", "event"]
    assert first.pop("timestamp").endswith("Z")
    assert first == {
        "level": "warning",
        "event": "job.lost",
        "seq": 1,
        "id": stored[0].id,
        "time": "2023-11-14T22:13:20.250000Z",
        "instance_id": "i-0123456789abcdef0",
        "job_id": "a",
        "actor": {"uid": 1000, "pid": 7, "user": "ana"},
        "data": {"reason": "rebooted"},
    }
    assert (second["level"], second["event"], second["job_id"]) == ("info", "instance.idle", None)


async def test_it_goes_on_where_it_was(path: Path, pipe: Pipe, to_pipe: Logging) -> None:
    pipe.open_up()
    for _ in range(3):
        async with SqliteStore.open(path) as store:
            running = asyncio.create_task(LogSink(store, to_pipe).run())
            await store.commit(now=1.0, events=[IDLE] * 250)
            await until_cursor(store, store.newest_seq())
            await stopped(running)
    lines = await asyncio.to_thread(pipe.lines)
    assert [line["seq"] for line in lines] == [*range(1, 751)]


async def test_a_stop_in_the_middle_repeats_and_loses_nothing(
    path: Path, pipe: Pipe, to_pipe: Logging
) -> None:
    async with SqliteStore.open(path) as store:
        sink = LogSink(store, to_pipe)
        running = asyncio.create_task(sink.run())
        # More than a pipe holds, and nobody reads: the sink is stuck in the middle of a batch.
        await store.commit(now=1.0, events=[IDLE] * 2000)
        await asyncio.sleep(0.2)
        assert 0 <= await store.cursor("log") < 2000
        await stopped(running)
        await sink.drain(patience=0.2)
        pipe.open_up()
        await sink.drain()
        assert await store.cursor("log") == 2000
    lines = await asyncio.to_thread(pipe.lines)
    assert [line["seq"] for line in lines] == [*range(1, 2001)]


async def test_a_full_pipe_leaves_the_loop_free(path: Path, pipe: Pipe, to_pipe: Logging) -> None:
    async with SqliteStore.open(path) as store:
        sink = LogSink(store, to_pipe)
        running = asyncio.create_task(sink.run())
        for _ in range(20):
            await store.commit(now=1.0, events=[IDLE] * 100)
            to_pipe.output.put("x" * 100_000)
        async with asyncio.timeout(1):
            await asyncio.sleep(0.1)
        await stopped(running)
        pipe.open_up()
        await sink.drain()
    text = await asyncio.to_thread(pipe.text)
    seqs = [json.loads(line)["seq"] for line in text.splitlines() if line.startswith("{")]
    assert seqs == [*range(1, 2001)]


async def test_lines_that_cannot_be_written_stay_in_the_store(
    path: Path, pipe: Pipe, to_pipe: Logging
) -> None:
    os.close(pipe.reads)
    async with SqliteStore.open(path) as store:
        await store.commit(now=1.0, events=[IDLE] * 3)
        sink = LogSink(store, to_pipe)
        running = asyncio.create_task(sink.run())
        await asyncio.sleep(0.1)
        assert not running.done()
        await stopped(running)
        await sink.drain()
        assert await store.cursor("log") == 0
    os.close(pipe.writes)


WRITER = """
import asyncio, sys
from pathlib import Path
from supervisor.domain.events import EventType, NewEvent
from supervisor.sinks.log import LogSink
from supervisor.sinks.logging_setup import set_up_logging
from supervisor.store.sqlite import SqliteStore

async def main():
    set_up_logging("error", "json")
    async with SqliteStore.open(Path(sys.argv[1])) as store, asyncio.TaskGroup() as group:
        group.create_task(LogSink(store).run())
        for _ in range(100_000):
            await store.commit(now=1.0, events=[NewEvent(EventType.INSTANCE_IDLE)] * 3)

asyncio.run(main())
"""


async def test_across_sigkill_every_event_is_logged_perhaps_twice(path: Path) -> None:
    lines: list[tuple[int, str]] = []
    for wanted in (50, 400, 5):
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-c", WRITER, str(path), stdout=subprocess.PIPE
        )
        assert child.stdout is not None
        told = [await child.stdout.readline() for _ in range(wanted)]
        child.kill()
        told += (await child.stdout.read()).splitlines(keepends=True)
        await child.wait()
        whole = (json.loads(line) for line in told if line.endswith(b"\n"))
        lines += [(line["seq"], line["id"]) for line in whole]
    async with SqliteStore.open(path) as store:
        cursor = await store.cursor("log")
        stored = [(event.seq, event.id) for event in await store.events_after(0, 1_000_000)]
    assert set(lines) >= {pair for pair in stored if pair[0] <= cursor}
    assert set(lines) <= set(stored)
    first = list(dict.fromkeys(lines))
    assert first == sorted(first)
