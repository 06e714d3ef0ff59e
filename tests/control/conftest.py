from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from serving import Served, serve
from standin import A, StandIn


@pytest.fixture
def standin() -> StandIn:
    made = StandIn()
    made.add(A, name="gpu-3", availability_zone="us-east-1a")
    return made


@pytest_asyncio.fixture
async def served(tmp_path: Path, standin: StandIn) -> AsyncIterator[Served]:
    async with serve(tmp_path, standin) as server:
        yield server
