"""The supervisor itself: how it stands, whether it answers, what can be asked."""

from __future__ import annotations

from supervisor.control.messages import Health
from supervisor.control.route import Answer, Call


async def status(call: Call) -> Answer:
    """Tell how things stand, on one screen."""
    return Answer(200, call.supervisor.status())


async def health(call: Call) -> Answer:
    """Answer, if the socket does."""
    del call
    return Answer(200, Health(status="ok"))


async def openapi(call: Call) -> Answer:
    """Describe everything that can be asked."""
    return Answer(200, await call.openapi())
