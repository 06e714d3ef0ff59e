"""What holds for every test: asyncio's debug mode, no blocking call on the loop, no task left."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from blockbuster import BlockBuster, blockbuster_ctx

os.environ.setdefault("PYTHONASYNCIODEBUG", "1")


@pytest.fixture(autouse=True)
def no_blocking_calls() -> Iterator[BlockBuster]:
    """Fail a test whose loop is held up by a blocking call made by our own code."""
    with blockbuster_ctx("supervisor") as guard:
        yield guard


@pytest_asyncio.fixture(autouse=True)
async def no_leaked_tasks(request: pytest.FixtureRequest) -> AsyncIterator[None]:
    """Fail an asynchronous test that leaves a task behind."""
    before = asyncio.all_tasks()
    yield
    left = {task for task in asyncio.all_tasks() - before if not task.done()}
    left.discard(asyncio.current_task())  # type: ignore[arg-type]
    assert not left, f"{request.node.name} left tasks behind: {left}"
