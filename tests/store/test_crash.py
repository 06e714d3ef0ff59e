"""Killed at any moment: what was acknowledged is there, the rest is whole or absent."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
from pathlib import Path

from supervisor.store.sqlite import SqliteStore

WRITER = """
import asyncio, sys
from pathlib import Path
from supervisor.domain.events import EventType, NewEvent
from supervisor.domain.model import Job, LaunchSpec
from supervisor.store.sqlite import SqliteStore

async def one(store, worker):
    for n in range(100_000):
        name = f"{worker}-{n}"
        job = Job(name, LaunchSpec("i-1", ("true",), "/p", "/p"), 0, "root", 1.0)
        told = [NewEvent(EventType.JOB_REQUESTED, "i-1", name, data={"part": k}) for k in (1, 2)]
        stored = await store.commit(now=1.0, jobs=[job], events=told)
        print(name, *(event.seq for event in stored), flush=True)
        await store.set_cursor("log", stored[-1].seq)
        if n % 20 == 19:
            await store.prune(before=2.0, keep_after=stored[0].seq - 200)

async def main():
    async with SqliteStore.open(Path(sys.argv[1])) as store, asyncio.TaskGroup() as group:
        for worker in range(4):
            group.create_task(one(store, f"{sys.argv[2]}.{worker}"))

asyncio.run(main())
"""


async def killed_writer(path: Path, name: str, lines: int) -> list[list[str]]:
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", WRITER, str(path), name, stdout=subprocess.PIPE
    )
    assert child.stdout is not None
    told = [await child.stdout.readline() for _ in range(lines)]
    child.kill()
    told += (await child.stdout.read()).splitlines(keepends=True)
    await child.wait()
    return [line.decode().split() for line in told if line.endswith(b"\n")]


async def test_acknowledged_commits_survive_sigkill(path: Path) -> None:
    chance = random.Random(7)  # noqa: S311
    acknowledged: dict[str, tuple[int, int]] = {}
    for turn in range(5):
        lines = await killed_writer(path, str(turn), chance.randint(1, 150))
        acknowledged |= {name: (int(one), int(two)) for name, one, two in lines}
        async with SqliteStore.open(path) as store:
            jobs = {job.job_id for job in (await store.load()).jobs}
            oldest, newest = await store.oldest_seq(), store.newest_seq()
            events = await store.events_after(0, 1_000_000)
            assert await store.cursor("log") <= newest
        assert [event.seq for event in events] == [*range(oldest, newest + 1)]
        by_seq = {event.seq: event for event in events}
        assert acknowledged.keys() <= jobs
        for name, (one, two) in acknowledged.items():
            assert two == one + 1 <= newest
            for seq, part in ((one, 1), (two, 2)):
                if seq >= oldest:
                    assert (by_seq[seq].job_id, by_seq[seq].data) == (name, {"part": part})
        # Each transaction is whole: both events of a job, or the older one pruned.
        counted = [event.job_id for event in events]
        assert all(counted.count(name) == 2 for name in counted[1:])
