"""The server: reads a request, finds its route, checks it, and sends the answer. Each in one place.

A request goes through: whose it is (``access``), may it come in now (``bounds``), which route
(``routes``), may the caller use it, is it valid (``bodies``), the handler, the answer.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from http import HTTPStatus
from typing import Any, cast

import structlog
from aiohttp import hdrs, web
from pydantic import BaseModel, ValidationError
from pydantic_core import to_json

from supervisor.config import Config, Control
from supervisor.control.access import Access, rules_of
from supervisor.control.bodies import Query, as_query
from supervisor.control.bounds import Bounds, Limits
from supervisor.control.connection import Connection
from supervisor.control.followers import Followers
from supervisor.control.listening import open_socket
from supervisor.control.openapi import document
from supervisor.control.port import RequestError, Supervisor
from supervisor.control.problems import (
    CONTENT_TYPE,
    InvalidError,
    Problem,
    ProblemError,
    headers_of,
    of_request_error,
    problem,
)
from supervisor.control.reading import read_body
from supervisor.control.route import Answer, Call, Route, Stream
from supervisor.control.routes import ROUTES, match

log = structlog.get_logger()

_BACKLOG = 512
_KEY_LENGTH = 255
TAIL_LENGTH = "Tail-Length"
"""How many bytes of a stream were there already: who comes back looks in them for its place."""


class ControlServer:
    """Serves the control socket until it is cancelled."""

    def __init__(
        self,
        supervisor: Supervisor,
        config: Config,
        *,
        limits: Limits | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Answer by ``supervisor``; ``listening`` is set once callers can connect."""
        self.listening = asyncio.Event()
        self._supervisor = supervisor
        self._control = config.control
        self._access = Access(rules_of(config.control))
        self._bounds = Bounds(limits or Limits())
        self._followers = Followers()
        self._clock = clock
        self._server: web.Server | None = None
        self._document: Mapping[str, Any] | None = None

    def apply(self, control: Control) -> None:
        """Take over who may what from a new configuration; path and mode need a restart."""
        self._access.rules = rules_of(control)

    async def run(self) -> None:
        """Serve until cancelled, then end what is under way, within a bound.

        Raises:
            SocketError: the socket cannot be opened.

        """
        mode = int(self._control.socket_mode, 8)
        opened = await asyncio.to_thread(open_socket, self._control.socket, mode)
        try:
            self._server = web.Server(self._handle)
            loop = asyncio.get_running_loop()
            listener = await loop.create_unix_server(
                self._connection, sock=opened.sock, backlog=_BACKLOG
            )
            self.listening.set()
            try:
                await asyncio.Event().wait()
            finally:
                listener.close()
                await self._stop(self._server)
        finally:
            opened.sock.close()
            await asyncio.shield(asyncio.to_thread(opened.remove))

    def _connection(self) -> Connection:
        assert self._server is not None  # noqa: S101 - made before anyone can connect
        limits = self._bounds.limits
        return Connection(
            self._server,
            self._bounds,
            self._followers,
            loop=asyncio.get_running_loop(),
            keepalive_timeout=limits.idle_seconds,
            lingering_time=limits.stop_seconds,
            auto_decompress=False,
            access_log=None,
        )

    async def _stop(self, server: web.Server) -> None:
        """Let no request in any more, end the streams, and wait for the rest a little."""
        self._followers.stop()
        server.pre_shutdown()
        await server.shutdown(self._bounds.limits.stop_seconds)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request, whatever becomes of it."""
        connection = cast("Connection", request.protocol)
        connection.begin()
        try:
            with self._bounds.request(connection.peer.uid):
                answer = await self._answer(request, connection)
                if isinstance(answer, Stream):
                    return await self._send_stream(request, connection, answer)
                return _whole(answer)
        except ProblemError as error:
            return _refusal(error.problem, error.headers)
        except RequestError as error:
            return _refusal(of_request_error(error))
        except ConnectionError:
            # The caller is gone, and nobody reads what is answered.
            return web.Response(status=400)
        except Exception:
            log.exception("request failed", method=request.method, path=request.path)
            return _refusal(
                problem(500, "internal", "the supervisor failed at this request; see its log")
            )

    async def _answer(self, request: web.BaseRequest, connection: Connection) -> Answer | Stream:
        route, path = match(request.method, request.rel_url.raw_path)
        call = Call(
            supervisor=self._supervisor,
            caller=await self._access.caller(connection.peer),
            rules=self._access.rules,
            now=self._clock(),
            path=path,
            openapi=self._openapi,
        )
        call.must_be_allowed(route.act, route.role)
        checked = replace(
            call,
            query=_query(route, request),
            body=await _body(route, request, self._bounds.limits),
            idempotency_key=_idempotency_key(route, request),
        )
        return await route.handler(checked)

    async def _openapi(self) -> Mapping[str, Any]:
        if self._document is None:
            self._document = await asyncio.to_thread(document, ROUTES)
        return self._document

    async def _send_stream(
        self, request: web.BaseRequest, connection: Connection, stream: Stream
    ) -> web.StreamResponse:
        """Send pieces as they come; what fails before the first is told as a problem."""
        response = web.StreamResponse(headers={hdrs.CONTENT_TYPE: stream.content_type})
        async with AsyncExitStack() as stack:
            stack.push_async_callback(_close, stream.pieces)
            if stream.follows:
                stack.enter_context(self._bounds.follower(connection.peer.uid))
            connection.follows = await stack.enter_async_context(self._followers.following())
            first = await anext(stream.pieces, b"")
            response.headers[TAIL_LENGTH] = str(len(first))
            await _send_on(request, response, first, stream.pieces)
        connection.follows = None
        if not response.prepared:
            raise ProblemError(503, "unavailable", "the supervisor is stopping")
        return response


async def _send_on(
    request: web.BaseRequest,
    response: web.StreamResponse,
    first: bytes,
    rest: AsyncIterator[bytes],
) -> None:
    """Send the headers and all pieces. A failure cuts the stream: no status can tell of it now."""
    try:
        await response.prepare(request)
        await response.write(first)
        async for piece in rest:
            await response.write(piece)
    except ConnectionError:
        pass  # the caller left
    except RequestError as error:
        log.warning("stream cut", path=request.path, why=str(error))
        cast("Connection", request.protocol).force_close()


async def _close(pieces: AsyncIterator[bytes]) -> None:
    close = getattr(pieces, "aclose", None)
    if close is not None:
        await close()


def _query(route: Route, request: web.BaseRequest) -> Query:
    pairs = list(request.rel_url.query.items())
    try:
        return route.query.model_validate(as_query(route.query, pairs))
    except ValidationError as error:
        raise InvalidError("query", error, route.query) from None


async def _body(route: Route, request: web.BaseRequest, limits: Limits) -> BaseModel | None:
    text = await read_body(request, limits)
    if route.body is None:
        return None
    try:
        return route.body.model_validate_json(text or b"{}")
    except ValidationError as error:
        if any(item["type"] == "json_invalid" for item in error.errors()):
            why = error.errors()[0]["ctx"]["error"]
            raise ProblemError(
                400,
                "bad-request",
                f"the body is not JSON: {why}",
                ("See what it holds:   GET /v1/openapi.json",),
            ) from None
        raise InvalidError("body", error, route.body) from None


def _idempotency_key(route: Route, request: web.BaseRequest) -> str | None:
    key = request.headers.get("Idempotency-Key")
    if key is None or not route.idempotent_by_key:
        return None
    if not 0 < len(key) <= _KEY_LENGTH or not key.isprintable():
        raise ProblemError(
            422, "invalid", f"Idempotency-Key: 1 to {_KEY_LENGTH} printable characters"
        )
    return key


def _whole(answer: Answer) -> web.Response:
    document = answer.document
    if isinstance(document, BaseModel):
        body = document.model_dump_json()
    else:
        body = to_json(document).decode()
    return web.Response(status=answer.status, body=body, content_type=answer.content_type)


def _refusal(told: Problem, headers: dict[str, str] | None = None) -> web.Response:
    response = web.Response(
        status=told.status,
        reason=HTTPStatus(told.status).phrase,
        body=told.model_dump_json(),
        content_type=CONTENT_TYPE,
        headers={**headers_of(told.status), **(headers or {})},
    )
    if told.status in (408, 413):
        response.force_close()
    return response
