"""`jobctl instances`, `track`, `untrack` and `poll`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import click

from supervisor.client import options
from supervisor.client.connection import Api, part
from supervisor.client.display import NONE, plain, say, since, size, table, tell
from supervisor.client.errors import ClientError
from supervisor.client.naming import check_labels, find_instances
from supervisor.client.output import print_documents, print_json
from supervisor.client.progress import Progress
from supervisor.client.words import Document

_HEAD = ("INSTANCE", "NAME", "STATE", "AGENT", "JOBS", "CHECKPOINTS", "DISK FREE", "LOOKED AT")
_DROPPED = ("DISK FREE", "CHECKPOINTS", "NAME", "AGENT")
_AT_ONCE = 16
"""Looks asked for at a time: the supervisor gathers them into batches."""


@click.command()
@options.labels
@click.option("--state", "states", multiple=True, metavar="WORD", help="EC2's word: running, …")
@options.as_json
@click.pass_context
def instances(
    context: click.Context, *, labels: tuple[str, ...], states: tuple[str, ...], as_json: bool
) -> None:
    r"""List the instances that are looked after, as last seen.

    \b
    jobctl instances
    jobctl instances --label team=vision --json
    """
    api = options.api_of(context)
    check_labels(labels)
    query = [*(("label", label) for label in labels), *(("state", word) for word in states)]
    found = list(api.items("/v1/instances", query))
    if as_json:
        print_json({"items": found, "next_cursor": None})
        return
    for line in _lines(found):
        say(line)


@click.command()
@options.instances_argument()
@options.dry_run
@options.as_json
@click.pass_context
def track(
    context: click.Context, *, instances: tuple[str, ...], dry_run: bool, as_json: bool
) -> None:
    r"""Look after instances from now on, whatever their tags say.

    \b
    jobctl track i-0a1b2c3d4e5f60718
    jobctl track --dry-run i-0a1b2c3d4e5f60718
    """
    api = options.api_of(context)
    keys = find_instances(api, instances, ())
    found = [_post(api, key, "track", {"dry_run": dry_run}) for key in keys]
    would = "would be looked after" if dry_run else "is looked after"
    _print(found, lambda item: f"{item['instance_id']}  {would}", as_json=as_json)


@click.command()
@options.instances_argument()
@options.labels
@click.option("--force", is_flag=True, help="Let go of live jobs on them as well.")
@options.dry_run
@options.as_json
@click.pass_context
def untrack(
    context: click.Context,
    *,
    instances: tuple[str, ...],
    labels: tuple[str, ...],
    force: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    r"""Look after instances no longer, whatever their tags say; nothing on them is touched.

    \b
    jobctl untrack i-0a1b2c3d4e5f60718
    jobctl untrack --label team=vision --dry-run
    """
    api = options.api_of(context)
    keys = find_instances(api, instances, labels)
    body = {"force": force, "dry_run": dry_run}
    found = [_post(api, key, "untrack", body) for key in keys]
    would = "would be let go" if dry_run else "is looked after no longer"
    _print(found, lambda item: f"{item['instance_id']}  {would}", as_json=as_json)


@click.command()
@options.instances_argument()
@options.labels
@options.as_json
@click.pass_context
def poll(
    context: click.Context, *, instances: tuple[str, ...], labels: tuple[str, ...], as_json: bool
) -> int:
    r"""Look at instances now, and wait for what they tell; at all that run when none is named.

    \b
    jobctl poll
    jobctl poll i-0a1b2c3d4e5f60718
    """
    api = options.api_of(context)
    if instances or labels:
        keys = find_instances(api, instances, labels)
    else:
        running = api.items("/v1/instances")
        keys = [item["instance_id"] for item in running if item["state"] in ("running", None)]
    found: list[Document] = []
    failed: list[ClientError] = []
    with Progress() as progress:
        for done, result in enumerate(_looks(api, keys)):
            progress.show(f"looked at {done + 1} of {len(keys)}")
            (failed if isinstance(result, ClientError) else found).append(result)  # type: ignore[arg-type]
    found.sort(key=lambda item: item["instance_id"])
    if as_json and (found or len(keys) > 1):
        print_documents(found)
    elif found or not failed:
        for line in _lines(found):
            say(line)
    if len(keys) == 1 and failed:
        raise failed[0]
    for error in failed:
        tell("\n".join(plain(line) for line in error.lines()))
    return failed[0].code if failed else 0


def _looks(api: Api, keys: list[str]) -> Iterator[Document | ClientError]:
    """Ask for a look at each, several at a time; yield each answer as it comes."""
    from concurrent.futures import ThreadPoolExecutor, as_completed  # noqa: PLC0415 - slow to load

    def look(key: str) -> Document | ClientError:
        try:
            return _post(api.another(), key, "poll", {})
        except ClientError as error:
            return error

    with ThreadPoolExecutor(_AT_ONCE) as threads:
        for future in as_completed([threads.submit(look, key) for key in keys]):
            yield future.result()


def _post(api: Api, key: str, verb: str, body: dict[str, Any]) -> Document:
    document: Document = api.post(f"/v1/instances/{part(key)}/{verb}", body)
    return document


def _print(found: list[Document], tells: Callable[[Document], str], *, as_json: bool) -> None:
    if as_json:
        print_documents(found)
        return
    for item in found:
        say(tells(item))


def _lines(found: list[Document]) -> list[str]:
    if not found:
        return ["no instances.   Track one:   jobctl track INSTANCE"]
    away = sum(item["reachable"] is False for item in found)
    count = "1 instance" if len(found) == 1 else f"{len(found)} instances"
    foot = f"{count}, {away} unreachable." if away else f"{count}."
    return [*table(_HEAD, [_row(item) for item in found], drop=_DROPPED), foot]


def _row(item: Document) -> list[str]:
    reachable = {True: "reachable", False: "unreachable", None: NONE}[item["reachable"]]
    if item["reachable"] is False:
        reachable += f" {since(item['unreachable_since'])}"
    free = item["host"]["disk_free"]
    saved = str(len(item["checkpoints"]))
    return [
        item["instance_id"],
        plain(item["name"] or NONE),
        plain(item["state"] or NONE),
        reachable,
        str(len(item["jobs"])),
        saved if item["checkpoints_known"] else f"{saved} known",
        NONE if free is None else size(free),
        since(item["last_look_at"]),
    ]
