from __future__ import annotations

import sys
from pathlib import Path

# The same server as the socket's own tests have, with the same supervisor in memory behind it.
sys.path.insert(0, str(Path(__file__).parents[1] / "control"))

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from serving import Served, serve
from standin import A, StandIn


@pytest.fixture
def standin() -> StandIn:
    made = StandIn()
    made.add(A, name="gpu-3", availability_zone="us-east-1a", tags={"team": "vision"})
    return made


@pytest_asyncio.fixture
async def served(tmp_path: Path, standin: StandIn) -> AsyncIterator[Served]:
    async with serve(tmp_path, standin) as server:
        yield server
