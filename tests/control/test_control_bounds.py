from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from serving import Served, read_answer, serve, until
from standin import A, StandIn, a_job

from supervisor.control.bounds import Limits

SMALL = Limits(
    header_seconds=0.3,
    body_seconds=0.3,
    idle_seconds=0.3,
    connections=6,
    connections_a_user=5,
    requests=4,
    requests_a_user=3,
    followers=2,
    followers_a_user=1,
)
JOB = "k7m2pdaaaaaaaaaa"


async def opened(served: Served) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_unix_connection(str(served.path))


async def test_a_large_body_is_413(served: Served) -> None:
    body = b'{"command": ["' + b"a" * 300_000 + b'"]}'
    answer = await served.ask("POST", "/v1/jobs", body)
    assert (answer.status, answer.headers["connection"]) == (413, "close")
    assert "262144" in answer.json["detail"]


async def test_a_large_body_in_chunks_is_413(served: Served) -> None:
    chunk = b"%x\r\n%s\r\n" % (65536, b"a" * 65536)
    answer = await served.raw(
        b"POST /v1/jobs HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk * 6
    )
    assert answer.status == 413


async def test_just_under_the_bound_is_taken(served: Served) -> None:
    body = b'{"command": ["' + b"a" * 200_000 + b'"]}'
    assert (await served.ask("POST", "/v1/jobs", body)).status == 422


@pytest.mark.parametrize("sent", [b"", b"GET /healthz HTTP/1.1\r\nHost: x"])
async def test_headers_that_do_not_come_are_408(
    tmp_path: Path, standin: StandIn, sent: bytes
) -> None:
    async with serve(tmp_path, standin, limits=replace(SMALL, idle_seconds=20)) as served:
        reader, writer = await opened(served)
        writer.write(sent)
        answer = await read_answer(reader)
        assert (answer.status, answer.headers["connection"]) == (408, "close")
        assert answer.json["hints"]
        writer.close()


async def test_slow_headers_of_a_second_request_are_408(tmp_path: Path, standin: StandIn) -> None:
    limits = replace(SMALL, idle_seconds=20)
    async with serve(tmp_path, standin, limits=limits) as served:
        reader, writer = await opened(served)
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        await reader.readuntil(b'{"status":"ok"}')
        writer.write(b"GET /healthz")
        assert (await read_answer(reader)).status == 408
        writer.close()


async def test_a_body_that_does_not_come_is_408(tmp_path: Path, standin: StandIn) -> None:
    async with serve(tmp_path, standin, limits=SMALL) as served:
        reader, writer = await opened(served)
        writer.write(b"POST /v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{")
        assert (await read_answer(reader)).status == 408
        writer.close()


async def test_an_idle_connection_is_closed(tmp_path: Path, standin: StandIn) -> None:
    async with serve(tmp_path, standin, limits=SMALL) as served:
        reader, writer = await opened(served)
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        await reader.readuntil(b'{"status":"ok"}')
        assert await reader.read() == b""
        writer.close()


async def test_a_busy_connection_is_not_idle(tmp_path: Path, standin: StandIn) -> None:
    standin.put(a_job())
    standin.text[JOB] = b"a\n"
    async with serve(tmp_path, standin, limits=SMALL) as served:
        reader, writer = await opened(served)
        writer.write(b"GET /v1/events?after=0&follow=1 HTTP/1.1\r\nHost: x\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(1), 0.8)
        writer.close()


async def test_too_many_connections_of_one_user_are_429(tmp_path: Path, standin: StandIn) -> None:
    limits = replace(SMALL, header_seconds=30)
    async with serve(tmp_path, standin, limits=limits) as served:
        held = [await opened(served) for _ in range(5)]
        reader, writer = await opened(served)
        answer = await read_answer(reader)
        assert (answer.status, answer.headers["retry-after"]) == (429, "1")
        writer.close()
        for _, each in held:
            each.close()
            await each.wait_closed()
        while (await served.ask("GET", "/healthz")).status != 200:
            pass


async def test_too_many_in_all_are_503(tmp_path: Path, standin: StandIn) -> None:
    limits = replace(SMALL, header_seconds=30, connections=2, connections_a_user=5)
    async with serve(tmp_path, standin, limits=limits) as served:
        held = [await opened(served) for _ in range(2)]
        reader, writer = await opened(served)
        answer = await read_answer(reader)
        assert (answer.status, answer.headers["retry-after"]) == (503, "1")
        for each in (writer, *(each for _, each in held)):
            each.close()


async def test_too_many_requests_and_followers_are_refused_and_let_go(
    tmp_path: Path, standin: StandIn
) -> None:
    release = asyncio.Event()

    async def slow(instance_id: str) -> object:
        await release.wait()
        return standin.instance(instance_id)

    standin.poll = slow  # type: ignore[assignment, method-assign]
    limits = replace(SMALL, connections=50, connections_a_user=50)
    async with serve(tmp_path, standin, limits=limits) as served:
        requests = served.server._bounds._requests
        asking = [
            asyncio.create_task(served.ask("POST", f"/v1/instances/{A}/poll")) for _ in range(3)
        ]
        await until(lambda: requests.total == 3)
        refused = await served.ask("GET", "/v1/jobs")
        assert (refused.status, refused.headers["retry-after"]) == (429, "1")
        assert "3 requests under way" in refused.json["detail"]
        release.set()
        assert {(await each).status for each in asking} == {200}
        _, writer = await opened(served)
        writer.write(b"GET /v1/events?follow=1 HTTP/1.1\r\nHost: x\r\n\r\n")
        followers = served.server._bounds._followers
        await until(lambda: followers.total == 1)
        assert (await served.ask("GET", "/v1/events?follow=1")).status == 429
        assert requests.total == 0
        writer.close()
        await until(lambda: not followers.total)
        assert (requests.total, dict(requests.by_user)) == (0, {})


async def test_a_storm_of_requests_leaves_nothing_behind(served: Served) -> None:
    async def one(number: int) -> int:
        _, writer = await opened(served)
        writer.write(b"GET /v1/jobs HTTP/1.1\r\nHost: x\r\n\r\n"[: 3 * number])
        writer.close()
        return number

    await asyncio.gather(*(one(number) for number in range(40)))
    bounds = served.server._bounds
    await until(lambda: not (bounds._connections.total or bounds._requests.total))
    assert (await served.ask("GET", "/healthz")).status == 200
