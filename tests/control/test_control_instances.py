from __future__ import annotations

from serving import Served
from standin import A, B, Checkpoint, a_job


async def test_an_instance_document_tells_of_its_jobs_and_host(served: Served) -> None:
    served.standin.add(A, tags={"team": "vision"}, checkpoints=(Checkpoint("/ck/e.pt", 5, 60.0),))
    served.standin.put(a_job())
    document = (await served.ask("GET", f"/v1/instances/{A}")).json
    assert document["state"] == "running"
    assert document["jobs"] == ["k7m2pdaaaaaaaaaa"]
    assert document["checkpoints"][0]["path"] == "/ck/e.pt"
    assert document["checkpoints"][0]["age_seconds"] >= 60
    assert document["reachable"] is True
    assert set(document) >= {"last_look_at", "boot_id", "host", "tags"}


async def test_instances_are_listed_filtered_and_paged(served: Served) -> None:
    served.standin.add(B, tags={"team": "vision"}, ec2_state="stopped")
    first = (await served.ask("GET", "/v1/instances?limit=1")).json
    assert [item["instance_id"] for item in first["items"]] == [A]
    rest = (await served.ask("GET", f"/v1/instances?cursor={first['next_cursor']}")).json
    assert [item["instance_id"] for item in rest["items"]] == [B]
    assert rest["next_cursor"] is None
    for query in ("label=team=vision", "state=stopped", f"instance_id={B}"):
        found = (await served.ask("GET", f"/v1/instances?{query}")).json["items"]
        assert [item["instance_id"] for item in found] == [B], query


async def test_an_instance_is_tracked_and_let_go(served: Served) -> None:
    key = "i-0c12c12c12c12c12c"
    assert (await served.ask("POST", f"/v1/instances/{key}/track", {"dry_run": True})).status == 200
    assert key not in served.standin.fleet
    assert (await served.ask("POST", f"/v1/instances/{key}/track")).json["tracking"] == "requested"
    served.standin.put(a_job(instance_id=key))
    refused = await served.ask("POST", f"/v1/instances/{key}/untrack")
    assert refused.status == 409
    forced = await served.ask("POST", f"/v1/instances/{key}/untrack", {"force": True})
    assert forced.json["tracking"] == "untracked"
    assert (await served.ask("POST", "/v1/instances/i-1/untrack")).status == 404


async def test_what_is_no_instance_id_is_not_tracked(served: Served) -> None:
    for key in ("gpu-3", "i-XYZ", "i-0a%2Fb", "%00"):
        assert (await served.ask("POST", f"/v1/instances/{key}/track")).status == 422


async def test_a_look_answers_with_what_it_saw(served: Served) -> None:
    before = (await served.ask("GET", f"/v1/instances/{A}")).json["last_look_at"]
    after = await served.ask("POST", f"/v1/instances/{A}/poll")
    assert after.status == 200
    assert after.json["last_look_at"] > before
    assert ("poll", A) in served.standin.calls


async def test_a_stop_gives_an_operation_to_follow(served: Served) -> None:
    answer = await served.ask("POST", f"/v1/instances/{A}/stop", {"grace_seconds": 90})
    assert answer.status == 202
    assert (answer.json["kind"], answer.json["state"]) == ("stop", "running")
    path = f"/v1/operations/{answer.json['operation_id']}"
    assert (await served.ask("GET", path)).json["state"] == "running"
    done = (await served.ask("GET", path)).json
    assert done["state"] == "done"
    assert [step["state"] for step in done["steps"]] == ["done", "done"]
    assert (await served.ask("GET", "/v1/operations/nope")).status == 404


async def test_a_dry_run_ends_nothing(served: Served) -> None:
    answer = await served.ask("POST", f"/v1/instances/{A}/terminate", {"dry_run": True})
    assert answer.status == 200
    assert served.standin.fleet[A].ec2_state == "running"


async def test_the_status_is_told(served: Served) -> None:
    assert (await served.ask("GET", "/v1/status")).json["newest_seq"] == 0
