"""The socket itself: taken from systemd, or made where nobody listens already."""

from __future__ import annotations

import os
import socket
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from supervisor.errors import SupervisorError

_FIRST_INHERITED = 3
"""Where systemd's descriptors begin (sd_listen_fds(3))."""


class SocketError(SupervisorError):
    """Raised when the control socket cannot be opened."""


class SocketInUseError(SocketError):
    """Raised when another process answers on the control socket."""


@dataclass(frozen=True, slots=True)
class Listening:
    """A bound socket that nobody can connect to yet, or one from systemd."""

    sock: socket.socket
    path: str
    inode: int | None
    """Of the file that we made; ``None`` where it is somebody else's to remove."""

    def remove(self) -> None:
        """Remove the file, if it is still the one that we made."""
        with suppress(FileNotFoundError):
            if self.inode is not None and os.lstat(self.path).st_ino == self.inode:
                Path(self.path).unlink()


def open_socket(path: str, mode: int) -> Listening:
    """Take systemd's socket, or bind one at ``path``. It may block.

    Raises:
        SocketInUseError: somebody answers there.
        SocketError: it cannot be made.

    """
    inherited = _inherited()
    if inherited is not None:
        return Listening(inherited, str(inherited.getsockname()), None)
    try:
        return _bind(path, mode)
    except OSError as error:
        raise SocketError(
            f"cannot open the control socket {path}",
            error.strerror or str(error),
            (f"May this user write in {Path(path).parent}?   ls -ld {Path(path).parent}",),
        ) from error


def _inherited() -> socket.socket | None:
    if os.environ.get("LISTEN_PID") != str(os.getpid()):
        return None
    count = os.environ.pop("LISTEN_FDS", "0")
    del os.environ["LISTEN_PID"]
    if count == "0":
        return None
    if count != "1":
        raise SocketError(
            "cannot use the sockets handed over by systemd",
            f"there are {count} of them, and one is expected",
            ("See the unit:   systemctl cat job-supervisor.socket",),
        )
    sock = socket.socket(fileno=_FIRST_INHERITED)
    if sock.family != socket.AF_UNIX or sock.type != socket.SOCK_STREAM:
        raise SocketError(
            "cannot use the socket handed over by systemd",
            "it is not a Unix stream socket",
            ("See the unit:   systemctl cat job-supervisor.socket",),
        )
    os.set_inheritable(_FIRST_INHERITED, False)
    sock.setblocking(False)
    return sock


def _bind(path: str, mode: int) -> Listening:
    _clear(path)
    Path(path).parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.bind(path)
        Path(path).chmod(mode)
        sock.setblocking(False)
        return Listening(sock, path, os.lstat(path).st_ino)
    except OSError:
        sock.close()
        raise


def _clear(path: str) -> None:
    """Remove a socket that nobody answers on any more."""
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(found.st_mode):
        raise SocketError(
            f"cannot open the control socket {path}",
            "another file is there, and no socket",
            (f"What is it?   ls -l {path}",),
        )
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        try:
            probe.connect(path)
        except (ConnectionRefusedError, FileNotFoundError):
            with suppress(FileNotFoundError):
                Path(path).unlink()
            return
        except (TimeoutError, BlockingIOError):
            pass  # its queue is full: somebody is there
    raise SocketInUseError(
        f"cannot open the control socket {path}",
        "another process answers there",
        (
            f"Which one?   ss -xlp src {path}",
            "Stop it:     systemctl stop job-supervisor",
        ),
    )
