"""A disk that is full or read-only: told, nothing half-written, and on it goes afterwards."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from supervisor.domain.events import EventType, NewEvent
from supervisor.domain.model import Instance
from supervisor.store.port import StoreError, StoreWriteError
from supervisor.store.sqlite import SqliteStore

SMALL = NewEvent(EventType.INSTANCE_IDLE)
LARGE = NewEvent(EventType.INSTANCE_IDLE, data={"x": "x" * 100_000})


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    if os.geteuid() != 0:
        pytest.skip("needs root, to mount a small disk")
    place = tmp_path / "disk"
    place.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m,mode=0700", "small", place], check=False
    )
    if made.returncode:
        pytest.skip("mount is not allowed here")
    yield place
    subprocess.run(["umount", place], check=True)


async def test_a_full_disk_keeps_nothing_of_the_commit(small_disk: Path) -> None:
    path = small_disk / "state.db"
    async with SqliteStore.open(path) as store:
        await store.commit(now=1.0, events=[SMALL])
        with pytest.raises(StoreWriteError, match="could not be written") as caught:
            await store.commit(now=1.0, instances=[Instance("i-1")], events=[LARGE] * 20)
        assert "df -h" in caught.value.next_steps[0]
        assert store.newest_seq() == 1
        assert (await store.load()).instances == ()
        [event] = await store.commit(now=1.0, events=[SMALL])
        assert event.seq == 2
    async with SqliteStore.open(path) as store:
        assert [event.seq for event in await store.events_after(0, 9)] == [1, 2]


async def test_small_commits_of_a_group_are_kept_where_a_large_one_does_not_fit(
    small_disk: Path,
) -> None:
    async with SqliteStore.open(small_disk / "state.db") as store:
        results = await asyncio.gather(
            *(store.commit(now=1.0, events=[SMALL]) for _ in range(5)),
            store.commit(now=1.0, events=[LARGE] * 20),
            *(store.commit(now=1.0, events=[SMALL]) for _ in range(5)),
            return_exceptions=True,
        )
        assert [type(result) for result in results].count(StoreWriteError) == 1
        assert isinstance(results[5], StoreWriteError)
        assert [event.seq for event in await store.events_after(0, 99)] == [*range(1, 11)]


async def test_no_room_for_a_new_state_leaves_none(small_disk: Path) -> None:
    def fill() -> None:
        with pytest.raises(OSError, match="No space"):
            (small_disk / "ballast").write_bytes(b"x" * 2_000_000)

    await asyncio.to_thread(fill)
    with pytest.raises(StoreError):
        async with SqliteStore.open(small_disk / "state.db"):
            pass
    await asyncio.to_thread((small_disk / "ballast").unlink)
    async with SqliteStore.open(small_disk / "state.db") as store:
        assert (await store.commit(now=1.0, events=[SMALL]))[0].seq == 1


async def test_a_disk_that_became_read_only(small_disk: Path) -> None:
    path = small_disk / "state.db"
    async with SqliteStore.open(path) as store:
        await store.commit(now=1.0, events=[SMALL])
    await asyncio.to_thread(subprocess.run, ["mount", "-o", "remount,ro", small_disk], check=True)
    with pytest.raises(StoreError):
        async with SqliteStore.open(path):
            pass
