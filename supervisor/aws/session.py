"""The AWS clients, made once.

The standard variables are honoured (``AWS_PROFILE``, ``AWS_REGION``, ``AWS_ENDPOINT_URL``,
``AWS_ENDPOINT_URL_SSM`` and the like); the configuration's ``[aws]`` comes before them, but for
its ``endpoint_url``, which gives way to a variable that names one service.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aioboto3
import boto3
from aiobotocore.config import AioConfig
from botocore.config import Config as BotoConfig
from botocore.exceptions import BotoCoreError

from supervisor.aws.api import Api, ThreadApi
from supervisor.aws.errors import AwsError
from supervisor.aws.pacing import Pacing
from supervisor.config import Aws as AwsSection

_THREADS = 4
_SSM_READ_SECONDS = 5.0
"""A result is read again rather than waited for."""
_LIMITS: dict[str, Any] = {
    "connect_timeout": 5,
    "read_timeout": 15,
    # What is asked again is decided in one place: ``Api``.
    "retries": {"total_max_attempts": 1, "mode": "standard"},
    "tcp_keepalive": True,
}


@dataclass(frozen=True, slots=True)
class Clients:
    """All clients, and the pacing that they share."""

    pacing: Pacing
    ssm_send: Api
    ssm_read: Api
    ec2: Api
    s3: Api


@asynccontextmanager
async def open_clients(
    settings: AwsSection, pacing: Pacing | None = None
) -> AsyncIterator[Clients]:
    """Make the clients for the length of a block.

    Raises:
        AwsError: no region, no such profile, or the like.

    """
    pace = pacing or Pacing()
    async with AsyncExitStack() as stack:
        threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="aws")
        # Calls that were given up end by their own timeouts, and are not waited for.
        stack.callback(threads.shutdown, wait=False, cancel_futures=True)
        try:
            made = await asyncio.to_thread(_make, settings)
            sender, reader = [await _entered(context) for context in made.ssm]
        except BotoCoreError as error:
            raise AwsError(
                "the AWS clients could not be made",
                str(error),
                (
                    "Set the region:    AWS_REGION, or [aws] region",
                    "Set the profile:   AWS_PROFILE, or [aws] profile",
                ),
            ) from error
        stack.push_async_exit(sender)
        stack.push_async_exit(reader)
        yield Clients(
            pace,
            Api(sender, pace),
            Api(reader, pace, _SSM_READ_SECONDS),
            ThreadApi(made.ec2, pace, threads),
            ThreadApi(made.s3, pace, threads),
        )


@dataclass(frozen=True, slots=True)
class _Made:
    """The libraries' clients; those for SSM are yet to be entered."""

    ssm: tuple[Any, Any]
    ec2: Any
    s3: Any


def _make(settings: AwsSection) -> _Made:
    """Make the clients, in a thread: that reads megabytes of models."""
    profile = settings.profile or None
    # Every other SDK, and the AWS CLI, know AWS_REGION; boto3 knows AWS_DEFAULT_REGION alone.
    region = settings.region or os.environ.get("AWS_REGION") or None
    plain = boto3.Session(profile_name=profile, region_name=region)
    config = BotoConfig(max_pool_connections=_THREADS, **_LIMITS)
    ec2 = plain.client("ec2", endpoint_url=_endpoint("ec2", settings), config=config)
    s3 = plain.client("s3", endpoint_url=_endpoint("s3", settings), config=config)
    session = aioboto3.Session(profile_name=profile, region_name=region)
    endpoint = _endpoint("ssm", settings)
    config = AioConfig(max_pool_connections=50, **_LIMITS)
    ssm = [session.client("ssm", endpoint_url=endpoint, config=config) for _ in range(2)]
    return _Made((ssm[0], ssm[1]), ec2, s3)


async def _entered(context: Any) -> Any:
    """Enter a client of aiobotocore by a loop in a thread.

    Entering reads models, profiles and credentials, and holds up the loop that does it. A client
    connects when it is first called, and so belongs to the loop that calls it.
    """
    return await asyncio.to_thread(asyncio.run, context.__aenter__())


def _endpoint(service: str, settings: AwsSection) -> str | None:
    if f"AWS_ENDPOINT_URL_{service.upper()}" in os.environ:
        return None
    return settings.endpoint_url or None
