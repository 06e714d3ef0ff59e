"""One connection: whose it is, how long it may take to send headers, what it follows."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Any

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from supervisor.control.access import Peer, peer_of
from supervisor.control.bounds import Bounds
from supervisor.control.followers import Followers
from supervisor.control.problems import CONTENT_TYPE, Problem, ProblemError, headers_of, problem

_LATE = problem(
    408,
    "timeout",
    "the request's headers did not come in time",
    ("Send a request at once after connecting.",),
)


class Connection(RequestHandler):
    """aiohttp's protocol, with the peer's credentials and bounds of our own."""

    __slots__ = ("_bounds", "_counted", "_followers", "_late", "follows", "peer")

    def __init__(
        self, manager: web.Server, bounds: Bounds, followers: Followers, **settings: Any
    ) -> None:
        """Serve one connection by ``manager``'s handler."""
        super().__init__(manager, **settings)
        self.peer = Peer(0, -1, -1)
        self.follows: asyncio.Timeout | None = None
        self._bounds = bounds
        self._followers = followers
        self._counted = False
        self._late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Learn whose connection it is, and let it in, or say why not."""
        super().connection_made(transport)
        self.peer = peer_of(transport.get_extra_info("socket"))
        try:
            self._bounds.connect(self.peer.uid)
        except ProblemError as error:
            self._refuse(error.problem)
        else:
            self._counted = True
            self._expect_headers()

    def connection_lost(self, exc: BaseException | None) -> None:
        """End what it follows."""
        super().connection_lost(exc)
        self.begin()
        if self._counted:
            self._counted = False
            self._bounds.disconnect(self.peer.uid)
        if self.follows is not None:
            self._followers.end(self.follows)

    def data_received(self, data: bytes) -> None:
        """Take in bytes; those that begin a request must be followed by the rest in time."""
        super().data_received(data)
        waiter = self._waiter
        if self._late is None and waiter is not None and not waiter.done():
            self._expect_headers()

    def begin(self) -> None:
        """Note that a whole request came, so that its headers are not waited for."""
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def handle_error(
        self,
        request: web.BaseRequest,  # noqa: ARG002 - aiohttp's signature
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what is no HTTP, or what failed outside of the handlers."""
        self.begin()
        if status >= 500:
            self.log_exception("request failed", exc_info=exc)
            told = problem(500, "internal", "the supervisor failed at this request; see its log")
        else:
            why = (message or "").strip().splitlines()
            told = problem(400, "bad-request", f"not HTTP/1.1: {why[0] if why else 'unreadable'}")
        response = web.Response(
            status=told.status, body=told.model_dump_json(), content_type=CONTENT_TYPE
        )
        response.force_close()
        return response

    def _expect_headers(self) -> None:
        seconds = self._bounds.limits.header_seconds
        self._late = self._loop.call_later(seconds, self._refuse, _LATE)

    def _refuse(self, told: Problem) -> None:
        """Answer without a request, and close."""
        self._late = None
        transport = self.transport
        if transport is None:
            return
        body = told.model_dump_json().encode()
        lines = [
            f"HTTP/1.1 {told.status} {HTTPStatus(told.status).phrase}",
            f"Content-Type: {CONTENT_TYPE}",
            f"Content-Length: {len(body)}",
            "Connection: close",
            *(f"{name}: {value}" for name, value in headers_of(told.status).items()),
        ]
        transport.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        self.force_close()
