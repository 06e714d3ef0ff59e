"""`jobctl stop-instance`, `start-instance` and `terminate-instance`, followed to their end."""

from __future__ import annotations

import sys
import time
from typing import Any

import click

from supervisor.client import options
from supervisor.client.connection import Api, part
from supervisor.client.display import plain, say, tell
from supervisor.client.errors import ClientError, UnreachableError
from supervisor.client.naming import find_instances
from supervisor.client.output import print_documents
from supervisor.client.progress import Progress
from supervisor.client.words import Document

_PAUSE = 0.3
_ASKS = {
    "stop": "Stop {}? Its processes end; its EBS disk is kept.",
    "terminate": "Terminate {}? Its disk is gone with it.",
}
_WAYS = {"stop": "stopped", "start": "running", "terminate": "terminated"}


@click.command()
@options.instances_argument()
@options.labels
@options.force
@options.yes
@options.dry_run
@options.as_json
@click.pass_context
def stop_instance(context: click.Context, /, **given: Any) -> int:
    r"""Stop instances: refused where jobs live on them; an EBS disk is kept.

    \b
    jobctl stop-instance i-0a1b2c3d4e5f60718
    jobctl stop-instance --label team=vision --yes
    """
    return _end("stop", context, **given)


@click.command()
@options.instances_argument()
@options.labels
@options.dry_run
@options.as_json
@click.pass_context
def start_instance(context: click.Context, /, **given: Any) -> int:
    r"""Start stopped instances.

    \b
    jobctl start-instance i-0a1b2c3d4e5f60718
    jobctl start-instance --label team=vision
    """
    return _end("start", context, force=False, yes=True, **given)


@click.command()
@options.instances_argument()
@options.labels
@options.force
@options.yes
@options.dry_run
@options.as_json
@click.pass_context
def terminate_instance(context: click.Context, /, **given: Any) -> int:
    r"""Terminate instances: refused where checkpoints or jobs would be lost.

    \b
    jobctl terminate-instance i-0a1b2c3d4e5f60718
    jobctl terminate-instance --force --yes i-0a1b2c3d4e5f60718
    """
    return _end("terminate", context, **given)


def _end(
    kind: str,
    context: click.Context,
    *,
    instances: tuple[str, ...],
    labels: tuple[str, ...],
    force: bool,
    yes: bool,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Do it to each; one that is refused does not hold the others. Return the first code."""
    api = options.api_of(context)
    keys = find_instances(api, instances, labels)
    ended: list[Document] = []
    failed: list[ClientError] = []
    for key in keys:
        try:
            ended.append(_one(api, kind, key, force=force, yes=yes, dry_run=dry_run))
        except ClientError as error:
            if len(keys) == 1:
                raise
            failed.append(error)
            tell("\n".join(plain(line) for line in error.lines()))
    if as_json:
        print_documents(ended)
    elif dry_run:
        for operation in ended:
            say(f"{operation['instance_id']}  {_would(operation)}")
    codes = [*(error.code for error in failed), *(_code(operation) for operation in ended)]
    return next((code for code in codes if code), 0)


def _one(api: Api, kind: str, key: str, *, force: bool, yes: bool, dry_run: bool) -> Document:
    path = f"/v1/instances/{part(key)}/{kind}"
    if kind in _ASKS and not yes and not dry_run:
        if sys.stdin.isatty():
            # What is refused is told before anybody is asked.
            api.post(path, {"force": force, "dry_run": True})
        lost = " Jobs and checkpoints on it are lost." if force else ""
        options.confirm(_ASKS[kind].format(key) + lost, yes=yes)
    operation: Document = api.post(path, {"force": force, "dry_run": dry_run})
    return operation if dry_run else _follow(api, operation)


def _follow(api: Api, operation: Document) -> Document:
    """Show each step as it goes, until the operation is over."""
    told: set[str] = set()
    with Progress() as progress:
        while True:
            for step in operation["steps"]:
                text = _step(step)
                if step["state"] in ("done", "failed") and step["name"] not in told:
                    told.add(step["name"])
                    progress.clear()
                    tell(f"{operation['instance_id']}  {text}")
                elif step["state"] == "running":
                    progress.show(f"{operation['instance_id']}  {text}   (Ctrl-C: it goes on)")
            if operation["state"] != "running":
                break
            time.sleep(_PAUSE)
            operation = _again(api, operation, progress)
    if operation["state"] == "done":
        tell(f"{operation['instance_id']}  {_WAYS.get(operation['kind'], 'done')}")
    else:
        tell(f"{operation['instance_id']}  {operation['kind']} {operation['state']}")
    return operation


def _again(api: Api, operation: Document, progress: Progress) -> Document:
    try:
        found: Document = api.get(f"/v1/operations/{part(operation['operation_id'])}")
    except UnreachableError as error:
        # It was there at first: it may be restarting, and an operation outlives that.
        progress.show(error.what)
        return operation
    return found


def _step(step: Document) -> str:
    words = [step["name"], step["state"]]
    words += [str(step[part_]) for part_ in ("progress", "reason") if step[part_]]
    return plain("  ".join(words))


def _would(operation: Document) -> str:
    steps = ", then ".join(plain(step["name"]) for step in operation["steps"])
    return f"would {operation['kind']}: {steps}" if steps else f"would {operation['kind']}"


def _code(operation: Document) -> int:
    return 1 if operation["state"] in ("failed", "expired") else 0
