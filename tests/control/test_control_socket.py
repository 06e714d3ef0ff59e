from __future__ import annotations

import asyncio
import os
import socket
import stat
import sys
from pathlib import Path

import pytest
from serving import Served, config_at, serve
from standin import A, StandIn

from supervisor.control.listening import SocketError, SocketInUseError, open_socket
from supervisor.control.server import ControlServer


def bound(path: Path) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX)
    sock.bind(str(path))
    return sock


async def test_the_socket_has_its_mode_and_goes_at_the_end(
    tmp_path: Path, standin: StandIn
) -> None:
    async with serve(tmp_path, standin, 'socket_mode = "0640"') as served:
        assert stat.S_IMODE(served.path.stat().st_mode) == 0o640
    assert not served.path.exists()


async def test_a_stale_socket_is_replaced(tmp_path: Path, standin: StandIn) -> None:
    bound(tmp_path / "control.sock").close()
    assert (tmp_path / "control.sock").exists()
    async with serve(tmp_path, standin) as served:
        assert (await served.ask("GET", "/healthz")).status == 200


async def test_a_live_socket_is_left_alone(served: Served) -> None:
    second = ControlServer(served.standin, config_at(served.path))
    with pytest.raises(SocketInUseError) as caught:
        await second.run()
    assert "another process answers" in caught.value.lines()[0]
    assert caught.value.next_steps
    assert not second.listening.is_set()
    assert (await served.ask("GET", "/healthz")).status == 200


def test_a_socket_whose_queue_is_full_is_live(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with bound(path) as sock:
        sock.listen(0)
        clients = [socket.socket(socket.AF_UNIX) for _ in range(3)]
        for client in clients:
            client.setblocking(False)
            client.connect_ex(str(path))
        with pytest.raises(SocketInUseError):
            open_socket(str(path), 0o666)
        for client in clients:
            client.close()


def test_what_is_no_socket_is_never_removed(tmp_path: Path) -> None:
    path = tmp_path / "data"
    path.write_text("precious")
    with pytest.raises(SocketError, match="no socket"):
        open_socket(str(path), 0o666)
    assert path.read_text() == "precious"


def test_a_directory_that_cannot_be_written_is_a_clear_error() -> None:
    with pytest.raises(SocketError) as caught:
        open_socket("/proc/none/control.sock", 0o666)
    assert "/proc/none" in caught.value.lines()[1]


def test_a_path_that_is_too_long_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(SocketError, match="too long"):
        open_socket(str(tmp_path / ("x" * 120)), 0o666)


def test_the_directory_is_made(tmp_path: Path) -> None:
    opened = open_socket(str(tmp_path / "run" / "c.sock"), 0o666)
    opened.sock.close()
    opened.remove()
    assert list((tmp_path / "run").iterdir()) == []


async def test_another_ones_socket_is_not_removed_at_the_end(
    tmp_path: Path, standin: StandIn
) -> None:
    server = ControlServer(standin, config_at(tmp_path / "c.sock"))
    task = asyncio.create_task(server.run())
    await server.listening.wait()
    (tmp_path / "c.sock").unlink()
    with bound(tmp_path / "c.sock"):
        task.cancel()
        await asyncio.wait([task])
        assert (tmp_path / "c.sock").exists()


_ACTIVATED = """
import asyncio, os, sys
sys.path.insert(0, sys.argv[2])
os.dup2(int(sys.argv[3]), 3)
os.environ["LISTEN_PID"] = str(os.getpid())
from serving import config_at
from standin import StandIn
from pathlib import Path
from supervisor.control.server import ControlServer

async def main():
    server = ControlServer(StandIn(), config_at(Path(sys.argv[1])))
    task = asyncio.create_task(server.run())
    await server.listening.wait()
    assert "LISTEN_FDS" not in os.environ
    await asyncio.to_thread(sys.stdin.read)
    task.cancel()
    await asyncio.wait([task])

asyncio.run(main())
"""


async def test_systemds_socket_is_taken_and_left(tmp_path: Path) -> None:
    path = tmp_path / "c.sock"
    with bound(path) as sock:
        sock.listen()
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", _ACTIVATED, str(path), str(Path(__file__).parent)),
            str(sock.fileno()),
            stdin=asyncio.subprocess.PIPE,
            pass_fds=(sock.fileno(),),
            env={**os.environ, "LISTEN_FDS": "1"},
        )
        reader, writer = await asyncio.open_unix_connection(str(path))
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert b"200 OK" in await reader.read()
        writer.close()
        assert process.stdin is not None
        process.stdin.close()
        assert await process.wait() == 0
    assert path.exists()


async def test_a_request_under_way_is_answered_when_the_server_stops(
    tmp_path: Path, standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    entered, release = asyncio.Event(), asyncio.Event()
    poll = standin.poll

    async def slow(instance_id: str) -> object:
        entered.set()
        await release.wait()
        return await poll(instance_id)

    monkeypatch.setattr(standin, "poll", slow)
    server = ControlServer(standin, config_at(tmp_path / "c.sock"))
    running = asyncio.create_task(server.run())
    await server.listening.wait()
    served = Served(tmp_path / "c.sock", standin, server)
    asking = asyncio.create_task(served.ask("POST", f"/v1/instances/{A}/poll"))
    await entered.wait()
    running.cancel()
    asyncio.get_running_loop().call_later(0.1, release.set)
    assert (await asking).status == 200
    await asyncio.wait([running])
