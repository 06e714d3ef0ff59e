from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from serving import Served, read_answer, serve, until
from standin import A, StandIn, a_job

from supervisor.domain.events import EventType, NewEvent
from supervisor.domain.model import JobState

JOB = "k7m2pdaaaaaaaaaa"


async def tell(standin: StandIn, count: int, job_id: str | None = None) -> None:
    await standin.tell(*(NewEvent(EventType.JOB_STARTED, A, job_id) for _ in range(count)))


def seqs(text: bytes) -> list[int]:
    return [json.loads(line)["seq"] for line in text.splitlines()]


async def test_all_events_come_as_lines(served: Served) -> None:
    await tell(served.standin, 1201)
    answer = await served.ask("GET", "/v1/events?after=0")
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert seqs(answer.body) == list(range(1, 1202))
    event = json.loads(answer.body.splitlines()[0])
    assert set(event) == {
        "seq",
        "id",
        "time",
        "type",
        "instance_id",
        "job_id",
        "actor",
        "data",
    }
    assert event["actor"] == {"uid": -1, "pid": 0, "user": "job-supervisor"}


async def test_events_begin_and_end_where_asked(served: Served) -> None:
    await tell(served.standin, 10)
    assert seqs((await served.ask("GET", "/v1/events?after=7")).body) == [8, 9, 10]
    assert seqs((await served.ask("GET", "/v1/events?after=7&limit=2")).body) == [8, 9]
    assert (await served.ask("GET", "/v1/events?after=10")).body == b""
    assert (await served.ask("GET", "/v1/events?after=999")).body == b""


async def test_no_events_at_all_is_an_empty_answer(served: Served) -> None:
    answer = await served.ask("GET", "/v1/events?after=0")
    assert (answer.status, answer.body) == (200, b"")


async def test_before_the_oldest_kept_is_410_naming_it(served: Served) -> None:
    await tell(served.standin, 10)
    served.standin.oldest = 5
    answer = await served.ask("GET", "/v1/events?after=2")
    assert answer.status == 410
    assert "5" in answer.json["detail"]
    served.standin.rows = served.standin.rows[4:]
    assert seqs((await served.ask("GET", "/v1/events")).body) == [5, 6, 7, 8, 9, 10]


async def test_one_jobs_events_are_found_among_many(served: Served) -> None:
    served.standin.put(a_job(created_at=0.0))
    await tell(served.standin, 300)
    await tell(served.standin, 2, JOB)
    await tell(served.standin, 300)
    answer = await served.ask("GET", f"/v1/events?job_id={JOB}")
    assert seqs(answer.body) == [301, 302]
    assert (await served.ask("GET", "/v1/events?job_id=nope")).status == 404


class Following:
    """A stream that is read as it comes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def begin(cls, path: Path, target: str) -> Following:
        reader, writer = await asyncio.open_unix_connection(str(path))
        writer.write(f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        return cls(reader, writer)

    async def piece(self) -> bytes:
        size = int(await self.reader.readline(), 16)
        return (await self.reader.readexactly(size + 2))[:-2]

    async def close(self) -> None:
        self.writer.close()
        await self.writer.wait_closed()


async def test_a_follower_gets_headers_at_once_and_events_as_they_happen(served: Served) -> None:
    stream = await Following.begin(served.path, "/v1/events?after=0&follow=1")
    await tell(served.standin, 2)
    assert seqs(await stream.piece()) == [1, 2]
    await tell(served.standin, 1)
    assert seqs(await stream.piece()) == [3]
    await stream.close()


async def test_a_follower_of_everything_misses_nothing(served: Served) -> None:
    await tell(served.standin, 700)
    stream = await Following.begin(served.path, "/v1/events?after=0&follow")
    seen: list[int] = []
    for _ in range(20):
        await tell(served.standin, 50)
    while len(seen) < 1700:
        seen += seqs(await stream.piece())
    assert seen == list(range(1, 1701))
    await stream.close()


async def test_a_limit_ends_a_follower(served: Served) -> None:
    await tell(served.standin, 3)
    answer = await served.ask("GET", "/v1/events?after=0&follow=true&limit=2")
    assert seqs(answer.body) == [1, 2]


async def test_followers_end_cleanly_when_the_supervisor_stops(
    tmp_path: Path, standin: StandIn
) -> None:
    standin.put(a_job())
    standin.text[JOB] = b"hello\n"
    async with serve(tmp_path, standin) as served:
        events = await Following.begin(served.path, "/v1/events?follow=true")
        logs = await Following.begin(served.path, f"/v1/jobs/{JOB}/logs?follow=true")
        assert await logs.piece() == b"hello\n"
    for stream in (events, logs):
        assert await stream.reader.read() == b"0\r\n\r\n"
        await stream.close()


async def test_a_follower_that_leaves_is_let_go_of(served: Served) -> None:
    stream = await Following.begin(served.path, "/v1/events?follow=true")
    followers = served.server._followers
    assert len(followers._scopes) == 1
    await stream.close()
    await until(lambda: not followers._scopes)


async def test_a_follower_that_does_not_read_holds_up_nobody(served: Served) -> None:
    await tell(served.standin, 20_000)
    stuck = await Following.begin(served.path, "/v1/events?after=0&follow=true")
    assert (await served.ask("GET", "/healthz")).status == 200
    assert len(seqs((await served.ask("GET", "/v1/events?after=19000")).body)) == 1000
    await stuck.close()


async def test_the_tail_of_a_log_comes_as_it_is(served: Served) -> None:
    served.standin.put(a_job())
    served.standin.text[JOB] = b"".join(b"line %d \xff\x1b[31m\n" % n for n in range(300))
    whole = await served.ask("GET", f"/v1/jobs/{JOB}/logs")
    assert len(whole.body.splitlines()) == 100
    two = await served.ask("GET", f"/v1/jobs/{JOB}/logs?lines=2")
    assert two.body == b"line 298 \xff\x1b[31m\nline 299 \xff\x1b[31m\n"
    assert (await served.ask("GET", f"/v1/jobs/{JOB}/logs?lines=0")).body == b""


async def test_a_log_is_followed_until_its_job_is_over(served: Served) -> None:
    served.standin.put(a_job())
    served.standin.text[JOB] = b"a\n"
    stream = await Following.begin(served.path, f"/v1/jobs/{JOB}/logs?follow=true")
    assert await stream.piece() == b"a\n"
    served.standin.text[JOB] += b"b\n"
    await served.standin.set(JOB)
    assert await stream.piece() == b"b\n"
    await served.standin.set(JOB, state=JobState.COMPLETED)
    assert await stream.piece() == b""
    await stream.close()


async def test_what_fails_before_the_first_piece_is_a_problem(served: Served) -> None:
    served.standin.put(a_job(state=JobState.PENDING))
    answer = await served.ask("GET", f"/v1/jobs/{JOB}/logs?follow=true")
    assert answer.status == 409
    assert served.server._bounds._followers.total == 0
    assert served.server._bounds._requests.total == 0


async def test_what_fails_later_cuts_the_stream(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    await tell(served.standin, 3)
    stream = await Following.begin(served.path, "/v1/events?after=0&follow=true")
    assert seqs(await stream.piece()) == [1, 2, 3]
    served.standin.oldest = 100
    await tell(served.standin, 1)
    assert await stream.reader.read() == b""  # without the end of a whole stream
    await stream.close()


async def test_a_connection_serves_many_requests(served: Served) -> None:
    reader, writer = await asyncio.open_unix_connection(str(served.path))
    request = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    writer.write(request * 5 + request.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
    text = await reader.read()
    assert text.count(b'{"status":"ok"}') == 6
    writer.close()


async def test_curl_speaks_it(served: Served) -> None:
    process = await asyncio.create_subprocess_exec(
        *("curl", "-sS", "--unix-socket", str(served.path)),
        *("-d", '{"instance_id": "%s", "project_dir": "/x", "command": ["true"]}' % A),  # noqa: UP031
        "http://localhost/v1/jobs",
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    assert json.loads(out)["state"] == "pending"


async def test_an_expected_continue_is_given(served: Served) -> None:
    reader, writer = await asyncio.open_unix_connection(str(served.path))
    body = b'{"dry_run": true}'
    writer.write(
        b"POST /v1/instances/i-0c12c12c12c12c12c/track HTTP/1.1\r\nHost: x\r\n"
        b"Expect: 100-continue\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body)
    )
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100")
    writer.write(body)
    assert (await read_answer(reader)).status == 200
    writer.close()


async def test_a_stream_says_how_much_was_there_already(served: Served) -> None:
    served.standin.put(a_job())
    served.standin.text[JOB] = b"a\nb\n"
    answer = await served.ask("GET", f"/v1/jobs/{JOB}/logs?lines=1")
    assert answer.headers["tail-length"] == "2"
