"""`jobctl terminate`: the end of jobs."""

from __future__ import annotations

import click

from supervisor.client import options
from supervisor.client.connection import part
from supervisor.client.display import say
from supervisor.client.naming import find_jobs, me
from supervisor.client.output import print_documents
from supervisor.client.words import FINAL, Document, outcome, short_id, titled


@click.command()
@options.jobs_argument()
@options.labels
@click.option(
    "--grace",
    type=click.FloatRange(min=0, max=86400),
    metavar="SECONDS",
    help="Between SIGTERM and SIGKILL; default: the job's own.",
)
@options.yes
@options.dry_run
@options.as_json
@click.pass_context
def terminate(
    context: click.Context,
    *,
    jobs: tuple[str, ...],
    labels: tuple[str, ...],
    grace: float | None,
    yes: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    r"""End jobs: SIGTERM, a grace, then SIGKILL, to the whole process tree.

    \b
    jobctl terminate k7m2pd
    jobctl terminate --label run=7 --grace 120 --yes
    """
    api = options.api_of(context)
    found = find_jobs(api, jobs, labels)
    others = [job for job in found if job["owner"] != me() and job["state"] not in FINAL]
    if others and not dry_run:
        whose = ", ".join(f"{titled(job)} of {job['owner']}" for job in others)
        options.confirm(f"End {whose}?", yes=yes)
    body = {"grace_seconds": grace, "dry_run": dry_run}
    asked = [api.post(f"/v1/jobs/{part(job['job_id'])}/terminate", body) for job in found]
    if as_json:
        print_documents(asked)
        return
    for before, after in zip(found, asked, strict=True):
        say(_told(before, after, dry_run=dry_run))


def _told(before: Document, after: Document, *, dry_run: bool) -> str:
    if before["state"] in FINAL:
        return f"{titled(before)}  is over already: {outcome(before)}"
    if dry_run:
        return f"{titled(before)}  is {before['state']}, and would be asked to end (SIGTERM)"
    if after["state"] in FINAL:
        return f"{titled(after)}  {outcome(after)}"
    return f"{titled(after)}  asked to end (SIGTERM)   jobctl wait {short_id(after)}"
