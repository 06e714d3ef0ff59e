"""`jobctl launch` and `jobctl rerun`."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

import click

from supervisor.client import options
from supervisor.client.connection import Api, part
from supervisor.client.display import on_terminal, plain, say
from supervisor.client.errors import usage
from supervisor.client.naming import check_labels, find_instances, find_jobs
from supervisor.client.output import print_documents
from supervisor.client.waiting import wait_for
from supervisor.client.words import Document, command_line, short_id, titled

_END = click.Choice(("none", "stop", "terminate"))
_SECONDS = click.FloatRange(min=0)


@click.command()
@options.instance_argument()
@click.argument("command", nargs=-1, required=True, metavar="-- COMMAND...")
@click.option("--project-dir", required=True, metavar="DIR", help="Its working directory there.")
@click.option("--run-dir", metavar="DIR", help="Holds PID file and log; default: --project-dir.")
@click.option("--create", is_flag=True, help="Make the directory where it does not exist.")
@click.option("--name", help="What to call it.")
@click.option("--user", help="Whom to run it as; default: the directory's owner.")
@click.option("--env", "env", multiple=True, metavar="K=V", help="Not for secrets.")
@click.option("--env-file", metavar="FILE", help="KEY=value lines in a file on the instance.")
@click.option("--label", "labels", multiple=True, metavar="K=V", help="To find it by.")
@click.option("--checkpoint-dir", metavar="DIR", help="Where it writes checkpoints.")
@click.option("--s3-uri", metavar="URI", help="Where its checkpoints are saved.")
@click.option("--on-complete", type=_END, help="What becomes of the instance then.")
@click.option("--on-failure", type=_END, help="What becomes of the instance then.")
@click.option("--timeout", "timeout_seconds", type=_SECONDS, metavar="SECONDS", help="Its longest.")
@click.option("--grace", "grace_seconds", type=_SECONDS, metavar="SECONDS", help="Default: 30.")
@click.option("--start-within", "start_within_seconds", type=_SECONDS, metavar="SECONDS")
@click.option("--max-attempts", type=click.IntRange(min=1), help="Default: 1.")
@click.option("--retry-on-failure", is_flag=True, help="Not only after an interruption.")
@click.option("--resume-argument", "resume_arguments", multiple=True, metavar="WORD")
@click.option("--resume-on", metavar="same|tag:K=V", help="Where further attempts run.")
@click.option("--idempotency-key", metavar="KEY", help="The same key launches once in 24 hours.")
@click.option("--wait", "waits", is_flag=True, help="Wait for its end; exit as it does.")
@options.dry_run
@options.as_json
@click.pass_context
def launch(
    context: click.Context,
    /,
    *,
    instance: str,
    env: tuple[str, ...],
    labels: tuple[str, ...],
    idempotency_key: str | None,
    waits: bool,
    as_json: bool,
    **given: Any,
) -> int:
    r"""Launch a command on an instance; it goes on when you log out, and when the supervisor stops.

    \b
    jobctl launch i-0a1b2c3d4e5f60718 --project-dir /home/ubuntu/resnet -- python train.py --lr 0.1
    jobctl launch gpu-3 --project-dir /data/tune --name tune-7 --wait -- ./tune.sh

    Without a terminal it prints the job's id alone.
    """
    api = options.api_of(context)
    check_labels(labels)
    fields = {name: value for name, value in given.items() if value not in (None, ())}
    body = {
        **fields,
        "instance_id": find_instances(api, (instance,), ())[0],
        "command": list(given["command"]),
        "env": _pairs("--env", env),
        "labels": _pairs("--label", labels),
    }
    key = idempotency_key or uuid.uuid4().hex
    job = api.post("/v1/jobs", body, key)
    return _told(api, [job], waits=waits, as_json=as_json, dry_run=given["dry_run"])


@click.command()
@options.jobs_argument()
@options.labels
@click.option("--idempotency-key", metavar="KEY", help="The same key launches once in 24 hours.")
@click.option("--wait", "waits", is_flag=True, help="Wait for their end; exit as they did.")
@options.dry_run
@options.as_json
@click.pass_context
def rerun(
    context: click.Context,
    *,
    jobs: tuple[str, ...],
    labels: tuple[str, ...],
    idempotency_key: str | None,
    waits: bool,
    dry_run: bool,
    as_json: bool,
) -> int:
    r"""Launch again what jobs launched, with everything that they were given, as new jobs.

    \b
    jobctl rerun resnet50
    jobctl rerun --label run=7 --wait
    """
    api = options.api_of(context)
    again: list[Document] = []
    for before in find_jobs(api, jobs, labels):
        key = f"{idempotency_key or uuid.uuid4().hex}.{before['job_id']}"
        path = f"/v1/jobs/{part(before['job_id'])}/rerun"
        again.append(api.post(path, {"dry_run": dry_run}, key))
    return _told(api, again, waits=waits, as_json=as_json, dry_run=dry_run)


def _told(api: Api, jobs: Sequence[Document], *, waits: bool, as_json: bool, dry_run: bool) -> int:
    waits = waits and not dry_run
    if as_json and not waits:
        print_documents(jobs)
    elif not as_json:
        for job in jobs:
            say(_would_launch(job) if dry_run else _launched(job))
    return wait_for(api, jobs, as_json=as_json) if waits else 0


def _would_launch(job: Document) -> str:
    where = f"in {plain(job['project_dir'])} on {job['instance_id']}"
    return f"would launch {command_line(job['command'])} {where}"


def _launched(job: Document) -> str:
    """Tell a person all, and a script the id alone."""
    if not on_terminal():
        return str(job["job_id"])
    where = f"{job['state']} on {job['instance_id']}"
    return f"{titled(job)}  {where}   jobctl logs -f {short_id(job)}"


def _pairs(option: str, given: tuple[str, ...]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for item in given:
        key, equals, value = item.partition("=")
        if not equals or not key:
            raise usage(f"{option} {item}: write it as KEY=VALUE")
        pairs[key] = value
    return pairs
