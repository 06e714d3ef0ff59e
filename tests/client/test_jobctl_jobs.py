from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from serving import BIN, Served, serve
from standin import A, B, StandIn, a_job
from terminal import Terminal

from supervisor.domain.events import EventType, NewEvent
from supervisor.domain.model import JobState, Reason

JOB, OTHER = "k7m2pdaaaaaaaaaa", "q3x6w5aaaaaaaaaa"
HOSTILE = "[/foo]\x1b[2J\u202egpj"


async def test_a_launch_prints_the_id_alone_and_ps_lists_it(served: Served) -> None:
    ran = await served.jobctl(
        *("launch", A, "--project-dir", "/home/ubuntu/p", "--create", "--name", "first"),
        *("--env", "A=1=2", "--label", "team=vision", "--grace", "5", "--max-attempts", "2"),
        *("--resume-argument", "--resume", "--resume-argument", "{checkpoint}"),
        *("--", "python", "train.py", "--lr", "0.1"),
    )
    assert (ran.code, ran.err) == (0, "")
    job = served.standin.known[ran.out.strip()]
    assert job.spec.command == ("python", "train.py", "--lr", "0.1")
    assert (dict(job.spec.env), dict(job.spec.labels)) == ({"A": "1=2"}, {"team": "vision"})
    assert (job.spec.grace_seconds, job.spec.max_attempts, job.spec.create) == (5, 2, True)
    assert job.spec.resume_arguments == ("--resume", "{checkpoint}")
    listed = await served.jobctl("ps", "--mine", "--label", "team=vision", "--json")
    assert [item["job_id"] for item in listed.json["items"]] == [job.job_id]


async def test_a_launch_by_the_instances_name(served: Served) -> None:
    ran = await served.jobctl("launch", "gpu-3", "--project-dir", "/p", "--", "true")
    assert ran.code == 0
    assert (await served.jobctl("launch", "gpu-9", "--project-dir", "/p", "--", "x")).code == 4


async def test_a_dry_run_launches_nothing_and_says_why_not(served: Served) -> None:
    words = ("launch", A, "--project-dir", "/p", "--dry-run", "--", "echo", "a b")
    ran = await served.jobctl(*words)
    assert (ran.code, ran.out) == (0, f"would launch echo 'a b' in /p on {A}\n")
    assert served.standin.known == {}
    served.standin.put(a_job())
    ran = await served.jobctl("rerun", "--dry-run", JOB)
    assert (ran.code, "in use" in ran.err) == (1, True)


async def test_one_key_launches_once(served: Served) -> None:
    words = ("launch", A, "--project-dir", "/p", "--idempotency-key", "k", "--", "true")
    first, second = await served.jobctl(*words), await served.jobctl(*words)
    assert first.out == second.out
    assert len(served.standin.known) == 1


async def test_errors_have_three_parts_and_their_codes(served: Served) -> None:
    ran = await served.jobctl("launch", "i-0123456789", "--project-dir", "/p", "--", "true")
    assert (ran.code, ran.out) == (4, "")
    assert ran.err.splitlines() == [
        "jobctl: not launched on i-0123456789: it is not tracked",
        "  Track it first:   jobctl track i-0123456789",
    ]
    assert (await served.jobctl("launch", A, "--project-dir", "p", "--", "true")).code == 1
    assert (await served.jobctl("launch", A, "--", "true")).code == 2
    assert (
        await served.jobctl("launch", A, "--project-dir", "/p", "--env", "x", "--", "y")
    ).code == 2
    assert (await served.jobctl("show", "nope")).code == 4
    assert (await served.jobctl("shwo")).code == 2
    assert "show" in (await served.jobctl("shwo")).err


async def test_an_unreachable_supervisor_is_3_with_what_to_do(
    tmp_path: Path, served: Served
) -> None:
    for socket, why in (
        (tmp_path / "none", "there is no such socket"),
        (tmp_path, "nothing listens there"),
    ):
        ran = await served.jobctl("--socket", str(socket), "ps")
        assert ran.code == 3
        assert ran.err.splitlines() == [
            f"jobctl: cannot reach the supervisor at {socket}: {why}.",
            "  Is it running?    systemctl status job-supervisor",
            "  Another socket?   jobctl --socket PATH, or JOB_SUPERVISOR_SOCKET",
        ]


async def test_the_variable_names_the_socket(served: Served) -> None:
    process = await asyncio.create_subprocess_exec(
        *("env", f"JOB_SUPERVISOR_SOCKET={served.path}", BIN / "jobctl", "ps"),
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    assert out == b"no jobs.   All: jobctl ps --all\n"


async def test_without_a_terminal_words_are_whole_and_harmless(served: Served) -> None:
    served.standin.put(a_job(name=HOSTILE, last_line="x" * 300))
    ran = await served.jobctl("ps")
    assert JOB in ran.out
    assert A in ran.out
    assert "x" * 300 in ran.out
    assert "[/foo]\\x1b[2J\\u202egpj" in ran.out
    assert "\x1b" not in ran.out


async def test_ps_shows_what_lives_and_with_all_the_rest(served: Served) -> None:
    served.standin.put(a_job())
    served.standin.put(a_job(OTHER, state=JobState.FAILED, exit_code=3))
    assert OTHER not in (await served.jobctl("ps")).out
    assert OTHER in (await served.jobctl("ps", "--all")).out
    assert OTHER in (await served.jobctl("ps", "--state", "failed")).out


async def test_a_job_not_seen_lately_is_marked(served: Served) -> None:
    served.standin.add(A, reachable=False, unreachable_since=1.0)
    served.standin.put(a_job())
    out = (await served.jobctl("ps")).out
    assert "agent unreachable for" in out
    assert "1 job, 1 not seen lately." in out


async def test_on_a_terminal_lines_fit_and_ids_are_short(served: Served) -> None:
    served.standin.put(a_job(name=HOSTILE, last_line="x" * 300))
    for columns in (40, 80, 120):
        code, shown = await (await Terminal.run(served, "ps", columns=columns, NO_COLOR="1")).end()
        assert code == 0
        assert "\x1b" not in shown
        assert [line for line in shown.splitlines() if len(line) > columns] == []
        assert "k7m2pd " in shown
        assert JOB not in shown


async def test_colour_is_for_terminals_that_want_it(served: Served) -> None:
    served.standin.put(a_job())
    _, shown = await (await Terminal.run(served, "ps")).end()
    assert "\x1b[32mrunning\x1b[0m" in shown
    _, shown = await (await Terminal.run(served, "ps", TERM="dumb")).end()
    assert "\x1b" not in shown


async def test_show_tells_the_jobs_story(served: Served) -> None:
    served.standin.put(
        a_job(name="resnet50", state=JobState.FAILED, exit_code=3, ended_at=1_800_000_061.0)
    )
    await served.standin.tell(
        NewEvent(EventType.JOB_REQUESTED, A, JOB, data={"attempt": 1}),
        NewEvent(EventType.JOB_STARTED, A, OTHER, data={"pid": 1}),
        NewEvent(EventType.JOB_STARTED, A, JOB, data={"pid": 4821}),
        NewEvent(EventType.JOB_FAILED, A, JOB, data={"exit_code": 3}),
        NewEvent(EventType.PIDFILE_REMOVED, A, JOB, data={"reason": "completed"}),
    )
    out = (await served.jobctl("show", "resnet50")).out
    assert "failed (exit 3)" in out
    assert "gpu-3 (us-east-1a)" in out
    assert "started, pid 4821" in out
    assert "process gone, exit code 3: failed" in out
    assert "training.pid removed (completed)" in out
    assert "pid 1\n" not in out
    one = await served.jobctl("show", "--json", JOB)
    assert one.json["job_id"] == JOB


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"state": JobState.COMPLETED, "exit_code": 0}, 0),
        ({"state": JobState.FAILED, "exit_code": 3}, 3),
        ({"state": JobState.FAILED, "exit_code": 137, "signal": 9}, 137),
        ({"state": JobState.TERMINATED, "signal": 15}, 143),
        ({"state": JobState.LOST, "reason": Reason.REBOOTED}, 125),
        ({"state": JobState.FAILED, "reason": Reason.NOT_STARTED}, 125),
    ],
)
async def test_wait_exits_as_the_job_did(
    served: Served, fields: dict[str, object], code: int
) -> None:
    served.standin.put(a_job())
    waiting = asyncio.create_task(served.jobctl("wait", JOB))
    asyncio.get_running_loop().call_later(
        0.5,
        lambda: served.standin.put(a_job(**fields)),  # type: ignore[arg-type]
    )
    ran = await waiting
    assert ran.code == code
    assert str(fields["state"]) in ran.err


async def test_wait_for_several_exits_as_the_first_that_failed(served: Served) -> None:
    served.standin.put(a_job("a" * 16, state=JobState.COMPLETED, exit_code=0, labels={"r": "7"}))
    served.standin.put(a_job("b" * 16, state=JobState.FAILED, exit_code=4, labels={"r": "7"}))
    assert (await served.jobctl("wait", "a" * 16, "b" * 16)).code == 4
    ran = await served.jobctl("wait", "--label", "r=7", "--json")
    assert (ran.code, len(ran.json["items"])) == (4, 2)


async def test_whatever_fails_in_waiting_is_125(served: Served) -> None:
    served.standin.put(a_job())
    assert (await served.jobctl("wait", "--timeout", "0.1", JOB)).code == 125
    assert (await served.jobctl("wait", "nope")).code == 125
    assert (await served.jobctl("wait")).code == 125
    assert (await served.jobctl("wait", "--nonsense")).code == 125
    assert (await served.jobctl("--socket", "/nope", "wait", JOB)).code == 125


async def test_waiting_outlives_the_supervisor(tmp_path: Path, standin: StandIn) -> None:
    standin.put(a_job())
    async with serve(tmp_path, standin) as served:
        terminal = await Terminal.run(served, "wait", JOB)
        await terminal.until("waiting for k7m2pd")
    await terminal.until("cannot reach the supervisor")
    standin.put(a_job(state=JobState.FAILED, exit_code=7))
    async with serve(tmp_path, standin):
        assert (await terminal.end())[0] == 7


async def test_ctrl_c_ends_the_waiting_and_says_so(served: Served) -> None:
    served.standin.put(a_job())
    terminal = await Terminal.run(served, "wait", JOB)
    await terminal.until("Ctrl-C stops the waiting, not the job")
    terminal.type("\x03")
    code, shown = await terminal.end()
    assert code == 125
    assert "goes on" in shown
    assert served.standin.known[JOB].stop is None


async def test_launch_and_wait(served: Served) -> None:
    waiting = asyncio.create_task(
        served.jobctl("launch", A, "--project-dir", "/p", "--wait", "--", "false")
    )
    while not served.standin.known:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    job_id = next(iter(served.standin.known))
    await served.standin.set(job_id, state=JobState.FAILED, exit_code=1)
    assert (await waiting).code == 1


async def test_terminate_asks_for_the_end(served: Served) -> None:
    served.standin.put(a_job(labels={"r": "7"}))
    served.standin.put(a_job(OTHER, labels={"r": "7"}, state=JobState.COMPLETED, exit_code=0))
    ran = await served.jobctl("terminate", "--label", "r=7", "--dry-run")
    assert (ran.code, "would be asked" in ran.out) == (0, True)
    assert served.standin.known[JOB].stop is None
    ran = await served.jobctl("terminate", JOB, OTHER, "--grace", "3")
    assert "asked to end" in ran.out
    assert "is over already: completed (exit 0)" in ran.out
    stop = served.standin.known[JOB].stop
    assert stop is not None
    assert stop.grace_seconds == 3


async def test_anothers_job_is_asked_about(served: Served) -> None:
    served.standin.put(a_job(owner="alice\x1b[2J", owner_uid=1000))
    ran = await served.jobctl("terminate", JOB)
    assert (ran.code, "--yes" in ran.err) == (2, True)
    for answer, asked in (("n", False), ("y", True)):
        terminal = await Terminal.run(served, "terminate", JOB)
        await terminal.until("[y/N]")
        terminal.type(f"{answer}\n")
        code, shown = await terminal.end()
        assert code == (0 if asked else 1)
        assert "alice\\x1b[2J" in shown
        assert (served.standin.known[JOB].stop is not None) is asked
    assert (await served.jobctl("terminate", JOB, "--yes")).code == 0


async def test_names_beginnings_and_what_is_ambiguous(served: Served) -> None:
    served.standin.put(a_job())
    served.standin.put(a_job("k7m2pdbbbbbbbbbb", B, name="two"))
    assert (await served.jobctl("show", "two", "--json")).json["job_id"] == "k7m2pdbbbbbbbbbb"
    ran = await served.jobctl("show", "k7m2pd")
    assert ran.code == 4
    assert "fits 2 jobs" in ran.err
    assert JOB in ran.err


async def test_a_closed_pipe_is_no_traceback(served: Served) -> None:
    for number in range(200):
        served.standin.put(a_job(f"{'abcdefghij'[number % 10]}{number:015d}".replace("1", "l")))
    script = f"{BIN}/jobctl --socket {served.path} ps --json"
    process = await asyncio.create_subprocess_shell(
        f"{script} | head -1", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await process.communicate()
    assert (out, err) == (b"{\n", b"")
