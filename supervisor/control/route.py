"""What a route is: one row says how it is called, by whom, with what, and what it answers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from supervisor.control.bodies import Body, NoQuery, Query
from supervisor.control.port import ForbiddenError, Supervisor
from supervisor.domain.access import Caller, Role, Rules, why_not


@dataclass(frozen=True, slots=True)
class Call:
    """One request, read and checked, with all that a handler needs to answer it."""

    supervisor: Supervisor
    caller: Caller
    rules: Rules
    now: float
    path: Mapping[str, str]
    openapi: Callable[[], Awaitable[Mapping[str, Any]]]
    body: Any = None
    """An instance of the route's body model."""
    query: Any = None
    """An instance of the route's query model."""
    idempotency_key: str | None = None

    def must_be_allowed(self, what: str, needed: Role, owners: Iterable[int] = ()) -> None:
        """Refuse what the caller may not do.

        Raises:
            ForbiddenError: it says who may.

        """
        why = why_not(self.caller, needed, owners)
        if why is None:
            return
        actor, role = self.caller.actor, self.caller.role
        enough = Role.ADMIN if role >= needed else needed
        may = ", ".join(self.rules.at_least(enough)) or "nobody"
        raise ForbiddenError(
            f"{actor.user} (uid {actor.uid}) may not {what}",
            f"{why}; you are {_a(role)}",
            (
                f"Who may:   {may}",
                "It is set in the configuration, [control] readers, operators and admins.",
            ),
        )


@dataclass(frozen=True, slots=True)
class Answer:
    """A document, whole."""

    status: int
    document: BaseModel | Mapping[str, Any]
    content_type: str = "application/json"


@dataclass(frozen=True, slots=True)
class Stream:
    """Pieces that are sent as they come; the first is waited for before the status goes out."""

    content_type: str
    pieces: AsyncIterator[bytes]
    follows: bool = False
    """It goes on until the caller leaves, or the supervisor stops."""


Handler = Callable[[Call], Awaitable[Answer | Stream]]


@dataclass(frozen=True, slots=True)
class Route:
    """A row of the table from which dispatch, the OpenAPI document and tests are made."""

    method: str
    path: str
    """With ``{parameters}``."""
    handler: Handler
    role: Role
    summary: str
    answers: Mapping[int, type[BaseModel] | str | None]
    """By status: a model, or the media type of a stream; ``None``: any JSON object."""
    body: type[Body] | None = None
    query: type[Query] = NoQuery
    idempotent_by_key: bool = False
    problems: tuple[int, ...] = ()
    """Statuses of refusals besides those that every route shares."""

    @property
    def act(self) -> str:
        """Return what one does by it, as a verb: ``launch a job``."""
        return self.summary[0].lower() + self.summary[1:]

    @property
    def operation_id(self) -> str:
        """Return the name under which the OpenAPI document has it."""
        return self.handler.__name__


def _a(role: Role) -> str:
    if role is Role.NOBODY:
        return "not even a reader"
    return f"{'a' if role is Role.READER else 'an'} {role.word}"
