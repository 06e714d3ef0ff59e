"""What people see, as it was when it was last looked at. Renew: SNAPSHOTS=write pytest …"""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

import pytest
from serving import Served
from standin import A, B, Checkpoint, a_job
from terminal import Terminal

from supervisor.client.main import COMMANDS
from supervisor.domain.events import EventType, NewEvent
from supervisor.domain.model import Actor, JobState

SNAPSHOTS = Path(__file__).parent / "snapshots"
JOB, OTHER = "k7m2pdaaaaaaaaaa", "q3x6w5aaaaaaaaaa"


def must_be_as_before(name: str, text: str) -> None:
    path = SNAPSHOTS / f"{name}.txt"
    if os.environ.get("SNAPSHOTS") == "write":
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    assert text == path.read_text()


def steady(text: str) -> str:
    """Replace what differs from day to day, and from host to host."""
    text = re.sub(r"\d\d:\d\d:\d\d", "HH:MM:SS", text.replace("\r\n", "\n"))
    text = re.sub(r"\d{4}-\d\d-\d\d", "YYYY-MM-DD", text)
    text = re.sub(r"\(uid \d+, pid \d+\)", "(uid U, pid P)", text)
    return re.sub(r"(?m)by [\w-]+(,|$| \(uid)", r"by USER\1", text)


@pytest.mark.parametrize("command", COMMANDS)
async def test_help_is_a_sentence_and_two_examples(served: Served, command: str) -> None:
    ran = await served.jobctl(command, "--help", COLUMNS="80")
    assert ran.code == 0
    examples = [line for line in ran.out.splitlines() if line.startswith(f"  jobctl {command}")]
    assert len(examples) == 2
    must_be_as_before(f"help-{command}", ran.out)


async def fill(served: Served) -> None:
    now = time.time()
    put, standin = served.standin.put, served.standin
    standin.add(A, name="gpu-3", availability_zone="us-east-1a", last_look_at=now - 130)
    standin.add(
        B, name="gpu-4", reachable=False, unreachable_since=now - 490, last_look_at=now - 490
    )
    seen = {"created_at": now - 8070, "started_at": now - 8065}
    put(a_job(name="resnet50", last_seen_at=now - 130, **seen))
    put(a_job(OTHER, B, name="[/foo]\x1b[2J\u202e", last_seen_at=now - 490, **seen))
    put(
        a_job(
            "c5dyr4aaaaaaaaaa",
            state=JobState.FAILED,
            exit_code=3,
            ended_at=now - 1000,
            last_seen_at=now - 1000,
            checkpoint=Checkpoint("/data/ck/epoch_90.pt", 1288490188, 180.0),
            labels={"team": "vision"},
            **seen,
        )
    )
    who = Actor(1001, 7731, "alice")
    await standin.tell(
        NewEvent(EventType.JOB_REQUESTED, A, JOB, who, {"attempt": 1}),
        NewEvent(EventType.JOB_LAUNCHING, A, JOB, data={"attempt": 1}),
        NewEvent(EventType.JOB_STARTED, A, JOB, data={"pid": 4821}),
        NewEvent(EventType.JOB_TERMINATE_REQUESTED, A, JOB, who, {"grace_seconds": 30}),
    )


@pytest.mark.parametrize("columns", [60, 120])
async def test_the_lists(served: Served, columns: int) -> None:
    await fill(served)
    for name, words in {
        "ps": ("ps",),
        "ps-all": ("ps", "--all"),
        "instances": ("instances",),
        "show": ("show", "resnet50"),
        "show-failed": ("show", "c5d"),
        "status": ("status",),
    }.items():
        terminal = await Terminal.run(served, *words, columns=columns, NO_COLOR="1")
        code, shown = await terminal.end()
        assert code == 0, shown
        must_be_as_before(f"{name}-{columns}", steady(shown))


async def test_without_a_terminal(served: Served) -> None:
    await fill(served)
    must_be_as_before("ps-pipe", steady((await served.jobctl("ps", "--all")).out))
    must_be_as_before("show-pipe", steady((await served.jobctl("show", JOB)).out))
