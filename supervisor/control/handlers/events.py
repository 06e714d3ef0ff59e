"""Events as JSON lines, from any number on, and as they happen when following."""

from __future__ import annotations

from collections.abc import AsyncIterator

from supervisor.control.bodies import EventsQuery
from supervisor.control.messages import event_document
from supervisor.control.port import GoneError, Supervisor
from supervisor.control.route import Call, Stream
from supervisor.domain.events import Event

_BATCH = 500
_CLOCK_STEP = 60.0
"""Seconds that the daemon's clock may have been set back by, since a job was created."""


async def events(call: Call) -> Stream:
    """Send events after a number to the newest, and on when following."""
    query: EventsQuery = call.query
    after = query.after
    if after is None:
        since = 0.0
        if query.job_id is not None:
            since = call.supervisor.job(query.job_id).created_at - _CLOCK_STEP
        after = await _begin_at(call.supervisor, since)
    pieces = _lines(call.supervisor, query, after)
    return Stream("application/x-ndjson", pieces, follows=query.follow)


async def _lines(supervisor: Supervisor, query: EventsQuery, after: int) -> AsyncIterator[bytes]:
    """Yield whole lines; first those that there are, so that a follower sees them at once."""
    left, newest = query.limit, supervisor.newest_seq()
    while True:
        found = await supervisor.events_after(after, _BATCH)
        wanted = [event for event in found if _fits(event, query, newest)][:left]
        yield b"".join(event_document(event).model_dump_json().encode() + b"\n" for event in wanted)
        left = None if left is None else left - len(wanted)
        if found:
            after = found[-1].seq
        if left == 0 or (not query.follow and (not found or after >= newest)):
            return
        if query.follow and after >= supervisor.newest_seq():
            await supervisor.wait_newer(after)


def _fits(event: Event, query: EventsQuery, newest: int) -> bool:
    if not query.follow and event.seq > newest:
        return False
    return query.job_id is None or event.job_id == query.job_id


async def _begin_at(supervisor: Supervisor, time: float) -> int:
    """Return a number that no event before ``time`` has above it, and none that is gone."""
    low, high = 0, supervisor.newest_seq()
    while low < high:
        middle = (low + high) // 2
        try:
            found = await supervisor.events_after(middle, 1)
        except GoneError:
            low = middle + 1
            continue
        if found and found[0].time < time:
            low = middle + 1
        else:
            high = middle
    return low
