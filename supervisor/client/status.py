"""`jobctl status`: how things stand, on one screen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from supervisor.client import options
from supervisor.client.display import age, bold, colour, plain, say
from supervisor.client.output import print_json
from supervisor.client.words import FINAL

_LABEL = 14


@click.command()
@options.as_json
@click.pass_context
def status(context: click.Context, *, as_json: bool) -> None:
    r"""Tell how the supervisor, its instances and jobs stand, and what needs a person.

    \b
    jobctl status
    jobctl status --json
    """
    document: dict[str, Any] = options.api_of(context).get("/v1/status")
    if as_json:
        print_json(document)
        return
    for line in _lines(document):
        say(line)


def _lines(found: dict[str, Any]) -> Iterator[str]:
    up = found.get("up_seconds")
    name = plain(found.get("supervisor_id") or "supervisor")
    since = "" if up is None else f", up {age(up)}"
    yield f"{bold(name)}   version {plain(found.get('version', 'unknown'))}{since}"
    yield _field("instances", _instances(found.get("instances") or {}))
    yield _field("jobs", _jobs(found.get("jobs") or {}))
    oldest = found.get("oldest_look")
    if oldest:
        yield _field("oldest look", _oldest(oldest))
    for operation, account in sorted((found.get("calls") or {}).items()):
        yield _field("calls", f"{plain(operation)}  {_account(account)}")
    for sink, lag in sorted((found.get("sinks") or {}).items()):
        yield _field("sink", f"{plain(sink)}  {_account(lag)}")
    if found.get("newest_seq") is not None:
        yield _field("events", f"newest {found['newest_seq']}")
    if found.get("fleet_failure"):
        yield _field("EC2", colour(plain(found["fleet_failure"]), "red"))
    needed = found.get("attention") or []
    for text in needed:
        yield _field("needs you", colour(plain(text), "yellow"))
    if not needed:
        yield _field("needs you", "nothing")


def _instances(found: dict[str, Any]) -> str:
    parts = [f"{found.get('tracked', 0)} tracked"]
    known = (key for key in ("reachable", "unreachable", "not_looked_at") if found.get(key))
    parts += [f"{found[key]} {key.replace('_', ' ')}" for key in known]
    states = ", ".join(f"{count} {plain(word)}" for word, count in _sorted(found.get("by_state")))
    return ", ".join(parts) + (f"   (EC2: {states})" if states else "")


def _jobs(found: dict[str, int]) -> str:
    live = [f"{count} {plain(word)}" for word, count in _sorted(found) if word not in FINAL]
    over = [f"{count} {plain(word)}" for word, count in _sorted(found) if word in FINAL]
    return f"{', '.join(live) or 'none live'}{'   over: ' + ', '.join(over) if over else ''}"


def _sorted(found: dict[str, int] | None) -> list[tuple[str, int]]:
    return sorted((found or {}).items())


def _oldest(found: dict[str, Any]) -> str:
    seconds = found.get("age_seconds")
    how_old = "never yet" if seconds is None else f"{age(seconds)} ago"
    why = f"   {plain(found['why'])}" if found.get("why") else ""
    return f"{plain(found.get('instance_id'))}, {how_old}{why}"


def _account(found: Any) -> str:
    if isinstance(found, dict):
        return ", ".join(f"{plain(key)} {plain(value)}" for key, value in found.items())
    return plain(found)


def _field(label: str, text: str) -> str:
    return f"{label:<{_LABEL}}{text}"
