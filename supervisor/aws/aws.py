"""Everything of AWS that the service uses, in one place."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from supervisor.aws.ec2 import Ec2
from supervisor.aws.pacing import Pacing
from supervisor.aws.s3 import S3
from supervisor.aws.session import open_clients
from supervisor.aws.ssm import Commands
from supervisor.config import Aws as AwsSection


@dataclass(frozen=True, slots=True)
class Aws:
    """Commands on instances, the instances themselves, and S3."""

    commands: Commands
    ec2: Ec2
    s3: S3
    pacing: Pacing


@asynccontextmanager
async def open_aws(settings: AwsSection) -> AsyncIterator[Aws]:
    """Connect for the length of a block.

    Raises:
        AwsError: no region, no such profile, or the like.

    """
    async with open_clients(settings) as clients:
        yield Aws(
            Commands(clients.ssm_send, clients.ssm_read),
            Ec2(clients.ec2),
            S3(clients.s3),
            clients.pacing,
        )
