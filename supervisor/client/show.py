"""`jobctl show`: one job with its story."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime

import click

from supervisor.client import options
from supervisor.client.connection import Api
from supervisor.client.display import age as in_words
from supervisor.client.display import bold, colour, plain, say, size, state
from supervisor.client.naming import find_jobs
from supervisor.client.output import print_documents
from supervisor.client.story import sentence
from supervisor.client.words import (
    FINAL,
    Document,
    command_line,
    instance_word,
    instances_of,
    lasted,
    outcome,
    short_id,
    unseen,
)

_LABEL = 12


@click.command()
@options.jobs_argument()
@options.labels
@options.as_json
@click.pass_context
def show(
    context: click.Context, *, jobs: tuple[str, ...], labels: tuple[str, ...], as_json: bool
) -> None:
    r"""Show a job: how it stands, what it runs, and what happened to it.

    \b
    jobctl show resnet50
    jobctl show k7m2pd --json
    """
    api = options.api_of(context)
    found = find_jobs(api, jobs, labels)
    if as_json:
        print_documents(found)
        return
    for place, job in enumerate(found):
        if place:
            say()
        for line in _lines(api, job):
            say(line)


def _lines(api: Api, job: Document) -> Iterator[str]:
    instance = instances_of(api, [job]).get(job["instance_id"])
    yield _headline(job, instance)
    away = unseen(job, instance)
    if away:
        yield colour(_field("", away), "yellow")
    where = f"in {plain(job['project_dir'])}   as {plain(job['user'] or 'its owner')}"
    yield _field("command", f"{command_line(job['command'])}   {where}")
    if job["run_dir"] != job["project_dir"]:
        yield _field("files", f"in {plain(job['run_dir'])}")
    if job["labels"]:
        yield _field("labels", plain("  ".join(f"{k}={v}" for k, v in job["labels"].items())))
    if job["checkpoint"]:
        saved = job["checkpoint"]
        facts = f"{size(saved['size'])}, {in_words(saved['age_seconds'])} old"
        yield _field("checkpoint", f"{plain(saved['path'])}   {facts}")
    if job["last_line"]:
        yield _field("last line", plain(job["last_line"]))
    yield _field("log", f"jobctl logs {short_id(job)}")
    yield from _story(api, job)


def _headline(job: Document, instance: Document | None) -> str:
    name = f" {plain(job['name'])}" if job["name"] else ""
    how = outcome(job).replace(job["state"], state(job["state"]), 1)
    for_long = lasted(job)
    spent = (
        f" {'after' if job['state'] in FINAL else 'for'} {for_long}" if job["started_at"] else ""
    )
    where = instance_word(job["instance_id"], None if instance is None else instance["name"])
    zone = instance["availability_zone"] if instance else None
    attempt = f", attempt {job['attempt']}" if job["attempt"] > 1 else ""
    older = ", launched by other means" if job["adopted"] else f", by {plain(job['owner'])}"
    return (
        f"{bold(short_id(job) + name)}   {how}{spent} on {where}"
        f"{f' ({plain(zone)})' if zone else ''}{attempt}{older}"
    )


def _field(label: str, text: str) -> str:
    return f"{label:<{_LABEL}}{text}"


def _story(api: Api, job: Document) -> Iterator[str]:
    """Tell the job's events, with the date wherever it changes."""
    day = ""
    with api.stream("/v1/events", [("job_id", job["job_id"])]) as stream:
        for line in stream:
            event = json.loads(line)
            time = datetime.fromisoformat(event["time"]).astimezone()
            date = f"{time:%Y-%m-%d}"
            if date != day:
                yield colour(f" {date}", "dim")
            day = date
            yield f" {time:%H:%M:%S}   {plain(sentence(event))}"
