"""The OpenAPI 3.1 document, made from the table of routes and its models."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from importlib.metadata import version
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from supervisor.control.problems import CONTENT_TYPE, Problem
from supervisor.control.route import Route

_REFERENCE = "#/components/schemas/{model}"
_SHARED_PROBLEMS = (400, 403, 408, 413, 422, 429, 500, 503)
_DESCRIPTION = """\
Served over HTTP/1.1 on a Unix socket, `/run/job-supervisor/control.sock` by default:
`curl --unix-socket /run/job-supervisor/control.sock http://localhost/v1/jobs`.
The user at the other end decides what may be done: readers see, operators also launch and act on
their own jobs, and on instances where nobody else's job runs, and admins do everything.
"""


def document(routes: Iterable[Route]) -> dict[str, Any]:
    """Describe every route. It takes some milliseconds: make it once."""
    table = tuple(routes)
    references, definitions = models_json_schema(
        [(model, mode) for model, mode in _models(table)],  # type: ignore[misc]
        ref_template=_REFERENCE,
    )
    schemas: dict[Any, Any] = {model: schema for (model, _), schema in references.items()}
    paths: dict[str, dict[str, Any]] = {}
    for route in table:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "job-supervisor control API",
            "version": version("job-supervisor"),
            "description": _DESCRIPTION,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "http://localhost", "description": "Over the Unix socket."}],
        "paths": paths,
        "components": {"schemas": definitions.get("$defs", {})},
    }


def _models(routes: Iterable[Route]) -> list[tuple[type[BaseModel], str]]:
    """Return each model once: bodies as they are read, documents as they are written."""
    found: dict[tuple[type[BaseModel], str], None] = {(Problem, "serialization"): None}
    for route in routes:
        if route.body is not None:
            found[(route.body, "validation")] = None
        for answer in route.answers.values():
            if isinstance(answer, type):
                found[(answer, "serialization")] = None
    return list(found)


def _operation(route: Route, schemas: Mapping[type[BaseModel], Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.operation_id,
        "summary": route.summary,
        "description": f"{(route.handler.__doc__ or '').strip()} {_who(route)}",
        "tags": [route.path.split("/")[2] if route.path.count("/") > 1 else "about"],
        "responses": _responses(route, schemas),
    }
    parameters = _parameters(route)
    if parameters:
        operation["parameters"] = parameters
    if route.body is not None:
        operation["requestBody"] = {
            "required": any(field.is_required() for field in route.body.model_fields.values()),
            "content": {"application/json": {"schema": schemas[route.body]}},
        }
    return operation


def _who(route: Route) -> str:
    return f"For {route.role.word}s." if route.role else "For everybody who can connect."


def _responses(route: Route, schemas: Mapping[type[BaseModel], Any]) -> dict[str, Any]:
    responses: dict[str, Any] = {}
    for status, answer in route.answers.items():
        responses[str(status)] = {
            "description": _meaning(route, status),
            "content": _content(answer, schemas),
        }
    for status in sorted({*_SHARED_PROBLEMS, *route.problems}):
        told: dict[str, Any] = {
            "description": HTTPStatus(status).phrase,
            "content": {CONTENT_TYPE: {"schema": schemas[Problem]}},
        }
        if status in (429, 503):
            told["headers"] = {
                "Retry-After": {"schema": {"type": "integer"}, "description": "Seconds."}
            }
        responses[str(status)] = told
    return responses


def _meaning(route: Route, status: int) -> str:
    if status == 200 and 202 in route.answers:
        return "A dry run: what would be done"
    return "Accepted, and durable" if status == 202 else "Done"


def _content(
    answer: type[BaseModel] | str | None, schemas: Mapping[type[BaseModel], Any]
) -> dict[str, Any]:
    if isinstance(answer, str):
        return {answer: {"schema": {"type": "string"}}}
    return {
        "application/json": {"schema": {"type": "object"} if answer is None else schemas[answer]}
    }


def _parameters(route: Route) -> list[dict[str, Any]]:
    found = [
        {
            "name": part[1:-1],
            "in": "path",
            "required": True,
            "schema": {"type": "string", "minLength": 1},
        }
        for part in route.path.split("/")
        if part.startswith("{")
    ]
    schema = route.query.model_json_schema(ref_template=_REFERENCE)
    inner = schema.get("$defs", {})
    for name, field in schema.get("properties", {}).items():
        found.append({"name": name, "in": "query", "schema": _inlined(field, inner)})
    if route.idempotent_by_key:
        found.append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "description": "The same key and body give the same answer for 24 hours.",
                "schema": {"type": "string", "minLength": 1, "maxLength": 255},
            }
        )
    return found


def _inlined(schema: Any, definitions: Mapping[str, Any]) -> Any:
    """Put definitions where they are named: a parameter's schema has no place for them."""
    if isinstance(schema, dict):
        name = str(schema.get("$ref", "")).rsplit("/", 1)[-1]
        if name in definitions:
            return _inlined(definitions[name], definitions)
        return {key: _inlined(value, definitions) for key, value in schema.items()}
    if isinstance(schema, list):
        return [_inlined(item, definitions) for item in schema]
    return schema
