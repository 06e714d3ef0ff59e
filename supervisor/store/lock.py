"""One daemon at a time on one state: a lock on a file beside it, which names who holds it.

The lock is the kernel's (flock(2)) and goes with the process, however it ends. The number in the
file is for the message alone.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path

from supervisor.store.port import StateInUseError, StoreError


class StateLock:
    """Held from construction to ``release``; the kernel lets go of it when the process dies."""

    def __init__(self, state: Path) -> None:
        """Take the lock of a state file.

        Raises:
            StateInUseError: another process holds it.
            StoreError: the lock file cannot be opened.

        """
        path = state.with_name(state.name + ".lock")
        try:
            self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise StoreError(
                f"cannot open {path}",
                error.strerror or str(error),
                (f"Look at:   ls -ld {state.parent}",),
            ) from error
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(self._fd, 32, 0).decode(errors="replace").strip()
            self.release()
            if not isinstance(error, BlockingIOError):
                raise StoreError(f"cannot lock {path}", error.strerror or str(error)) from error
            raise _in_use(state, holder) from error
        # On a full disk the number is missing from a message; the lock is held all the same.
        with suppress(OSError):
            os.ftruncate(self._fd, 0)
            os.pwrite(self._fd, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Let go; a second time does nothing."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def _in_use(state: Path, holder: str) -> StateInUseError:
    known = holder.isdigit()
    return StateInUseError(
        f"the state {state} is in use",
        f"by the daemon with pid {holder}" if known else "by another process",
        (
            f"What is it?        ps -fp {holder}" if known else f"Who?   fuser -v {state}",
            "Another state:     [store] path",
        ),
    )
