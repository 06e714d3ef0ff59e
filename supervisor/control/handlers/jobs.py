"""Jobs: launch, list, show, end, launch again, and their logs."""

from __future__ import annotations

from supervisor.control.bodies import JobsQuery, LaunchBody, LogsQuery, TerminateJobBody, digest
from supervisor.control.messages import JobPage, job_document
from supervisor.control.paging import fits_labels, page, read_cursor
from supervisor.control.port import ConflictError
from supervisor.control.route import Answer, Call, Stream
from supervisor.domain.access import Role
from supervisor.domain.model import Job


async def launch(call: Call) -> Answer:
    """Accept a launch; durable when answered."""
    body: LaunchBody = call.body
    job = await call.supervisor.launch(
        body.spec(),
        call.caller.actor,
        idempotency_key=None if body.dry_run else call.idempotency_key,
        body_digest=digest(body),
        dry_run=body.dry_run,
    )
    return Answer(200 if body.dry_run else 202, job_document(job, call.now))


async def list_jobs(call: Call) -> Answer:
    """List jobs, newest first."""
    query: JobsQuery = call.query
    found, cursor = page(
        (job for job in call.supervisor.jobs() if _fits(job, query)),
        place=_place,
        after=read_cursor(query.cursor, (float, str)),
        limit=query.limit,
        descending=True,
    )
    items = tuple(job_document(job, call.now) for job in found)
    return Answer(200, JobPage(items=items, next_cursor=cursor))


async def show_job(call: Call) -> Answer:
    """Show one job."""
    return Answer(200, job_document(call.supervisor.job(call.path["job_id"]), call.now))


async def terminate_job(call: Call) -> Answer:
    """Ask for the end of a job's process tree."""
    body: TerminateJobBody = call.body
    job = call.supervisor.job(call.path["job_id"])
    call.must_be_allowed(f"end job {job.job_id}", Role.OPERATOR, (job.owner_uid,))
    after = await call.supervisor.terminate_job(
        job.job_id, call.caller.actor, grace_seconds=body.grace_seconds, dry_run=body.dry_run
    )
    return Answer(200 if body.dry_run else 202, job_document(after, call.now))


async def rerun_job(call: Call) -> Answer:
    """Launch again what another job launched, as the caller's own job."""
    job = call.supervisor.job(call.path["job_id"])
    if job.adopted:
        raise ConflictError(
            f"job {job.job_id} cannot be launched again",
            "it was launched by other means, so how is not known",
            (f"Launch it anew:   jobctl launch {job.instance_id} -- COMMAND…",),
        )
    dry_run: bool = call.body.dry_run
    again = await call.supervisor.launch(
        job.spec,
        call.caller.actor,
        idempotency_key=None if dry_run else call.idempotency_key,
        body_digest=f"rerun of {job.job_id}",
        dry_run=dry_run,
    )
    return Answer(200 if dry_run else 202, job_document(again, call.now))


async def job_logs(call: Call) -> Stream:
    """Send the tail of a job's log, and on while it grows when following."""
    query: LogsQuery = call.query
    pieces = call.supervisor.logs(call.path["job_id"], lines=query.lines, follow=query.follow)
    return Stream("text/plain; charset=utf-8", pieces, follows=query.follow)


def _place(job: Job) -> tuple[float, str]:
    return float(job.created_at), job.job_id


def _fits(job: Job, query: JobsQuery) -> bool:
    if query.state and job.state not in query.state:
        return False
    if query.instance_id and job.instance_id not in query.instance_id:
        return False
    if query.owner is not None and query.owner not in (job.owner, str(job.owner_uid)):
        return False
    return fits_labels(job.spec.labels, query.label)
