from __future__ import annotations

import json
import os
import pwd
from pathlib import Path

import pytest
from serving import Answered, Served, serve
from standin import A, B, StandIn, a_job

from supervisor.control import access as access_module
from supervisor.control.access import look_up
from supervisor.domain.access import Caller, Identity, Role, Rules, role_of, why_not
from supervisor.domain.model import Actor

needs_root = pytest.mark.skipif(os.getuid() != 0, reason="needs root, to become other users")
ALICE, BOB = 61001, 61002
"""Uids that no user of this host has."""


def identity(uid: int = 1000, name: str = "alice", *groups: str) -> Identity:
    return Identity(uid, name, frozenset(groups))


@pytest.mark.parametrize(
    ("who", "role"),
    [
        (identity(0, "root"), Role.ADMIN),
        (identity(1000, "alice", "ops"), Role.OPERATOR),
        (identity(1000, "alice", "ops", "viewers"), Role.OPERATOR),
        (identity(1000, "alice", "viewers"), Role.READER),
        (identity(1000, "alice", "staff"), Role.NOBODY),
        (identity(1007, "ops"), Role.NOBODY),  # a user of a group's name
        (identity(1008, "carol"), Role.ADMIN),
        (identity(1009, "dave"), Role.ADMIN),
    ],
)
def test_the_greatest_role_counts(who: Identity, role: Role) -> None:
    rules = Rules(("@viewers",), ("@ops",), ("root", "carol", "1009"))
    assert role_of(who, rules) is role


def test_a_star_is_everybody() -> None:
    assert role_of(identity(), Rules(("*",), (), ())) is Role.READER


def test_what_is_anothers_takes_an_admin() -> None:
    alice = Actor(1000, 1, "alice")
    operator, admin = Caller(alice, Role.OPERATOR), Caller(alice, Role.ADMIN)
    assert why_not(operator, Role.OPERATOR, [1000]) is None
    assert why_not(operator, Role.OPERATOR, []) is None
    assert "uid 1001" in str(why_not(operator, Role.OPERATOR, [1000, 1001]))
    assert why_not(operator, Role.OPERATOR, [-1]) is not None  # an adopted job
    assert why_not(admin, Role.OPERATOR, [1001, -1]) is None
    assert why_not(Caller(alice, Role.READER), Role.READER, [1001]) is None
    assert why_not(Caller(alice, Role.READER), Role.OPERATOR, [1000]) is not None


def test_the_hosts_own_groups_are_found() -> None:
    me = pwd.getpwnam("daemon")
    found = look_up(me.pw_uid, me.pw_gid)
    assert found.name == me.pw_name
    assert str(me.pw_gid) in found.groups


def test_a_uid_without_a_name_is_its_number() -> None:
    found = look_up(ALICE, ALICE)
    assert (found.name, found.groups) == (str(ALICE), frozenset({str(ALICE)}))


@pytest.fixture
def open_path(tmp_path: Path) -> Path:
    """Make a directory that other users can get through to."""
    path = tmp_path
    while path != Path("/tmp"):
        path.chmod(0o755)
        path = path.parent
    return tmp_path


async def as_user(served: Served, uid: int, *words: str) -> Answered:
    """Ask by curl, as another user."""
    import asyncio  # noqa: PLC0415

    process = await asyncio.create_subprocess_exec(
        *("setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups"),
        *("curl", "-sS", "--unix-socket", str(served.path), "-w", "\n%{http_code}"),
        *words[1:],
        f"http://localhost{words[0]}",
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    body, _, status = out.rpartition(b"\n")
    return Answered(int(status), {}, body)


LAUNCH = json.dumps({"instance_id": A, "project_dir": "/p", "command": ["true"]})


@needs_root
async def test_real_users_may_what_their_role_says(open_path: Path, standin: StandIn) -> None:
    rules = f'readers = ["@{BOB}"]\noperators = ["{ALICE}"]\nadmins = ["root"]'
    standin.add(B)
    standin.put(a_job(owner_uid=ALICE, owner=str(ALICE), created_at=1.0))
    standin.put(a_job("b" * 16, B, owner_uid=0))
    async with serve(open_path, standin, rules) as served:

        async def status(uid: int, *words: str) -> int:
            return (await as_user(served, uid, *words)).status

        end = "/v1/jobs/{}/terminate"
        mine, roots = end.format("k7m2pdaaaaaaaaaa"), end.format("b" * 16)
        for path in ("/v1/jobs", "/v1/instances", "/v1/events", "/v1/status"):
            assert await status(ALICE, path) == 200
            assert await status(BOB, path) == 200
            assert await status(61003, path) == 403
        for path in ("/healthz", "/v1/openapi.json"):
            assert await status(61003, path) == 200
        # a reader changes nothing
        for path in ("/v1/jobs", mine, f"/v1/instances/{A}/poll", f"/v1/instances/{A}/track"):
            assert await status(BOB, path, "-d", LAUNCH) == 403
        # an operator launches, and acts on what is theirs
        launched = await as_user(served, ALICE, "/v1/jobs", "-d", LAUNCH)
        assert (launched.status, launched.json["owner"]) == (202, str(ALICE))
        assert standin.rows[-1].actor.uid == ALICE
        assert standin.rows[-1].actor.pid > 0
        assert await status(ALICE, mine, "-d", "{}") == 202
        assert await status(ALICE, roots, "-d", "{}") == 403
        assert await status(ALICE, f"/v1/instances/{A}/stop", "-d", "{}") == 202
        for verb in ("stop", "start", "terminate", "untrack"):
            assert await status(ALICE, f"/v1/instances/{B}/{verb}", "-d", "{}") == 403
        assert standin.fleet[B].ec2_state == "running"
        # an admin does everything
        assert await status(0, roots, "-d", "{}") == 202
        assert await status(0, f"/v1/instances/{B}/stop", "-d", "{}") == 202


@needs_root
async def test_a_refusal_says_who_may(open_path: Path, standin: StandIn) -> None:
    async with serve(open_path, standin, f'operators = ["@ops"]\nreaders = ["{BOB}"]') as served:
        answer = await as_user(served, BOB, "/v1/jobs", "-d", LAUNCH)
    assert answer.status == 403
    assert answer.json["type"].endswith("forbidden")
    assert f"uid {BOB}" in answer.json["detail"]
    assert "you are a reader" in answer.json["detail"]
    assert "@ops, root" in answer.json["hints"][0]


@needs_root
async def test_one_who_may_not_learns_nothing_of_bodies_or_jobs(
    open_path: Path, standin: StandIn
) -> None:
    standin.put(a_job())
    async with serve(open_path, standin) as served:
        for path in ("/v1/jobs/k7m2pdaaaaaaaaaa", "/v1/jobs/nope", "/v1/jobs?bad=1"):
            answer = await as_user(served, BOB, path)
            assert answer.status == 403
        assert (await as_user(served, BOB, "/v1/jobs", "-d", "{")).status == 403


async def test_groups_are_asked_for_once_in_a_while(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def counting(uid: int, gid: int) -> Identity:
        asked.append(uid)
        return look_up(uid, gid)

    monkeypatch.setattr(access_module, "look_up", counting)
    for _ in range(3):
        assert (await served.ask("GET", "/v1/jobs")).status == 200
    assert len(asked) == 1
    now = served.server._access._clock()
    monkeypatch.setattr(served.server._access, "_clock", lambda: now + 31)
    await served.ask("GET", "/v1/jobs")
    assert len(asked) == 2


async def test_new_rules_count_at_once(served: Served) -> None:
    from serving import config_at  # noqa: PLC0415

    config = config_at(served.path, 'readers = []\noperators = []\nadmins = ["nobody"]')
    served.server.apply(config.control)
    assert (await served.ask("GET", "/v1/jobs")).status == 403
