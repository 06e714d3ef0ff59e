"""Run Command: one script to many instances, each answer as it comes.

The own deadline counts, not AWS's: a dead agent can leave a command ``InProgress`` for an hour.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from supervisor.aws.api import Api
from supervisor.aws.batch import BATCH, send
from supervisor.aws.errors import DENIED, AwsError
from supervisor.aws.invocations import Answer, Status, fetched, listed

__all__ = ["BATCH", "Answer", "Commands", "Status"]

_SHORTEST_DELIVERY = 30
"""TimeoutSeconds is 30 to 2,592,000 (its API reference)."""
_EXECUTION = range(5, 172_801)
"""executionTimeout as the agent takes it; anything else it turns silently into 3,600."""
_LONGEST_COMMENT = 100
_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 2.0
_PAUSE_SHARE = 0.25
"""Of the time since the sending: quick at first, so that a quick script is seen at once."""
_LAST_READING = 2.0
"""Seconds past the deadline for an answer to what was asked before it."""
_CANCEL_PATIENCE = 5.0


@dataclass(slots=True)
class _Open:
    """A command that some of its instances have not answered."""

    command_id: str
    left: set[str]
    sent_at: float
    cut: dict[str, Answer] = field(default_factory=dict)
    """Answers that the list gave cut; they are to be fetched alone."""
    trouble: AwsError | None = None
    """Why the last reading failed."""

    @property
    def hopeful(self) -> bool:
        """Whether more is to come, and it makes sense to go on reading."""
        return bool(self.left) and (self.trouble is None or self.trouble.code not in DENIED)

    def pause(self, now: float) -> float:
        """Return how long to wait before reading again."""
        if self.cut and self.trouble is None:
            return 0.0
        return min(_LONGEST_PAUSE, max(_FIRST_PAUSE, (now - self.sent_at) * _PAUSE_SHARE))

    def take(self, answers: Iterable[Answer]) -> list[Answer]:
        """Take final answers in, and return them."""
        taken = list(answers)
        for answer in taken:
            self.left.discard(answer.instance_id)
            self.cut.pop(answer.instance_id, None)
        return taken

    def give_up(self) -> list[Answer]:
        """Answer for those that did not."""
        error = self.trouble
        why = "no result within the deadline" if error is None else str(error)
        return [
            # Of one that is cut it is known how it ended, only not what it said.
            replace(self.cut[key], error=error)
            if key in self.cut
            else Answer(key, "unknown", why, error=error)
            for key in sorted(self.left)
        ]


class Commands:
    """Sends scripts by the document AWS-RunShellScript."""

    def __init__(self, send: Api, read: Api) -> None:
        """Use a client for sending and another for reading: neither waits for the other's pool."""
        self._send = send
        self._read = read

    async def run(
        self,
        script: str,
        instance_ids: Sequence[str],
        *,
        comment: str,
        execution_timeout: int,
        deadline_seconds: float,
    ) -> AsyncGenerator[Answer, None]:
        """Run a script; yield exactly one answer for each instance, as soon as it is known."""
        if execution_timeout not in _EXECUTION:
            raise ValueError(f"execution_timeout {execution_timeout} is not from 5 to 172800")
        now = asyncio.get_running_loop().time
        deadline = now() + deadline_seconds
        document = _document(script, comment, execution_timeout)
        sent = await send(self._send, document, instance_ids, deadline)
        for answer in sent.answers:
            yield answer
        commands = [_Open(command_id, set(ids), now()) for command_id, ids in sent.commands]
        while (waiting := [item for item in commands if item.hopeful]) and now() < deadline:
            pause = min(command.pause(now()) for command in waiting)
            await asyncio.sleep(min(pause, max(0.0, deadline - now())))
            for answer in await self._turn(waiting, deadline + _LAST_READING):
                yield answer
        unanswered = [command for command in commands if command.left]
        for answer in [item for command in unanswered for item in command.give_up()]:
            yield answer
        for command in unanswered:
            await self.cancel(command.command_id, sorted(command.left))

    async def cancel(self, command_id: str, instance_ids: Sequence[str] = ()) -> None:
        """Ask the agents to let go, without waiting for it; a failure is of no consequence."""
        some = {"InstanceIds": list(instance_ids)} if instance_ids else {}
        until = asyncio.get_running_loop().time() + _CANCEL_PATIENCE
        with suppress(AwsError):
            await self._send.call("CancelCommand", until, CommandId=command_id, **some)

    async def _turn(self, commands: Sequence[_Open], deadline: float) -> list[Answer]:
        """Read every command's list, and fetch what an earlier turn found cut there."""
        reading: list[asyncio.Task[list[Answer]]] = []
        async with asyncio.TaskGroup() as group:
            for command in commands:
                command.trouble = None
                cut = tuple(command.cut)
                if command.left - set(cut):
                    listing = self._list(command, deadline)
                    reading.append(group.create_task(listing, name="list invocations"))
                for key in cut:
                    getting = self._get(command, key, deadline)
                    reading.append(group.create_task(getting, name="get invocation"))
        return [answer for task in reading for answer in task.result()]

    async def _list(self, command: _Open, deadline: float) -> list[Answer]:
        """Read all pages; an empty list just after sending means "not yet"."""
        found: list[Answer] = []
        token: dict[str, Any] = {}
        try:
            while True:
                page = await self._read.call(
                    "ListCommandInvocations",
                    deadline,
                    CommandId=command.command_id,
                    Details=True,
                    MaxResults=BATCH,
                    **token,
                )
                items = (listed(item) for item in page.get("CommandInvocations", ()))
                found += [item for item in items if item and item.instance_id in command.left]
                if not page.get("NextToken"):
                    break
                token = {"NextToken": page["NextToken"]}
        except AwsError as error:
            command.trouble = error
        command.cut |= {answer.instance_id: answer for answer in found if not answer.whole}
        return command.take(answer for answer in found if answer.whole)

    async def _get(self, command: _Open, instance_id: str, deadline: float) -> list[Answer]:
        try:
            item = await self._read.call(
                "GetCommandInvocation",
                deadline,
                CommandId=command.command_id,
                InstanceId=instance_id,
            )
        except AwsError as error:
            command.trouble = error
            return []
        answer = fetched(item)
        if answer is None:
            # One reading is behind the other: begin again with the list.
            command.cut.pop(instance_id, None)
            return []
        return command.take([answer])


def _document(script: str, comment: str, execution_timeout: int) -> dict[str, Any]:
    return {
        "DocumentName": "AWS-RunShellScript",
        "Comment": comment[:_LONGEST_COMMENT],
        "TimeoutSeconds": _SHORTEST_DELIVERY,
        # Both default to what stops a batch at its first failure.
        "MaxErrors": "100%",
        "MaxConcurrency": "100%",
        "Parameters": {"commands": [script], "executionTimeout": [str(execution_timeout)]},
    }
