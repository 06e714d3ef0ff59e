from __future__ import annotations

import asyncio
import json
from pathlib import Path

from serving import BIN, Served, serve
from standin import A, StandIn, a_job
from terminal import Terminal

from supervisor.domain.events import EventType, NewEvent
from supervisor.domain.model import JobState

JOB = "k7m2pdaaaaaaaaaa"


async def test_the_end_of_a_log_is_shown_harmless(served: Served) -> None:
    served.standin.put(a_job(name="resnet50"))
    served.standin.text[JOB] = b"a\n\x1b[31mred\xff \xe2\x80\xae\n" + b"1%\r2%\n"
    ran = await served.jobctl("logs", "resnet50")
    assert (ran.code, ran.out) == (0, "a\n\\x1b[31mred\\xff \\u202e\n1%\n2%\n")
    assert (await served.jobctl("logs", "-n", "1", JOB)).out == "1%\n2%\n"


async def test_raw_is_raw(served: Served) -> None:
    served.standin.put(a_job())
    served.standin.text[JOB] = bytes(range(256)) * 50
    process = await asyncio.create_subprocess_exec(
        *(BIN / "jobctl", "--socket", served.path, "logs", "--raw", "-n", "10000", JOB),
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    assert out == served.standin.text[JOB]


async def test_a_log_is_followed_to_the_jobs_end(served: Served) -> None:
    served.standin.put(a_job())
    served.standin.text[JOB] = b"one\n"
    terminal = await Terminal.run(served, "logs", "-f", JOB)
    await terminal.until("one")
    served.standin.text[JOB] += b"two\n"
    await served.standin.set(JOB)
    await terminal.until("two")
    await served.standin.set(JOB, state=JobState.COMPLETED)
    assert (await terminal.end())[0] == 0


async def test_following_goes_on_where_it_was_after_a_restart(
    tmp_path: Path, standin: StandIn
) -> None:
    standin.put(a_job())
    standin.text[JOB] = b"".join(b"line %d\n" % n for n in range(1000))
    async with serve(tmp_path, standin) as served:
        terminal = await Terminal.run(served, "logs", "-f", "-n", "2", JOB)
        await terminal.until("line 999")
    await terminal.until("supervisor is away")
    standin.text[JOB] += b"line 1000\n"
    async with serve(tmp_path, standin):
        await terminal.until("line 1000")
        await standin.set(JOB, state=JobState.COMPLETED)
        code, shown = await terminal.end()
    assert code == 0
    numbers = [int(line[5:]) for line in shown.splitlines() if line.startswith("line")]
    assert numbers == [998, 999, 1000]


async def test_logs_as_json(served: Served) -> None:
    served.standin.put(a_job(state=JobState.COMPLETED))
    served.standin.text[JOB] = b"a\x1b\nb"
    assert (await served.jobctl("logs", "--json", JOB)).json == {
        "job_id": JOB,
        "lines": ["a\x1b", "b"],
    }
    ran = await served.jobctl("logs", "--json", "-f", JOB)
    assert [json.loads(line)["line"] for line in ran.out.splitlines()] == ["a\x1b", "b"]


async def test_a_job_without_a_log_yet_is_a_clear_error(served: Served) -> None:
    served.standin.put(a_job(state=JobState.PENDING))
    ran = await served.jobctl("logs", "-f", JOB)
    assert ran.code == 1
    assert "no log yet" in ran.err


async def test_events_are_told_and_followed(tmp_path: Path, standin: StandIn) -> None:
    await standin.tell(NewEvent(EventType.JOB_STARTED, A, JOB, data={"pid": 1}))
    async with serve(tmp_path, standin) as served:
        whole = await served.jobctl("events", "--json")
        assert [event["seq"] for event in whole.json["items"]] == [1]
        assert "started, pid 1" in (await served.jobctl("events")).out
        assert (await served.jobctl("events", "--since", "1")).out == ""
        terminal = await Terminal.run(served, "events", "-f", "--since", "0")
        await terminal.until("job.started")
    await terminal.until("supervisor is away")
    await standin.tell(NewEvent(EventType.JOB_LOST, A, JOB, data={"reason": "rebooted"}))
    async with serve(tmp_path, standin):
        await terminal.until("lost (rebooted)")
        terminal.type("\x03")
        code, shown = await terminal.end()
    assert code == 130
    assert shown.count("job.started") == 1


async def test_following_begins_with_now(served: Served) -> None:
    await served.standin.tell(NewEvent(EventType.JOB_STARTED, A, JOB, data={"pid": 1}))
    terminal = await Terminal.run(served, "events", "-f", "--json")
    followers = served.server._followers
    while not followers._scopes:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    await served.standin.tell(NewEvent(EventType.JOB_LOST, A, JOB))
    await terminal.until("job.lost")
    terminal.type("\x03")
    _, shown = await terminal.end()
    assert "job.started" not in shown


async def test_events_that_are_gone_are_named(served: Served) -> None:
    for _ in range(5):
        await served.standin.tell(NewEvent(EventType.JOB_STARTED, A, JOB, data={"pid": 1}))
    served.standin.rows, served.standin.oldest = served.standin.rows[3:], 4
    ran = await served.jobctl("events", "--since", "1")
    assert ran.code == 1
    assert "no longer kept" in ran.err
    kept = await served.jobctl("events", "--json")
    assert [event["seq"] for event in kept.json["items"]] == [4, 5]
