"""Refusals as RFC 9457 problem documents, each with what to do next."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, Field, ValidationError
from pydantic_core import ErrorDetails

from supervisor.control.port import RequestError

CONTENT_TYPE = "application/problem+json"
_TYPE = "urn:job-supervisor:problem:"
_TITLES = {
    "bad-request": "The request cannot be read",
    "invalid": "The request is not valid",
    "forbidden": "Not allowed",
    "not-found": "Not found",
    "method-not-allowed": "Method not allowed",
    "timeout": "The request took too long to send",
    "conflict": "Does not fit the present state",
    "data-at-risk": "Data would be lost",
    "gone": "No longer kept",
    "too-large": "The request is too large",
    "unprocessable": "Cannot be carried out",
    "too-many": "Too much at once",
    "unavailable": "Not available now",
    "internal": "The supervisor failed",
}


class FieldError(BaseModel):
    """What is wrong at one place of a body or query."""

    path: str = Field(description="Such as command[0], or empty for the whole.")
    message: str


class Problem(BaseModel):
    """Why a request was refused, and what to do next (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    hints: list[str] = Field(default_factory=list, description="Next steps.")
    errors: list[FieldError] = Field(
        default_factory=list, description="Every error in the body or query, with its place."
    )


class ProblemError(Exception):
    """Raised where a request is refused before the service is asked."""

    def __init__(
        self, status: int, kind: str, detail: str, hints: Sequence[str] = (), **headers: str
    ) -> None:
        super().__init__(detail)
        self.problem = problem(status, kind, detail, hints)
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


class InvalidError(ProblemError):
    """Raised when a body or query does not fit its model; tells every error."""

    def __init__(self, what: str, error: ValidationError, model: type[BaseModel]) -> None:
        found = [_field_error(item, model) for item in _own_errors(error)]
        count = "1 error" if len(found) == 1 else f"{len(found)} errors"
        lines = "; ".join(f"{item.path}: {item.message}".removeprefix(": ") for item in found[:10])
        super().__init__(422, "invalid", f"{count} in the {what}: {lines}")
        self.problem.errors.extend(found)


def problem(status: int, kind: str, detail: str, hints: Sequence[str] = ()) -> Problem:
    """Make a problem document."""
    title = _TITLES.get(kind, kind)
    return Problem(type=_TYPE + kind, title=title, status=status, detail=detail, hints=list(hints))


def of_request_error(error: RequestError) -> Problem:
    """Tell a refusal of the service."""
    return problem(error.status, error.kind, str(error), error.next_steps)


def headers_of(status: int) -> Mapping[str, str]:
    """Return what else belongs to an answer of this status."""
    return {"Retry-After": "1"} if status in (429, 503) else {}


def _own_errors(error: ValidationError) -> list[ErrorDetails]:
    """Leave out that a list is too short, where that is for its items' own errors."""
    errors = error.errors()
    inside = {item["loc"][:-1] for item in errors}
    return [item for item in errors if item["type"] != "too_short" or item["loc"] not in inside]


def _field_error(error: ErrorDetails, model: type[BaseModel]) -> FieldError:
    location = error["loc"]
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    path = "".join(parts).lstrip(".")
    match error["type"]:
        case "extra_forbidden":
            near = difflib.get_close_matches(str(location[-1]), list(model.model_fields), n=1)
            message = "unknown key" + (f'; did you mean "{near[0]}"?' if near else "")
        case "missing":
            message = "is missing"
        case "value_error":
            message = str(error["ctx"]["error"])
        case _:
            message = f"{_show(error['input'])} is not allowed: {error['msg'].lower()}"
    return FieldError(path=path, message=message)


def _show(value: Any) -> str:
    text = f'"{value}"' if isinstance(value, str) else str(value)
    return text if len(text) <= 80 else text[:77] + "…"
