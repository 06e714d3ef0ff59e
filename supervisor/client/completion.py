"""`jobctl completion`: the script for a shell, and what may come next of jobs and instances."""

from __future__ import annotations

import re

import click
from click.shell_completion import CompletionItem, get_completion_class

from supervisor.client.connection import Api
from supervisor.client.display import plain, say
from supervisor.client.errors import ClientError

_ANSWER_WITHIN = 2.0
"""Seconds: who presses Tab does not wait longer."""
_TYPED = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
"""Names that no shell would read as anything else."""


@click.command()
@click.argument("shell", type=click.Choice(("bash", "zsh", "fish")))
@click.pass_context
def completion(context: click.Context, *, shell: str) -> None:
    r"""Print what makes a shell complete commands, options, jobs and instances.

    \b
    jobctl completion bash > /etc/bash_completion.d/jobctl
    jobctl completion zsh > "${fpath[1]}/_jobctl"
    """
    kind = get_completion_class(shell)
    if kind is None:
        raise ClientError(f"no completion for {shell}")
    say(kind(context.find_root().command, {}, "jobctl", "_JOBCTL_COMPLETE").source())


def candidates(context: click.Context, kind: str, incomplete: str) -> list[CompletionItem]:
    """Return ids and names that begin so; none where the supervisor does not answer."""
    root = context.find_root()
    api = Api(root.params.get("socket"), _ANSWER_WITHIN)
    try:
        found = _jobs(api) if kind == "jobs" else _instances(api)
        return [item for item in found if item.value.startswith(incomplete)]
    except ClientError:
        return []  # there is nobody to tell: the shell shows no candidates


def _jobs(api: Api) -> list[CompletionItem]:
    found: list[CompletionItem] = []
    for job in api.get("/v1/jobs", [("limit", 1000)])["items"]:
        about = plain(f"{job['name'] or ''} {job['state']} on {job['instance_id']}".strip())
        found.append(CompletionItem(job["job_id"], help=about))
        if job["name"] and _TYPED.fullmatch(job["name"]):
            found.append(CompletionItem(job["name"], help=plain(job["state"])))
    return found


def _instances(api: Api) -> list[CompletionItem]:
    return [
        CompletionItem(item["instance_id"], help=plain(f"{item['name'] or ''} {item['state']}"))
        for item in api.get("/v1/instances", [("limit", 1000)])["items"]
    ]
