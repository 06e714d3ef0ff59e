"""A stand-in of SSM's JSON protocol, as small as these tests need it."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

Refusal = tuple[int, str]


@dataclass
class Reply:
    """What an instance says, and how long after the sending."""

    stdout: str = "hello\n"
    stderr: str = ""
    status: str = "Success"
    details: str | None = None
    code: int = 0
    after: float = 0.0


@dataclass
class Stub:
    replies: dict[str, Reply] = field(default_factory=dict)
    unknown_ids: set[str] = field(default_factory=set)
    before: Callable[[str, dict[str, Any]], Awaitable[Refusal | None]] | None = None
    """Called first; may refuse, or break the connection."""
    calls: Counter[str] = field(default_factory=Counter)
    sent: list[dict[str, Any]] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    page: int = 50
    url: str = ""
    stop: Callable[[], Awaitable[None]] | None = None

    async def handle(self, request: web.Request) -> web.StreamResponse:
        operation = request.headers["X-Amz-Target"].removeprefix("AmazonSSM.")
        body = await request.json()
        self.calls[operation] += 1
        refusal = None if self.before is None else await self.before(operation, body)
        if refusal == (0, "drop"):
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        if refusal is None:
            answer = getattr(self, operation)(body)
            if isinstance(answer, dict):
                return web.Response(
                    text=json.dumps(answer), content_type="application/x-amz-json-1.1"
                )
            refusal = answer
        status, code = refusal
        error = {"__type": code, "message": f"{code} by the stub"}
        return web.Response(
            status=status, text=json.dumps(error), content_type="application/x-amz-json-1.1"
        )

    def SendCommand(self, body: dict[str, Any]) -> dict[str, Any] | Refusal:  # noqa: N802
        ids = body["InstanceIds"]
        if len(ids) > 50 or len(set(ids)) != len(ids):
            return 400, "ValidationException"
        if self.unknown_ids & set(ids):
            return 400, "InvalidInstanceId"
        self.sent.append(body | {"at": asyncio.get_running_loop().time()})
        return {"Command": {"CommandId": f"{len(self.sent) - 1:036x}", "InstanceIds": ids}}

    def _reply(self, command: dict[str, Any], instance_id: str) -> Reply:
        reply = self.replies.get(instance_id, Reply())
        if asyncio.get_running_loop().time() - command["at"] < reply.after:
            return Reply("", status="InProgress", code=-1)
        return reply

    def ListCommandInvocations(self, body: dict[str, Any]) -> dict[str, Any] | Refusal:  # noqa: N802
        command = self.sent[int(body["CommandId"], 16)]
        assert body["Details"] is True
        if asyncio.get_running_loop().time() - command["at"] < 0.05:
            return {"CommandInvocations": []}
        start = int(body.get("NextToken", "0"))
        items = []
        for key in command["InstanceIds"][start : start + self.page]:
            reply = self._reply(command, key)
            output = reply.stdout
            if reply.stderr:
                output += ("\n" if output else "") + "----------ERROR-------\n" + reply.stderr
            details = reply.details or reply.status
            plugin = {"Output": output[:2500], "ResponseCode": reply.code}
            items.append(
                {
                    "CommandId": body["CommandId"],
                    "InstanceId": key,
                    "Status": reply.status,
                    "StatusDetails": details,
                    "CommandPlugins": [plugin],
                }
            )
        end = start + self.page
        more = {"NextToken": str(end)} if end < len(command["InstanceIds"]) else {}
        return {"CommandInvocations": items, **more}

    def GetCommandInvocation(self, body: dict[str, Any]) -> dict[str, Any] | Refusal:  # noqa: N802
        command = self.sent[int(body["CommandId"], 16)]
        reply = self._reply(command, body["InstanceId"])
        stdout = reply.stdout
        if len(stdout) > 24_000:
            stdout = stdout[: 24_000 - 20] + "--output truncated--"
        return {
            "CommandId": body["CommandId"],
            "InstanceId": body["InstanceId"],
            "Status": reply.status,
            "StatusDetails": reply.details or reply.status,
            "ResponseCode": reply.code,
            "StandardOutputContent": stdout,
            "StandardErrorContent": reply.stderr[:8000],
        }

    def CancelCommand(self, body: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        self.cancelled += body["InstanceIds"]
        return {}
