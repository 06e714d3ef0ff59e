"""`jobctl ps`: the jobs, newest first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from supervisor.client import options
from supervisor.client.display import NONE, plain, say, since, table, width
from supervisor.client.naming import check_labels, me
from supervisor.client.output import print_json
from supervisor.client.words import (
    FINAL,
    Document,
    instance_word,
    instances_of,
    lasted,
    short_ids,
    unseen,
)

_HEAD = ("JOB", "NAME", "INSTANCE", "STATE", "FOR", "PID", "SEEN", "LAST LINE")
_DROPPED = ("PID", "LAST LINE", "SEEN", "NAME", "FOR")
_LIVE = ("pending", "launching", "running", "finishing")


@click.command()
@click.option("--all", "-a", "everything", is_flag=True, help="Those that are over as well.")
@click.option("--mine", is_flag=True, help="Only those that you launched.")
@click.option("--state", "states", multiple=True, type=click.Choice((*_LIVE, *FINAL)))
@click.option("--instance", "instances", multiple=True, metavar="ID", help="Only on this one.")
@options.labels
@options.as_json
@click.pass_context
def ps(
    context: click.Context,
    *,
    everything: bool,
    mine: bool,
    states: tuple[str, ...],
    instances: tuple[str, ...],
    labels: tuple[str, ...],
    as_json: bool,
) -> None:
    r"""List jobs, newest first: those that live, or with --all every one.

    \b
    jobctl ps --mine
    jobctl ps --all --label team=vision --state failed
    """
    api = options.api_of(context)
    check_labels(labels)
    wanted = states or (() if everything else _LIVE)
    query: list[tuple[str, Any]] = [
        *(("state", state) for state in wanted),
        *(("instance_id", key) for key in instances),
        *(("label", label) for label in labels),
        ("owner", me() if mine else None),
    ]
    jobs = list(api.items("/v1/jobs", query))
    if as_json:
        print_json({"items": jobs, "next_cursor": None})
        return
    known = instances_of(api, jobs)
    for line in lines(jobs, known, all_shown=everything or bool(states)):
        say(line)


def lines(
    jobs: Sequence[Document], known: dict[str, Document], *, all_shown: bool = True
) -> list[str]:
    """Lay out the jobs, and count them."""
    short = short_ids(jobs)
    rows = [_row(job, short[job["job_id"]], known.get(job["instance_id"])) for job in jobs]
    away = sum(unseen(job, known.get(job["instance_id"])) is not None for job in jobs)
    count = "no jobs" if not jobs else "1 job" if len(jobs) == 1 else f"{len(jobs)} jobs"
    foot = f"{count}, {away} not seen lately." if away else f"{count}."
    hint = "" if all_shown else "All: jobctl ps --all"
    room = width()
    narrow = room is not None and len(foot) + len(hint) + 3 > room
    feet = [foot, hint] if narrow else [f"{foot}   {hint}".rstrip()]
    return [*(table(_HEAD, rows, drop=_DROPPED) if rows else []), *filter(None, feet)]


def _row(job: Document, short: str, instance: Document | None) -> list[str]:
    why = unseen(job, instance)
    seen = since(job["last_seen_at"])
    name = None if instance is None else instance["name"]
    return [
        short,
        plain(job["name"] or NONE),
        instance_word(job["instance_id"], name),
        str(job["state"]),
        lasted(job),
        str(job["pid"] or NONE),
        f"{seen} !" if why else seen,
        " ".join(filter(None, (why, plain(job["last_line"] or "")))),
    ]
