"""`jobctl events`: what happened, from any number on, and as it happens."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import click

from supervisor.client import options
from supervisor.client.connection import Api, StreamCutError
from supervisor.client.display import NONE, colour, on_terminal, plain, say, tell
from supervisor.client.errors import UnreachableError
from supervisor.client.output import print_json, print_json_line
from supervisor.client.story import sentence

_PAUSE = 0.5


@click.command()
@click.option("-f", "--follow", is_flag=True, help="Go on as they happen.")
@click.option("--since", type=click.IntRange(min=0), metavar="SEQ", help="After this number.")
@options.as_json
@click.pass_context
def events(context: click.Context, *, follow: bool, since: int | None, as_json: bool) -> None:
    r"""Tell what happened, in order; without --since all that is kept, with -f from now on.

    \b
    jobctl events
    jobctl events -f --since 4711 --json

    Each has a number without gaps, so --since with the last one that you saw misses none.
    """
    api = options.api_of(context)
    found = read(api, _start(api, since, follow=follow), follow=follow)
    if as_json and not follow:
        print_json({"items": list(found), "next_cursor": None})
        return
    for event in found:
        if as_json:
            print_json_line(event)
        else:
            say(line(event))


def read(api: Api, after: int | None, *, follow: bool) -> Iterator[dict[str, Any]]:
    """Yield events; when following, over restarts of the supervisor too."""
    told = False
    while True:
        try:
            with api.stream("/v1/events", [("after", after), ("follow", follow)]) as stream:
                for text in stream:
                    event = json.loads(text)
                    after, told = event["seq"], False
                    yield event
            if not follow:
                return
        except (StreamCutError, UnreachableError):
            if not follow or (after is None and not told):
                raise
        if not told:
            tell("jobctl: the supervisor is away; events are read on when it is back")
        told = True
        time.sleep(_PAUSE)


def line(event: dict[str, Any]) -> str:
    """Write one event as a line."""
    when = datetime.fromisoformat(event["time"]).astimezone()
    time_text = f"{when:%H:%M:%S}" if on_terminal() else event["time"]
    about = event["job_id"]
    if about and on_terminal():
        about = about[:6]
    parts = (
        f"{event['seq']:>6}",
        colour(time_text, "dim"),
        f"{plain(event['type']):<24}",
        plain(event["instance_id"] or NONE),
        plain(about or NONE),
        plain(sentence(event)),
    )
    return "  ".join(parts)


def _start(api: Api, since: int | None, *, follow: bool) -> int | None:
    """Return the number to begin after: the newest when following, else the oldest kept."""
    if since is not None or not follow:
        return since
    newest = api.get("/v1/status").get("newest_seq")
    return newest if isinstance(newest, int) else None
