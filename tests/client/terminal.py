"""Running `jobctl` on a terminal of its own (a pty), as a person sees it."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import struct
import termios
from dataclasses import dataclass, field

from serving import BIN, Served


def _environment() -> dict[str, str]:
    """Leave out what would tell of another terminal than ours."""
    hidden = ("COLUMNS", "LINES", "NO_COLOR")
    return {name: value for name, value in os.environ.items() if name not in hidden}


@dataclass
class Terminal:
    process: asyncio.subprocess.Process
    master: int
    seen: bytearray = field(default_factory=bytearray)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    @classmethod
    async def run(cls, served: Served, *words: str, columns: int = 120, **env: str) -> Terminal:
        """Run jobctl."""
        jobctl = (str(BIN / "jobctl"), "--socket", str(served.path))
        return await cls.start(*jobctl, *words, columns=columns, **env)

    @classmethod
    async def start(cls, *command: str, columns: int = 120, **env: str) -> Terminal:
        """Run any command."""
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**_environment(), "TERM": "xterm", **env},
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(slave)
        os.set_blocking(master, False)
        found = cls(process, master)
        asyncio.get_running_loop().add_reader(master, found._read)
        return found

    def _read(self) -> None:
        try:
            data = os.read(self.master, 65536)
        except OSError:  # EIO: nobody has the other end any more
            data = b""
        if data:
            self.seen += data
        else:
            asyncio.get_running_loop().remove_reader(self.master)
        self.changed.set()

    async def until(self, text: str) -> None:
        """Wait until a text was shown."""
        while text.encode() not in self.seen:
            self.changed.clear()
            await asyncio.wait_for(self.changed.wait(), 20)

    def type(self, text: str) -> None:
        os.write(self.master, text.encode())

    async def end(self) -> tuple[int, str]:
        """Return the exit code and all that was shown."""
        code = await asyncio.wait_for(self.process.wait(), 20)
        self._read()
        asyncio.get_running_loop().remove_reader(self.master)
        os.close(self.master)
        return code, self.seen.decode()
