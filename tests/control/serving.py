"""A real server on a real socket, and ways to talk to it as others would."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from standin import StandIn

from supervisor.config import Config, parse_config
from supervisor.control.bounds import Limits
from supervisor.control.server import ControlServer

BIN = Path(sys.executable).parent


@dataclass
class Answered:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Ran:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class Served:
    path: Path
    standin: StandIn
    server: ControlServer

    async def ask(
        self, method: str, target: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> Answered:
        """Send one request over a connection of its own, and read the answer to its end."""
        payload = b"" if body is None else body if isinstance(body, bytes) else dump(body)
        lines = [f"{method} {target} HTTP/1.1", "Host: localhost", "Connection: close"]
        if body is not None:
            lines += ["Content-Type: application/json", f"Content-Length: {len(payload)}"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        return await self.raw("\r\n".join(lines).encode() + b"\r\n\r\n" + payload)

    async def raw(self, request: bytes) -> Answered:
        reader, writer = await asyncio.open_unix_connection(str(self.path))
        try:
            writer.write(request)
            return await read_answer(reader)
        finally:
            writer.close()

    async def jobctl(self, *words: str, stdin: bytes = b"", **env: str) -> Ran:
        """Run the installed command, without a terminal."""
        process = await asyncio.create_subprocess_exec(
            BIN / "jobctl",
            "--socket",
            str(self.path),
            *words,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, **env},
        )
        out, err = await asyncio.wait_for(process.communicate(stdin), 30)
        assert process.returncode is not None
        return Ran(process.returncode, out.decode(), err.decode())


async def until(condition: Callable[[], object]) -> None:
    """Let the loop turn until a condition holds."""
    while not condition():  # noqa: ASYNC110 - what is waited for has no event of its own
        await asyncio.sleep(0.001)


def dump(body: Any) -> bytes:
    return json.dumps(body).encode()


async def read_answer(reader: asyncio.StreamReader) -> Answered:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    status, *fields = head.split("\r\n")
    headers = {
        name.lower(): value for name, _, value in (item.partition(": ") for item in fields if item)
    }
    body = await reader.read()
    if headers.get("transfer-encoding") == "chunked":
        body = unchunked(body)
    return Answered(int(status.split()[1]), headers, body)


def unchunked(data: bytes) -> bytes:
    whole = b""
    while data:
        size, _, data = data.partition(b"\r\n")
        count = int(size, 16)
        if count == 0:
            assert data == b"\r\n"
            return whole
        whole, data = whole + data[:count], data[count + 2 :]
    raise AssertionError("the stream was cut")


@asynccontextmanager
async def serve(
    directory: Path,
    standin: StandIn,
    settings: str = "",
    limits: Limits | None = None,
) -> AsyncIterator[Served]:
    """Serve until the block ends; then everything of it must be gone."""
    path = directory / "control.sock"
    server = ControlServer(standin, config_at(path, settings), limits=limits)
    task = asyncio.create_task(server.run())
    waiting = asyncio.create_task(server.listening.wait())
    await asyncio.wait([task, waiting], return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if task.done():
        await task
    try:
        yield Served(path, standin, server)
    finally:
        task.cancel()
        await asyncio.wait([task])
        assert not path.exists()


def config_at(path: Path, settings: str = "") -> Config:
    """Make a configuration in which whoever runs the tests is an admin, unless told otherwise."""
    if "admins" not in settings:
        settings += f'\nadmins = ["root", "{os.getuid()}"]'
    return parse_config(f'[control]\nsocket = "{path}"\n{settings}', "test")
