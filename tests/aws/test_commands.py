"""One script to many instances: every instance gets one answer, as soon as it is known."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from ssm_stub import Refusal, Reply, Stub

from supervisor.aws.pacing import Pacing
from supervisor.aws.ssm import Answer, Commands


def ids(count: int) -> list[str]:
    return [f"i-{number:017x}" for number in range(count)]


async def run(
    commands: Commands, instance_ids: Sequence[str], deadline: float = 10.0, script: str = "echo"
) -> dict[str, Answer]:
    answers: dict[str, Answer] = {}
    async for answer in commands.run(
        script,
        instance_ids,
        comment="look " * 40,
        execution_timeout=60,
        deadline_seconds=deadline,
    ):
        assert answer.instance_id not in answers
        answers[answer.instance_id] = answer
    return answers


def refuse(operation: str, *refusals: Refusal | None) -> Any:
    """Refuse the first calls of an operation, one after the other; ``None`` lets one pass."""
    left = list(refusals)

    async def before(called: str, _: dict[str, Any]) -> Refusal | None:
        return left.pop(0) if called == operation and left else None

    return before


async def test_one_answer_soon_after_a_quick_script(stub: Stub, commands: Commands) -> None:
    begun = asyncio.get_running_loop().time()
    [one] = ids(1)
    assert await run(commands, [one]) == {
        one: Answer(one, "success", "Success", "hello\n", "", 0, whole=True)
    }
    assert asyncio.get_running_loop().time() - begun < 2
    [sent] = stub.sent
    assert sent["DocumentName"] == "AWS-RunShellScript"
    assert (sent["MaxErrors"], sent["MaxConcurrency"]) == ("100%", "100%")
    assert sent["TimeoutSeconds"] >= 30
    assert len(sent["Comment"]) == 100
    assert sent["Parameters"] == {"commands": ["echo"], "executionTimeout": ["60"]}


async def test_fifty_a_command_and_pages_of_results(stub: Stub, commands: Commands) -> None:
    stub.page = 20
    everyone = ids(120)
    answers = await run(commands, [*everyone, everyone[0]])
    assert {key for key, answer in answers.items() if answer.status == "success"} == set(everyone)
    assert sorted(len(sent["InstanceIds"]) for sent in stub.sent) == [20, 50, 50]


async def test_no_instance_no_call(stub: Stub, commands: Commands) -> None:
    assert await run(commands, []) == {}
    assert not stub.calls


async def test_a_straggler_holds_nobody(stub: Stub, commands: Commands) -> None:
    everyone = ids(50)
    stub.replies[everyone[7]] = Reply(after=60)
    begun = asyncio.get_running_loop().time()
    answers = commands.run("echo", everyone, comment="", execution_timeout=60, deadline_seconds=2.0)
    first = [await anext(answers) for _ in range(49)]
    assert asyncio.get_running_loop().time() - begun < 1.5
    assert everyone[7] not in {answer.instance_id for answer in first}
    rest = [answer async for answer in answers]
    assert rest == [Answer(everyone[7], "unknown", "no result within the deadline")]
    assert stub.cancelled == [everyone[7]]


async def test_bad_ids_are_split_off_until_they_stand_alone(stub: Stub, commands: Commands) -> None:
    everyone = ids(50)
    bad = {everyone[3], everyone[31], everyone[32]}
    stub.unknown_ids = bad
    answers = await run(commands, everyone)
    assert {key for key, answer in answers.items() if answer.status == "invalid_instance"} == bad
    assert sum(answer.status == "success" for answer in answers.values()) == 47
    assert stub.calls["SendCommand"] <= 40


async def test_long_outputs_are_fetched_alone(stub: Stub, commands: Commands) -> None:
    short, long, longest, wide, noisy = everyone = ids(5)
    stub.replies = {
        short: Reply("x" * 2300),
        long: Reply("x" * 2600 + "end"),
        longest: Reply("x" * 30_000),
        wide: Reply("\u20ac" * 900),
        noisy: Reply("done\n", "warning\n"),
    }
    answers = await run(commands, everyone)
    assert {answer.status for answer in answers.values()} == {"success"}
    assert answers[short].stdout == "x" * 2300
    assert answers[long].stdout.endswith("end")
    assert answers[long].whole
    assert not answers[longest].whole
    assert answers[wide].stdout == "\u20ac" * 900
    assert (answers[noisy].stdout, answers[noisy].stderr) == ("done\n", "warning\n")
    assert stub.calls["GetCommandInvocation"] == 3


@pytest.mark.parametrize(
    ("status", "details", "code", "wanted"),
    [
        ("Failed", "Failed", 3, "failed"),
        ("TimedOut", "Execution Timed Out", 137, "failed"),
        ("TimedOut", "Delivery Timed Out", -1, "undelivered"),
        ("Failed", "Undeliverable", -1, "undelivered"),
        ("Failed", "Terminated", -1, "undelivered"),
        ("Failed", "Access Denied", -1, "undelivered"),
        ("Cancelled", "Cancelled", -1, "unknown"),
        ("Delayed", "Delayed", -1, "unknown"),
        ("Evaporated", "Evaporated", 0, "unknown"),
    ],
)
async def test_statuses(
    stub: Stub, commands: Commands, status: str, details: str, code: int, wanted: str
) -> None:
    [one] = ids(1)
    stub.replies[one] = Reply("out", "err", status, details, code)
    answer = (await run(commands, [one], deadline=0.6))[one]
    assert answer.status == wanted
    if wanted == "failed":
        assert (answer.response_code, answer.stdout, answer.stderr) == (code, "out", "err")
    else:
        assert answer.response_code is None


async def test_a_hundred_sends_against_a_low_limit_all_arrive(
    stub: Stub, pacing: Pacing, commands: Commands
) -> None:
    tokens, at = 10.0, asyncio.get_running_loop().time()

    async def limited(operation: str, _: dict[str, Any]) -> Refusal | None:
        nonlocal tokens, at
        if operation != "SendCommand":
            return None
        now = asyncio.get_running_loop().time()
        tokens, at = min(10.0, tokens + (now - at) * 40), now
        if tokens < 1:
            return 400, "ThrottlingException"
        tokens -= 1
        return None

    stub.before = limited
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(run(commands, [key], deadline=60)) for key in ids(100)]
    assert {task.result()[key].status for task, key in zip(tasks, ids(100), strict=True)} == {
        "success"
    }
    account = pacing.account()["SendCommand"]
    assert account["calls"] == stub.calls["SendCommand"] == 100 + account["throttles"]
    assert account["throttles"] < 200


async def test_throttled_to_the_end_is_certainly_not_sent(stub: Stub, commands: Commands) -> None:
    stub.before = refuse("SendCommand", *[(400, "ThrottlingException")] * 99)
    answers = await run(commands, ids(2), deadline=0.5)
    assert {answer.status for answer in answers.values()} == {"not_sent"}
    assert not stub.sent


async def test_a_lost_answer_to_a_send_is_unknown_and_not_repeated(
    stub: Stub, commands: Commands
) -> None:
    for refusal in ((0, "drop"), (500, "InternalServerError")):
        stub.before = refuse("SendCommand", refusal)
        stub.calls.clear()
        [answer] = (await run(commands, ids(1))).values()
        assert answer.status == "unknown"
        assert stub.calls["SendCommand"] == 1


async def test_a_send_without_an_answer_ends_at_the_deadline(
    stub: Stub, commands: Commands
) -> None:
    async def hang(operation: str, _: dict[str, Any]) -> None:
        if operation == "SendCommand":
            await asyncio.sleep(60)

    stub.before = hang
    async with asyncio.timeout(5):
        [answer] = (await run(commands, ids(1), deadline=0.5)).values()
    assert answer.status == "unknown"


async def test_nobody_listening_is_certainly_not_sent(stub: Stub, commands: Commands) -> None:
    assert stub.stop is not None
    await stub.stop()
    [answer] = (await run(commands, ids(1), deadline=5)).values()
    assert answer.status == "not_sent"


async def test_access_denied_names_the_permission(stub: Stub, commands: Commands) -> None:
    stub.before = refuse("SendCommand", (400, "AccessDeniedException"))
    [answer] = (await run(commands, ids(1))).values()
    assert answer.status == "not_sent"
    assert answer.error is not None
    assert "ssm:SendCommand" in answer.error.next_steps[0]


async def test_results_that_may_not_be_read_end_at_once_as_unknown(
    stub: Stub, commands: Commands
) -> None:
    stub.before = refuse("ListCommandInvocations", (400, "AccessDeniedException"))
    async with asyncio.timeout(5):
        [answer] = (await run(commands, ids(1), deadline=60)).values()
    assert answer.status == "unknown"
    assert answer.error is not None
    assert "ssm:ListCommandInvocations" in answer.error.next_steps[0]


async def test_trouble_while_reading_is_overcome(stub: Stub, commands: Commands) -> None:
    everyone = ids(2)
    stub.replies[everyone[0]] = Reply("x" * 5000)
    lists = refuse(
        "ListCommandInvocations",
        (400, "ThrottlingException"),
        (0, "drop"),
        (500, "InternalServerError"),
        (400, "InvalidCommandId"),
    )
    gets = refuse("GetCommandInvocation", (400, "InvocationDoesNotExist"), (0, "drop"), (0, "drop"))

    async def before(operation: str, body: dict[str, Any]) -> Refusal | None:
        return await lists(operation, body) or await gets(operation, body)

    stub.before = before
    answers = await run(commands, everyone, deadline=20)
    assert {answer.status for answer in answers.values()} == {"success"}
    assert len(answers[everyone[0]].stdout) == 5000


async def test_of_a_cut_answer_that_cannot_be_fetched_the_status_is_told(
    stub: Stub, commands: Commands
) -> None:
    [one] = ids(1)
    stub.replies[one] = Reply("x" * 5000)
    stub.before = refuse("GetCommandInvocation", *[(400, "InvocationDoesNotExist")] * 999)
    answer = (await run(commands, [one], deadline=1.0))[one]
    assert (answer.status, answer.whole) == ("success", False)
    assert answer.error is not None


async def test_leaving_in_the_middle_leaves_nothing_behind(stub: Stub, commands: Commands) -> None:
    answers = commands.run("echo", ids(3), comment="", execution_timeout=60, deadline_seconds=9)
    await anext(answers)
    await answers.aclose()
    stub.replies = {key: Reply(after=60) for key in ids(3)}
    task = asyncio.create_task(run(commands, ids(3)))
    await asyncio.sleep(0.4)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()


async def test_an_execution_timeout_that_the_agent_would_replace_is_refused(
    commands: Commands,
) -> None:
    with pytest.raises(ValueError, match="execution_timeout"):
        await anext(commands.run("", ids(1), comment="", execution_timeout=4, deadline_seconds=1))
