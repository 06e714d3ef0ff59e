"""`jobctl wait`: until jobs are over; its exit code is theirs."""

from __future__ import annotations

import time
from collections.abc import Sequence

import click

from supervisor.client import options
from supervisor.client.connection import Api, part
from supervisor.client.display import bold, tell
from supervisor.client.errors import WAIT_FAILED, ClientError, UnreachableError
from supervisor.client.naming import find_jobs
from supervisor.client.output import print_documents
from supervisor.client.progress import Progress
from supervisor.client.words import FINAL, Document, lasted, outcome, short_id, titled

_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 0.5


@click.command()
@options.jobs_argument()
@options.labels
@click.option("--timeout", type=click.FloatRange(min=0), metavar="SECONDS", help="Then give up.")
@options.as_json
@click.pass_context
def wait(
    context: click.Context,
    *,
    jobs: tuple[str, ...],
    labels: tuple[str, ...],
    timeout: float | None,
    as_json: bool,
) -> int:
    r"""Wait until jobs are over, and exit with the exit code of the first that is not 0.

    \b
    jobctl wait k7m2pd && echo done
    jobctl wait --label run=7 --timeout 3600

    A job that a signal ended counts as 128 + its number; 125 is for a job without a known exit
    code, and for what goes wrong in waiting itself: a timeout, no such job, no supervisor.
    """
    api = options.api_of(context)
    found = find_jobs(api, jobs, labels)
    return wait_for(api, found, timeout, as_json=as_json)


def wait_for(
    api: Api, jobs: Sequence[Document], timeout: float | None = None, *, as_json: bool = False
) -> int:
    """Wait for jobs; return the exit code that tells of them all."""
    until = None if timeout is None else time.monotonic() + timeout
    with Progress() as progress:
        ended = [_one(api, job, until, progress) for job in jobs]
    if as_json:
        print_documents(ended)
    else:
        for job in ended:
            tell(f"{bold(titled(job))} {outcome(job)} after {lasted(job)}")
    codes = (exit_code(job) for job in ended)
    return next((code for code in codes if code != 0), 0)


def exit_code(job: Document) -> int:
    """Return what a job that is over counts as."""
    if job["signal"] is not None:
        return 128 + int(job["signal"])
    return WAIT_FAILED if job["exit_code"] is None else int(job["exit_code"])


def _one(api: Api, job: Document, until: float | None, progress: Progress) -> Document:
    pause = _FIRST_PAUSE
    while job["state"] not in FINAL:
        progress.show(
            f"waiting for {titled(job)}: {job['state']}, {lasted(job)}   "
            "(Ctrl-C stops the waiting, not the job)"
        )
        left = pause if until is None else min(pause, until - time.monotonic())
        if left < 0:
            raise ClientError(
                f"{titled(job)} is still {job['state']}",
                (f"It goes on. Wait again:   jobctl wait {short_id(job)}",),
                WAIT_FAILED,
            )
        time.sleep(left)
        pause = min(_LONGEST_PAUSE, pause * 1.5)
        try:
            job = api.get(f"/v1/jobs/{part(job['job_id'])}")
        except UnreachableError as error:
            # It was there at first: it may be restarting, and the job runs on without it.
            progress.show(f"{error.what} Still waiting for {titled(job)}.")
    return job
