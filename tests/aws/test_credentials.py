"""A bastion host's own role: credentials from the instance metadata, renewed on the way."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio
from aiohttp import web
from ssm_stub import Stub

from supervisor.aws.session import open_clients
from supervisor.aws.ssm import Commands
from supervisor.config import Aws as AwsSection

ROLE = "/latest/meta-data/iam/security-credentials/"


@pytest_asyncio.fixture
async def metadata_service() -> AsyncIterator[tuple[Counter[str], str]]:
    calls: Counter[str] = Counter()

    async def metadata(request: web.Request) -> web.Response:
        calls[request.path] += 1
        if request.path == "/latest/api/token":
            return web.Response(text="token")
        if request.path == ROLE:
            return web.Response(text="bastion")
        ends = datetime.now(UTC) + timedelta(hours=6)
        return web.json_response(
            {
                "Code": "Success",
                "Type": "AWS-HMAC",
                "AccessKeyId": f"key{calls[request.path]}",
                "SecretAccessKey": "secret",
                "Token": "session",
                "LastUpdated": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
                "Expiration": ends.strftime("%Y-%m-%dT%H:%M:%SZ"),
            }
        )

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", metadata)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield calls, f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def test_a_role_whose_credentials_run_out_is_asked_again(
    stub: Stub, metadata_service: tuple[Counter[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls, address = metadata_service
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", address)
    async with open_clients(AwsSection()) as clients:
        commands = Commands(clients.ssm_send, clients.ssm_read)

        async def once() -> str:
            async for answer in commands.run(
                "echo", ["i-1"], comment="", execution_timeout=60, deadline_seconds=10
            ):
                return answer.status
            return "none"

        before = calls[f"{ROLE}bastion"]
        assert before >= 1
        for api in (clients.ssm_send, clients.ssm_read):
            held = api._client._request_signer._credentials
            held._expiry_time = datetime.now(UTC) + timedelta(seconds=5)
        assert await asyncio.gather(*(once() for _ in range(10))) == ["success"] * 10
        assert calls[f"{ROLE}bastion"] > before
