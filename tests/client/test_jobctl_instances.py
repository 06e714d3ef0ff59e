from __future__ import annotations

from serving import Served
from standin import A, B, Checkpoint, a_job
from terminal import Terminal

from supervisor.domain.model import Checkpoint as DomainCheckpoint

NEW = "i-0c12c12c12c12c12c"


async def test_instances_are_listed(served: Served) -> None:
    served.standin.add(B, name="\x1b[2J[/x]", reachable=False, unreachable_since=1.0)
    served.standin.put(a_job())
    out = (await served.jobctl("instances")).out
    assert "\\x1b[2J[/x]" in out
    assert "2 instances, 1 unreachable." in out
    found = (await served.jobctl("instances", "--label", "team=vision", "--json")).json["items"]
    assert [item["instance_id"] for item in found] == [A]


async def test_track_and_untrack(served: Served) -> None:
    assert "would be looked after" in (await served.jobctl("track", "--dry-run", NEW)).out
    assert NEW not in served.standin.fleet
    assert (await served.jobctl("track", NEW, "--json")).json["instance_id"] == NEW
    served.standin.put(a_job(instance_id=NEW))
    ran = await served.jobctl("untrack", NEW)
    assert ran.code == 1
    assert "--force" in ran.err
    assert (await served.jobctl("untrack", "--force", NEW)).code == 0
    assert (await served.jobctl("untrack", "i-1")).code == 4
    assert (await served.jobctl("untrack")).code == 2


async def test_poll_looks_at_all_that_run_when_none_is_named(served: Served) -> None:
    served.standin.add(B)
    served.standin.add(NEW, ec2_state="stopped")
    ran = await served.jobctl("poll")
    assert ran.code == 0
    assert sorted(key for kind, key in served.standin.calls if kind == "poll") == [A, B]
    assert A in ran.out
    assert (await served.jobctl("poll", A, "--json")).json["instance_id"] == A
    ran = await served.jobctl("poll", "i-1")
    assert (ran.code, ran.out) == (4, "")


async def test_a_terminate_that_would_lose_data_is_5_with_its_reasons(served: Served) -> None:
    saved = (Checkpoint("/ck/epoch_41.pt", 5, 1.0),)
    served.standin.add(A, checkpoints=saved)
    ran = await served.jobctl("terminate-instance", A, "--yes")
    assert (ran.code, ran.out) == (5, "")
    lines = ran.err.splitlines()
    assert lines[0] == f"Not terminated: checkpoints on {A} would be lost."
    assert "epoch_41.pt" in lines[1]
    assert lines[2] == "What you can do:"
    assert lines[3].startswith(f"  jobctl stop-instance {A}")
    assert served.standin.fleet[A].ec2_state == "running"
    assert (await served.jobctl("terminate-instance", A, "--dry-run")).code == 5
    ran = await served.jobctl("terminate-instance", "--force", "--yes", A)
    assert ran.code == 0
    assert served.standin.fleet[A].ec2_state == "terminated"


async def test_an_end_is_followed_until_it_is_done(served: Served) -> None:
    ran = await served.jobctl("stop-instance", A, "--yes")
    assert ran.code == 0
    assert ran.err.splitlines() == [f"{A}  stop by EC2  done", f"{A}  wait  done", f"{A}  stopped"]
    ran = await served.jobctl("start-instance", A, "--json")
    assert ran.json["state"] == "done"


async def test_an_end_needs_a_yes(served: Served) -> None:
    for verb in ("stop-instance", "terminate-instance"):
        ran = await served.jobctl(verb, A)
        assert (ran.code, "--yes" in ran.err) == (2, True)
    assert served.standin.fleet[A].ec2_state == "running"
    terminal = await Terminal.run(served, "stop-instance", "gpu-3")
    await terminal.until("[y/N]")
    terminal.type("y\n")
    code, shown = await terminal.end()
    assert code == 0
    assert "stopped" in shown
    assert served.standin.fleet[A].ec2_state == "stopped"


async def test_what_is_refused_is_told_before_anybody_is_asked(served: Served) -> None:
    served.standin.add(A, checkpoints=(DomainCheckpoint("/ck/e.pt", 5, 1.0),))
    code, shown = await (await Terminal.run(served, "terminate-instance", A)).end()
    assert code == 5
    assert "[y/N]" not in shown


async def test_one_refusal_does_not_hold_the_others(served: Served) -> None:
    served.standin.add(A, checkpoints=(Checkpoint("/ck/e.pt", 5, 1.0),))
    served.standin.add(B)
    ran = await served.jobctl("terminate-instance", A, B, "--yes")
    assert ran.code == 5
    assert served.standin.fleet[B].ec2_state == "terminated"
    assert served.standin.fleet[A].ec2_state == "running"


async def test_a_dry_run_says_what_would_be_done(served: Served) -> None:
    ran = await served.jobctl("stop-instance", "--label", "team=vision", "--dry-run")
    assert ran.out == f"{A}  would stop: stop by EC2, then wait\n"
    assert served.standin.fleet[A].ec2_state == "running"


async def test_the_status_is_one_screen(served: Served) -> None:
    ran = await served.jobctl("status")
    assert ran.code == 0
    assert "needs you" in ran.out
    assert (await served.jobctl("status", "--json")).json["version"] == "0"
