"""What commands have in common: options, the connection, and the question before an end."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, TypeVar

import click

from supervisor.client.connection import Api
from supervisor.client.display import plain
from supervisor.client.errors import ClientError, usage

Command = TypeVar("Command", bound=Callable[..., Any])

as_json = click.option("--json", "as_json", is_flag=True, help="One document, or JSON lines.")
dry_run = click.option("--dry-run", is_flag=True, help="Only say what would be done, and why not.")
labels = click.option(
    "--label",
    "labels",
    multiple=True,
    metavar="KEY=VALUE",
    help="Those with this label; several: all of them.",
)
yes = click.option("--yes", "-y", is_flag=True, help="Do not ask.")
force = click.option("--force", is_flag=True, help="Even where jobs or checkpoints are lost.")


def api_of(context: click.Context) -> Api:
    """Return the connection that the group made."""
    api = context.find_object(Api)
    if api is None:
        raise ClientError("no connection was set up")
    return api


def jobs_argument(*, required: bool = False) -> Callable[[Command], Command]:
    """Take jobs, named by id, its beginning, or name."""
    return click.argument(
        "jobs", nargs=-1, required=required, metavar="JOB...", shell_complete=_complete("jobs")
    )


def job_argument() -> Callable[[Command], Command]:
    """Take one job."""
    return click.argument("job", metavar="JOB", shell_complete=_complete("jobs"))


def instances_argument() -> Callable[[Command], Command]:
    """Take instances."""
    return click.argument(
        "instances", nargs=-1, metavar="INSTANCE...", shell_complete=_complete("instances")
    )


def instance_argument() -> Callable[[Command], Command]:
    """Take one instance."""
    return click.argument("instance", metavar="INSTANCE", shell_complete=_complete("instances"))


def confirm(question: str, *, yes: bool) -> None:
    """Ask a person on a terminal; elsewhere ``--yes`` is needed.

    Raises:
        ClientError: nobody can be asked, or the answer is no.

    """
    if yes:
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise usage(f"{plain(question)} Nobody can be asked here.", "Say so:   --yes")
    sys.stderr.write(f"{plain(question)} [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise ClientError("nothing was done")


def _complete(kind: str) -> Callable[..., list[Any]]:
    def complete(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[Any]:
        from supervisor.client.completion import candidates  # noqa: PLC0415 - only when asked

        return candidates(context, kind, incomplete)

    return complete
