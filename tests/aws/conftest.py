from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from aiohttp import web
from ssm_stub import Stub

from supervisor.aws.pacing import Pacing
from supervisor.aws.session import open_clients
from supervisor.aws.ssm import Commands
from supervisor.config import Aws as AwsSection


@pytest.fixture
def aws_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest_asyncio.fixture
async def stub(aws_variables: None, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stub]:
    served = Stub()
    app = web.Application()
    app.router.add_post("/", served.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    served.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    served.stop = runner.cleanup
    monkeypatch.setenv("AWS_ENDPOINT_URL_SSM", served.url)
    yield served
    await runner.cleanup()


@pytest_asyncio.fixture
async def pacing() -> Pacing:
    return Pacing()


@pytest_asyncio.fixture
async def commands(stub: Stub, pacing: Pacing) -> AsyncIterator[Commands]:
    async with open_clients(AwsSection(), pacing) as clients:
        yield Commands(clients.ssm_send, clients.ssm_read)
