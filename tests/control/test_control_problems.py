from __future__ import annotations

from typing import Any

import pytest
from serving import Served
from standin import A, a_job

BODY: dict[str, Any] = {"instance_id": A, "project_dir": "/home/ubuntu/p", "command": ["true"]}


async def test_every_error_of_a_body_is_told_with_its_path(served: Served) -> None:
    body = {
        "instance_id": "gpu-3",
        "command": ["", 7],
        "project_dir": "p",
        "env": {"1x": "a"},
        "max_attempt": 2,
        "grace_seconds": -1,
    }
    answer = await served.ask("POST", "/v1/jobs", body)
    assert answer.status == 422
    told = {item["path"]: item["message"] for item in answer.json["errors"]}
    assert {"instance_id", "command[1]", "project_dir", "max_attempt", "grace_seconds"} <= set(told)
    assert 'did you mean "max_attempts"' in told["max_attempt"]
    assert any(path.startswith("env") for path in told)
    assert "6 errors" in answer.json["detail"]
    assert answer.json["type"].endswith("invalid")


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"command": []}, "command"),
        ({"command": [""]}, "command"),
        ({"command": "true"}, "command"),
        ({"command": ["a\0b"]}, "command[0]"),
        ({"name": "a\x1b[2J"}, "name"),
        ({"max_attempts": "3"}, "max_attempts"),
        ({"create": 1}, "create"),
        ({"timeout_seconds": 0}, "timeout_seconds"),
        ({"on_complete": "explode"}, "on_complete"),
        ({"resume_on": "tag:x"}, "resume_on"),
        ({"s3_uri": "http://x"}, "s3_uri"),
        ({"user": "-x"}, "user"),
        ({"labels": {"": "x"}}, "labels.[key]"),
    ],
)
async def test_what_is_not_valid_is_422(served: Served, change: dict[str, Any], path: str) -> None:
    answer = await served.ask("POST", "/v1/jobs", {**BODY, **change})
    assert answer.status == 422
    assert [item["path"] for item in answer.json["errors"]] == [path] or path == "labels.[key]"


@pytest.mark.parametrize("body", [b"{", b"\xff", b"[1", b"{'a': 1}", b'"\\ud800"', b"\0"])
async def test_what_is_not_json_is_400(served: Served, body: bytes) -> None:
    answer = await served.ask("POST", "/v1/jobs", body)
    assert answer.status == 400
    assert "not JSON" in answer.json["detail"]
    assert answer.json["hints"]


@pytest.mark.parametrize("body", [b"[]", b"1", b'"x"', b"null", b"[" * 5000])
async def test_json_of_another_kind_is_refused(served: Served, body: bytes) -> None:
    assert (await served.ask("POST", "/v1/jobs", body)).status in (400, 422)


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/job", "/v1/jobs/", "/metrics", "/v1//jobs"])
async def test_an_unknown_path_is_404_as_a_problem(served: Served, path: str) -> None:
    answer = await served.ask("GET", path)
    assert answer.status == 404
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert answer.json["hints"]


async def test_another_method_is_405_and_names_the_right_ones(served: Served) -> None:
    answer = await served.ask("DELETE", "/v1/jobs")
    assert (answer.status, answer.headers["allow"]) == (405, "POST, GET")


@pytest.mark.parametrize(
    ("target", "hint"),
    [
        ("/v1/jobs?stat=running", 'did you mean "state"?'),
        ("/v1/jobs?state=x", "is not allowed"),
        ("/v1/jobs?limit=0", "limit"),
        ("/v1/jobs?limit=1&limit=2", "limit"),
        ("/v1/jobs?label=x", "label"),
        ("/v1/events?after=-1", "after"),
        ("/v1/events?after=x", "after"),
        ("/healthz?x=1", "unknown key"),
    ],
)
async def test_a_query_is_checked(served: Served, target: str, hint: str) -> None:
    answer = await served.ask("GET", target)
    assert answer.status == 422
    assert hint in answer.json["detail"]


async def test_no_such_job_is_404_with_hints(served: Served) -> None:
    for method, path in (("GET", ""), ("POST", "/terminate"), ("GET", "/logs"), ("POST", "/rerun")):
        answer = await served.ask(method, f"/v1/jobs/nope{path}")
        assert (answer.status, answer.json["hints"]) == (404, ["See all:   jobctl ps --all"])


async def test_what_is_no_http_is_400_as_a_problem(served: Served) -> None:
    answer = await served.raw(b"nonsense\r\n\r\n")
    assert answer.status == 400
    assert answer.json["type"].endswith("bad-request")


async def test_headers_without_end_are_refused(served: Served) -> None:
    answer = await served.raw(b"GET /healthz HTTP/1.1\r\nX: " + b"a" * 100_000 + b"\r\n\r\n")
    assert answer.status == 400


async def test_a_bug_is_500_without_its_traceback(served: Served) -> None:
    served.standin.broken = True
    answer = await served.ask("GET", "/v1/jobs")
    assert answer.status == 500
    assert "a bug" not in answer.body.decode()
    served.standin.broken = False
    assert (await served.ask("GET", "/v1/jobs")).status == 200


async def test_a_bad_idempotency_key_is_422(served: Served) -> None:
    for key in ("x" * 256, "é".encode().decode("latin-1")):
        answer = await served.ask("POST", "/v1/jobs", BODY, {"Idempotency-Key": key})
        assert answer.status in (400, 422) or key != "x" * 256


async def test_data_at_risk_has_a_type_of_its_own(served: Served) -> None:
    from standin import Checkpoint  # noqa: PLC0415

    served.standin.add(A, checkpoints=(Checkpoint("/ck/e.pt", 5, 1.0),))
    served.standin.put(a_job())
    answer = await served.ask("POST", f"/v1/instances/{A}/terminate", {"force": False})
    assert answer.status == 409
    assert answer.json["type"].endswith("data-at-risk")
    assert len(answer.json["detail"].splitlines()) == 2
    assert any("--force" in hint for hint in answer.json["hints"])
