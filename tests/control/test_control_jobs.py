from __future__ import annotations

import os
from typing import Any

import pytest
from serving import Served
from standin import ME, A, B, a_job

from supervisor.domain.model import JobState, OnEnd

BODY: dict[str, Any] = {"instance_id": A, "project_dir": "/home/ubuntu/p", "command": ["true"]}
FIELDS = """
    job_id instance_id state name owner command project_dir run_dir user labels pid exit_code
    signal reason attempt adopted created_at started_at ended_at last_seen_at last_line checkpoint
"""


async def test_a_launch_is_accepted_and_listed(served: Served) -> None:
    answer = await served.ask("POST", "/v1/jobs", BODY)
    assert answer.status == 202
    assert answer.json["state"] == "pending"
    listed = await served.ask("GET", "/v1/jobs?limit=1000")
    assert [item["job_id"] for item in listed.json["items"]] == [answer.json["job_id"]]
    assert listed.json["next_cursor"] is None


async def test_everything_in_a_launch_reaches_the_service(served: Served) -> None:
    body = {
        **BODY,
        "run_dir": "/run/x",
        "create": True,
        "name": "é",
        "user": "ubuntu",
        "env": {"A": "1"},
        "env_file": "/home/ubuntu/.env",
        "labels": {"team": "vision"},
        "checkpoint_dir": "/ck",
        "s3_uri": "s3://bucket/runs",
        "on_complete": "stop",
        "on_failure": "terminate",
        "timeout_seconds": 60,
        "grace_seconds": 5,
        "start_within_seconds": 100,
        "max_attempts": 3,
        "retry_on_failure": True,
        "resume_arguments": ["--resume", "{checkpoint}"],
        "resume_on": "tag:pool=spot",
    }
    assert (await served.ask("POST", "/v1/jobs", body)).status == 202
    spec, actor = served.standin.calls[0][1]
    assert (spec.run_dir, spec.name, spec.env["A"], spec.on_complete) == (
        "/run/x",
        "é",
        "1",
        OnEnd.STOP,
    )
    assert (spec.max_attempts, spec.resume_arguments) == (3, ("--resume", "{checkpoint}"))
    assert (actor.uid, actor.user) == (os.getuid(), ME)
    assert actor.pid > 0


async def test_the_run_directory_is_the_project_directory_unless_named(served: Served) -> None:
    answer = await served.ask("POST", "/v1/jobs", BODY)
    assert answer.json["run_dir"] == BODY["project_dir"]


async def test_a_job_document_has_the_fields_of_the_contract(served: Served) -> None:
    served.standin.put(a_job(name="resnet50", labels={"team": "vision"}))
    document = (await served.ask("GET", "/v1/jobs/k7m2pdaaaaaaaaaa")).json
    assert set(document) == set(FIELDS.split())
    assert document["state"] == "running"
    assert document["pid"] == 4821
    assert document["labels"] == {"team": "vision"}
    assert document["created_at"] == "2023-11-14T22:13:20.000Z"
    assert document["last_seen_at"] == "2023-11-14T22:13:22.500Z"
    assert document["exit_code"] is None


async def test_one_key_is_one_job_and_another_body_is_refused(served: Served) -> None:
    key = {"Idempotency-Key": "k1"}
    first = await served.ask("POST", "/v1/jobs", BODY, key)
    # Written in another order, with a default spelt out: the same request.
    again = dict(reversed([*BODY.items(), ("grace_seconds", 30)]))
    second = await served.ask("POST", "/v1/jobs", again, key)
    assert (second.status, second.json["job_id"]) == (202, first.json["job_id"])
    other = await served.ask("POST", "/v1/jobs", {**BODY, "command": ["false"]}, key)
    assert other.status == 422
    assert other.json["type"].endswith("unprocessable")


async def test_a_dry_run_launches_nothing(served: Served) -> None:
    answer = await served.ask(
        "POST", "/v1/jobs", {**BODY, "dry_run": True}, {"Idempotency-Key": "k"}
    )
    assert answer.status == 200
    assert served.standin.known == {}
    assert served.standin.keys == {}


async def test_an_instance_that_is_not_tracked_is_404_with_the_hint_to_track_it(
    served: Served,
) -> None:
    answer = await served.ask("POST", "/v1/jobs", {**BODY, "instance_id": "i-0123456789"})
    assert answer.status == 404
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert "jobctl track i-0123456789" in answer.json["hints"][0]


async def test_a_run_directory_in_use_is_409(served: Served) -> None:
    assert (await served.ask("POST", "/v1/jobs", BODY)).status == 202
    answer = await served.ask("POST", "/v1/jobs", BODY)
    assert (answer.status, answer.json["status"]) == (409, 409)
    assert "in use" in answer.json["detail"]


async def test_terminating_is_202_and_tells_who(served: Served) -> None:
    served.standin.put(a_job())
    path = "/v1/jobs/k7m2pdaaaaaaaaaa/terminate"
    assert (await served.ask("POST", path, {"dry_run": True})).status == 200
    assert served.standin.known["k7m2pdaaaaaaaaaa"].stop is None
    answer = await served.ask("POST", path, {"grace_seconds": 3})
    assert answer.status == 202
    stop = served.standin.known["k7m2pdaaaaaaaaaa"].stop
    assert stop is not None
    assert (stop.grace_seconds, stop.actor.user) == (3, ME)


@pytest.mark.parametrize("body", [None, b"", b"{}"])
async def test_a_body_may_be_empty(served: Served, body: bytes | None) -> None:
    served.standin.put(a_job())
    answer = await served.ask("POST", "/v1/jobs/k7m2pdaaaaaaaaaa/terminate", body)
    assert answer.status == 202


async def test_a_rerun_launches_the_same_anew(served: Served) -> None:
    served.standin.put(a_job(state=JobState.FAILED, name="x", env={"A": "1"}))
    answer = await served.ask("POST", "/v1/jobs/k7m2pdaaaaaaaaaa/rerun")
    assert answer.status == 202
    assert answer.json["job_id"] != "k7m2pdaaaaaaaaaa"
    again = served.standin.known[answer.json["job_id"]]
    assert again.spec == served.standin.known["k7m2pdaaaaaaaaaa"].spec


async def test_an_adopted_job_cannot_be_launched_again(served: Served) -> None:
    served.standin.put(a_job(adopted=True, state=JobState.FAILED))
    answer = await served.ask("POST", "/v1/jobs/k7m2pdaaaaaaaaaa/rerun")
    assert answer.status == 409


async def test_lists_are_filtered(served: Served) -> None:
    put = served.standin.put
    put(a_job("a" * 16, A, labels={"team": "vision", "run": "7"}))
    put(a_job("b" * 16, B, labels={"team": "vision"}, owner="alice", owner_uid=1000))
    put(a_job("c" * 16, B, state=JobState.FAILED))

    async def ids(query: str) -> set[str]:
        items = (await served.ask("GET", f"/v1/jobs?{query}")).json["items"]
        return {item["job_id"][0] for item in items}

    assert await ids("") == {"a", "b", "c"}
    assert await ids("label=team=vision") == {"a", "b"}
    assert await ids("label=team=vision&label=run=7") == {"a"}
    assert await ids("state=failed&state=lost") == {"c"}
    assert await ids(f"instance_id={B}") == {"b", "c"}
    assert await ids("owner=alice") == {"b"}
    assert await ids("owner=1000") == {"b"}
    assert await ids("owner=nobody") == set()


async def test_pages_skip_and_repeat_nothing_while_jobs_come(served: Served) -> None:
    for number in range(7):
        served.standin.put(a_job(f"{'abcdefg'[number] * 16}", created_at=1000.0 + number // 2))
    seen: list[str] = []
    cursor = ""
    while True:
        page = (await served.ask("GET", f"/v1/jobs?limit=2{cursor}")).json
        seen += [item["job_id"][0] for item in page["items"]]
        served.standin.put(a_job("z" * 16, created_at=2000.0))
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == ["g", "f", "e", "d", "c", "b", "a"]


async def test_a_cursor_of_ones_own_making_is_422(served: Served) -> None:
    for cursor in ("x", "W10", "bnVsbA", "WzEsMl0", "%00"):
        answer = await served.ask("GET", f"/v1/jobs?cursor={cursor}")
        assert answer.status == 422, cursor
