"""The table of routes. Nothing is served that is not in it."""

from __future__ import annotations

from urllib.parse import unquote

from supervisor.control import bodies
from supervisor.control.handlers import about, events, instances, jobs
from supervisor.control.messages import (
    Health,
    InstanceDocument,
    InstancePage,
    JobDocument,
    JobPage,
    OperationDocument,
)
from supervisor.control.problems import ProblemError
from supervisor.control.route import Route
from supervisor.domain.access import Role

_INSTANCE = "/v1/instances/{instance_id}"
_JOB = "/v1/jobs/{job_id}"

ROUTES: tuple[Route, ...] = (
    Route(
        "POST",
        "/v1/jobs",
        jobs.launch,
        Role.OPERATOR,
        "Launch a job",
        {202: JobDocument, 200: JobDocument},
        body=bodies.LaunchBody,
        idempotent_by_key=True,
        problems=(404, 409, 503),
    ),
    Route(
        "GET",
        "/v1/jobs",
        jobs.list_jobs,
        Role.READER,
        "List jobs, newest first",
        {200: JobPage},
        query=bodies.JobsQuery,
    ),
    Route(
        "GET",
        _JOB,
        jobs.show_job,
        Role.READER,
        "Show a job",
        {200: JobDocument},
        problems=(404,),
    ),
    Route(
        "POST",
        f"{_JOB}/terminate",
        jobs.terminate_job,
        Role.OPERATOR,
        "End a job: SIGTERM, a grace, SIGKILL, to its whole process tree",
        {202: JobDocument, 200: JobDocument},
        body=bodies.TerminateJobBody,
        problems=(404, 409, 503),
    ),
    Route(
        "POST",
        f"{_JOB}/rerun",
        jobs.rerun_job,
        Role.OPERATOR,
        "Launch again what a job launched, as a new job",
        {202: JobDocument, 200: JobDocument},
        body=bodies.RerunBody,
        idempotent_by_key=True,
        problems=(404, 409, 503),
    ),
    Route(
        "GET",
        f"{_JOB}/logs",
        jobs.job_logs,
        Role.READER,
        "Read the tail of a job's log, and on while it grows when following",
        {200: "text/plain"},
        query=bodies.LogsQuery,
        problems=(404, 409, 503),
    ),
    Route(
        "GET",
        "/v1/instances",
        instances.list_instances,
        Role.READER,
        "List the tracked instances as last seen, by id",
        {200: InstancePage},
        query=bodies.InstancesQuery,
    ),
    Route(
        "GET",
        _INSTANCE,
        instances.show_instance,
        Role.READER,
        "Show an instance as last seen",
        {200: InstanceDocument},
        problems=(404,),
    ),
    Route(
        "POST",
        f"{_INSTANCE}/track",
        instances.track_instance,
        Role.OPERATOR,
        "Look after an instance from now on",
        {200: InstanceDocument},
        body=bodies.DryRun,
        problems=(404, 409, 503),
    ),
    Route(
        "POST",
        f"{_INSTANCE}/untrack",
        instances.untrack_instance,
        Role.OPERATOR,
        "Look after an instance no longer, whatever its tags say",
        {200: InstanceDocument},
        body=bodies.UntrackBody,
        problems=(404, 409, 503),
    ),
    Route(
        "POST",
        f"{_INSTANCE}/poll",
        instances.poll_instance,
        Role.OPERATOR,
        "Look at an instance now; answers when it was looked at",
        {200: InstanceDocument},
        body=bodies.Body,
        problems=(404, 409, 503),
    ),
    *(
        Route(
            "POST",
            f"{_INSTANCE}/{kind}",
            handler,
            Role.OPERATOR,
            summary,
            {202: OperationDocument, 200: OperationDocument},
            body=bodies.InstanceBody,
            problems=(404, 409, 503),
        )
        for kind, handler, summary in (
            ("stop", instances.stop_instance, "Stop an instance, if nothing is lost by it"),
            ("start", instances.start_instance, "Start a stopped instance"),
            ("terminate", instances.terminate_instance, "Terminate one, if nothing is lost by it"),
        )
    ),
    Route(
        "GET",
        "/v1/operations/{operation_id}",
        instances.show_operation,
        Role.READER,
        "Show how far a stop, start or terminate is",
        {200: OperationDocument},
        problems=(404,),
    ),
    Route(
        "GET",
        "/v1/events",
        events.events,
        Role.READER,
        "Read events as JSON lines, and on as they happen when following",
        {200: "application/x-ndjson"},
        query=bodies.EventsQuery,
        problems=(404, 410, 503),
    ),
    Route(
        "GET",
        "/v1/status",
        about.status,
        Role.READER,
        "Tell how things stand",
        {200: None},
    ),
    Route(
        "GET",
        "/v1/openapi.json",
        about.openapi,
        Role.NOBODY,
        "Describe everything that can be asked",
        {200: None},
    ),
    Route(
        "GET",
        "/healthz",
        about.health,
        Role.NOBODY,
        "Answer, if the socket does",
        {200: Health},
    ),
)


def match(method: str, raw_path: str) -> tuple[Route, dict[str, str]]:
    """Find the route of a request, and its path's parameters.

    Raises:
        ProblemError: 404 or 405.

    """
    parts = tuple(unquote(part) for part in raw_path.split("/"))
    allowed: list[str] = []
    for template, route in _TEMPLATES.get(len(parts), ()):
        parameters = _fit(template, parts)
        if parameters is None:
            continue
        if route.method == method:
            return route, parameters
        allowed.append(route.method)
    if allowed:
        raise ProblemError(
            405,
            "method-not-allowed",
            f"{method} is not for {raw_path[:200]}; it takes {', '.join(allowed)}",
            Allow=", ".join(allowed),
        )
    raise ProblemError(
        404,
        "not-found",
        f"there is no {raw_path[:200]}",
        ("See what there is:   GET /v1/openapi.json",),
    )


def _fit(template: tuple[str, ...], parts: tuple[str, ...]) -> dict[str, str] | None:
    parameters: dict[str, str] = {}
    for wanted, part in zip(template, parts, strict=True):
        if wanted.startswith("{"):
            if not part:
                return None
            parameters[wanted[1:-1]] = part
        elif wanted != part:
            return None
    return parameters


_TEMPLATES: dict[int, list[tuple[tuple[str, ...], Route]]] = {}
for _route in ROUTES:
    _template = tuple(_route.path.split("/"))
    _TEMPLATES.setdefault(len(_template), []).append((_template, _route))
