"""The state file: made whole or not at all, opened, and refused when it is not what it should be.

Nothing here replaces or repairs a file: what cannot be read is left for a person.
"""

from __future__ import annotations

import os
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

from supervisor.store.port import StateDamagedError, StateTooNewError, StoreError, StoreWriteError
from supervisor.store.schema import VERSION, flaw, is_ours, migrate, version_of

_DAMAGE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


def make_directory(directory: Path) -> None:
    """Make the state's directory where there is none, for this user alone.

    Raises:
        StoreError: it cannot be made, or anybody could replace the files in it.

    """
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        mode = directory.stat().st_mode
    except OSError as error:
        raise StoreError(
            f"cannot use the directory {directory}",
            error.strerror or str(error),
            (f"Look at:   ls -ld {directory}", "Another place:   [store] path"),
        ) from error
    if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
        raise StoreError(
            f"cannot use the directory {directory}",
            "everybody may write in it, and so could replace the state",
            (f"Close it:   chmod go-w {directory}",),
        )


def open_state(path: Path) -> sqlite3.Connection:
    """Open the state for writing, made or migrated where due. The caller holds its lock.

    Raises:
        StateTooNewError: a newer version wrote it.
        StateDamagedError: it is not a whole state of ours.
        StoreError: it cannot be made or opened.

    """
    try:
        if not os.path.lexists(path):
            _create(path)
        _check_file(path)
        connection = connect(path)
    except OSError as error:
        raise StoreError(f"cannot open the state {path}", error.strerror or str(error)) from error
    except sqlite3.Error as error:
        raise read_error(path, error) from error
    try:
        _check_ours(connection, path)
        migrate(connection)
        _check_whole(connection, path)
    except sqlite3.Error as error:
        connection.close()
        raise read_error(path, error) from error
    except BaseException:
        connection.close()
        raise
    return connection


def connect(path: Path) -> sqlite3.Connection:
    """Open a database that is there; transactions are begun and ended by hand."""
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw",
        uri=True,
        timeout=10,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA journal_size_limit = 67108864")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _create(path: Path) -> None:
    """Make an empty state under another name, and move it into place once it is whole."""
    for suffix in ("-wal", "-shm"):
        left = path.with_name(path.name + suffix)
        if os.path.lexists(left):
            raise damaged(path, f"it is gone, but {left.name} is still there")
    new = path.with_name(path.name + ".new")
    for old in path.parent.glob(f"{path.name}.new*"):
        old.unlink(missing_ok=True)
    try:
        os.close(os.open(new, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        with closing(connect(new)) as connection:
            migrate(connection)
        new.rename(path)
        _sync_directory(path.parent)
    except sqlite3.Error as error:
        raise StoreWriteError(
            f"cannot make the state {path}",
            str(error),
            (f"Is the disk full, or read-only?   df -h {path.parent}",),
        ) from error


def _sync_directory(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _check_file(path: Path) -> None:
    found = path.lstat()
    if not stat.S_ISREG(found.st_mode):
        raise damaged(path, "it is no regular file")
    if found.st_uid != os.geteuid():
        raise StoreError(
            f"cannot use the state {path}",
            f"it belongs to uid {found.st_uid}, and this is uid {os.geteuid()}",
            ("Run as that user, or give the file to this one.",),
        )
    if found.st_size == 0:
        raise damaged(path, "it is empty")
    if found.st_mode & 0o077:
        path.chmod(0o600)


def _check_ours(connection: sqlite3.Connection, path: Path) -> None:
    if not is_ours(connection):
        raise damaged(path, "it is a database, but no state of job-supervisor")
    found = version_of(connection)
    if found > VERSION:
        raise StateTooNewError(
            f"the state {path} was written by a newer version",
            f"its schema is {found}, this version knows {VERSION}",
            ("Install that version again, or restore a backup of this one's state.",),
        )


def _check_whole(connection: sqlite3.Connection, path: Path) -> None:
    wrong = flaw(connection)
    if wrong is not None:
        raise damaged(path, wrong)


def read_error(path: Path, error: sqlite3.Error) -> StoreError:
    """Return the error for something that SQLite could not read."""
    if _code(error) in _DAMAGE or "no such table" in str(error):
        return damaged(path, str(error))
    return StoreError(f"the state {path} could not be read", str(error))


def write_error(path: Path, error: sqlite3.Error) -> StoreError:
    """Return the error for a commit that SQLite did not do."""
    if _code(error) in _DAMAGE:
        return damaged(path, str(error))
    return StoreWriteError(
        f"the state {path} could not be written",
        f"{error}; nothing of this change was kept",
        (f"Is the disk full, or read-only?   df -h {path.parent}",),
    )


def _code(error: sqlite3.Error) -> int:
    """Return SQLite's primary result code, 0 where the error has none."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def damaged(path: Path, why: str) -> StateDamagedError:
    """Return the error for a state that is not what it should be."""
    return StateDamagedError(
        f"the state {path} is damaged",
        f"{why}. It is left as it is",
        (
            "Stop:                systemctl stop job-supervisor",
            f"Keep all of it:      mkdir {path}.damaged; mv {path} {path}-* {path}.damaged/",
            f"Restore a backup:    cp BACKUP {path}",
            "Without a backup:    start with none; jobs that run are found and adopted again",
        ),
    )
