"""A state is made whole, opened by one daemon, and never replaced where it cannot be read."""

# ruff: noqa: ASYNC240 - the tests prepare small files between their awaits

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from supervisor.domain.events import EventType, NewEvent
from supervisor.domain.model import Instance
from supervisor.store import files
from supervisor.store.port import StateDamagedError, StateInUseError, StateTooNewError, StoreError
from supervisor.store.schema import VERSION
from supervisor.store.sqlite import SqliteStore

IDLE = NewEvent(EventType.INSTANCE_IDLE)
DATA = Path(__file__).parent / "data"


async def fill(path: Path, events: int = 3) -> None:
    async with SqliteStore.open(path) as store:
        await store.commit(now=1.0, instances=[Instance("i-1")], events=[IDLE] * events)


def change(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def test_a_new_state_is_for_its_user_alone(path: Path) -> None:
    before = os.umask(0)
    try:
        async with SqliteStore.open(path) as store:
            await store.commit(now=1.0, events=[IDLE])
            assert mode(path.parent) == 0o700
            names = {found.name for found in path.parent.iterdir()}
            assert names == {"state.db", "state.db-wal", "state.db-shm", "state.db.lock"}
            assert {mode(found) for found in path.parent.iterdir()} == {0o600}
    finally:
        os.umask(before)


async def test_an_open_file_mode_is_closed(path: Path) -> None:
    await fill(path)
    path.chmod(0o644)
    async with SqliteStore.open(path):
        assert mode(path) == 0o600


async def test_a_second_daemon_is_told_who_has_it(path: Path) -> None:
    async with SqliteStore.open(path):
        with pytest.raises(StateInUseError, match=rf"by the daemon with pid {os.getpid()}"):
            async with SqliteStore.open(path):
                pass
    async with SqliteStore.open(path):
        pass


async def test_the_lock_goes_with_the_process(path: Path) -> None:
    code = f"""
import asyncio, os, signal
from pathlib import Path
from supervisor.store.sqlite import SqliteStore
async def main():
    async with SqliteStore.open(Path({str(path)!r})):
        print("open", flush=True)
        os.kill(os.getpid(), signal.SIGSTOP)
asyncio.run(main())
"""
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=subprocess.PIPE)
    assert child.stdout is not None
    assert await child.stdout.readline() == b"open\n"
    with pytest.raises(StateInUseError, match=f"pid {child.pid}"):
        async with SqliteStore.open(path):
            pass
    child.send_signal(signal.SIGKILL)
    await child.wait()
    async with SqliteStore.open(path):
        pass


async def test_one_cancelled_while_opening_leaves_no_lock(path: Path) -> None:
    async def use() -> None:
        async with SqliteStore.open(path):
            await asyncio.sleep(60)

    for delay in (0, 0.001, 0.005, 0.02):
        opening = asyncio.create_task(use())
        await asyncio.sleep(delay)
        opening.cancel()
        await asyncio.wait([opening])
        async with SqliteStore.open(path):
            pass


async def test_a_newer_version_is_refused_and_untouched(path: Path) -> None:
    await fill(path)
    change(path, f"PRAGMA user_version = {VERSION + 1}")
    before = path.read_bytes()
    with pytest.raises(StateTooNewError, match=f"its schema is {VERSION + 1}"):
        async with SqliteStore.open(path):
            pass
    assert path.read_bytes() == before


async def test_every_released_version_still_loads(path: Path) -> None:
    for dump in sorted(DATA.glob("state-v*.sql")):
        path.parent.mkdir(mode=0o700, exist_ok=True)
        path.unlink(missing_ok=True)
        with closing(sqlite3.connect(path)) as connection:
            connection.executescript(dump.read_text(encoding="utf-8"))
        async with SqliteStore.open(path) as store:
            snapshot = await store.load()
            assert [job.job_id for job in snapshot.jobs] == ["abcdefghijklmnop"]
            assert snapshot.jobs[0].spec.labels == {"team": "vision"}
            assert [item.instance_id for item in snapshot.instances] == ["i-0123456789abcdef0"]
            assert [event.seq for event in await store.events_after(0, 9)] == [2, 3]
            assert store.newest_seq() == 3
            assert await store.cursor("log") == 2


async def damaged(path: Path, match: str = ".") -> None:
    """Expect a refusal that says how to restore, and every file left as it was."""
    kept = {item: item.read_bytes() for item in path.parent.iterdir() if item.is_file()}
    with pytest.raises(StateDamagedError, match=match) as caught:
        async with SqliteStore.open(path) as store:
            await store.load()
    assert "Restore a backup" in " ".join(caught.value.next_steps)
    for item, content in kept.items():
        if item.suffix != ".lock":
            assert item.read_bytes() == content


async def test_an_empty_file_is_damaged(path: Path) -> None:
    await fill(path)
    path.write_bytes(b"")
    await damaged(path, "it is empty")


async def test_text_in_its_place_is_damaged(path: Path) -> None:
    await fill(path)
    path.write_text("[mqtt]\n" * 1000)
    await damaged(path, "not a database")


async def test_another_database_is_no_state(path: Path) -> None:
    path.parent.mkdir(mode=0o700)
    change(path, "CREATE TABLE jobs (x)")
    with pytest.raises(StateDamagedError, match="no state of job-supervisor"):
        async with SqliteStore.open(path):
            pass


async def test_a_truncated_file_is_damaged(path: Path) -> None:
    await fill(path, 2000)
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)
    await damaged(path)


async def test_an_overwritten_page_is_damaged(path: Path) -> None:
    await fill(path, 2000)
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2 // 4096 * 4096)
        file.write(os.urandom(8192))
    await damaged(path)


async def test_missing_events_are_damage(path: Path) -> None:
    await fill(path, 9)
    change(path, "DELETE FROM events WHERE seq = 5")
    await damaged(path, "events are missing")


async def test_a_document_that_is_none_is_damage_and_named(path: Path) -> None:
    await fill(path)
    change(path, "UPDATE instances SET document = X'7B7D'")
    await damaged(path, "instance_id")


async def test_a_log_without_its_state_is_not_taken_for_a_new_one(path: Path) -> None:
    await fill(path)
    path.rename(path.with_name("elsewhere"))
    path.with_name("state.db-wal").write_bytes(b"x")
    await damaged(path, "is gone")
    assert not path.exists()


async def test_a_link_is_refused(path: Path) -> None:
    await fill(path)
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")
    await damaged(path, "no regular file")


async def test_one_killed_while_making_it_is_made_anew(path: Path) -> None:
    path.parent.mkdir(mode=0o700)
    for name in ("state.db.new", "state.db.new-wal", "state.db.new-journal"):
        path.with_name(name).write_bytes(b"half")
    await fill(path)
    assert not list(path.parent.glob("*.new*"))


async def test_a_directory_open_to_everybody_is_refused(path: Path) -> None:
    path.parent.mkdir()
    path.parent.chmod(0o777)
    with pytest.raises(StoreError, match="everybody may write"):
        async with SqliteStore.open(path):
            pass


async def test_a_path_below_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot use the directory"):
        async with SqliteStore.open(tmp_path / "file" / "state.db"):
            pass


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to give the file away")
async def test_somebody_elses_file_is_refused(path: Path) -> None:
    await fill(path)
    os.chown(path, 65534, 65534)
    with pytest.raises(StoreError, match="belongs to uid 65534"):
        async with SqliteStore.open(path):
            pass


async def test_a_migration_that_fails_is_taken_back(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(path)
    broken = ("CREATE TABLE extra (x)", "CREATE TABLE jobs (x)")
    monkeypatch.setattr("supervisor.store.schema.MIGRATIONS", (None, broken))
    monkeypatch.setattr("supervisor.store.schema.VERSION", 2)
    monkeypatch.setattr(files, "VERSION", 2)
    with pytest.raises(StoreError, match="already exists"):
        async with SqliteStore.open(path):
            pass
    monkeypatch.undo()
    async with SqliteStore.open(path) as store:
        assert store.newest_seq() == 3
    with closing(sqlite3.connect(path)) as connection:
        names = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
    assert "extra" not in names
