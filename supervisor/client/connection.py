"""The socket's other end: requests over a Unix socket, answers as documents or as streams."""

from __future__ import annotations

import http.client
import json
import os
import socket
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import quote, urlencode

from supervisor.client.errors import TIMED_OUT, ClientError, RefusedError, UnreachableError

DEFAULT_SOCKET = "/run/job-supervisor/control.sock"
SOCKET_VARIABLE = "JOB_SUPERVISOR_SOCKET"
_ANSWER_WITHIN = 180.0
"""Seconds: a request that looks at an instance waits for its agent."""
_PAGE = 1000

Query = Iterable[tuple[str, Any]]


class StreamCutError(Exception):
    """Raised when a stream ended before its end, as when the supervisor is killed."""


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float | None) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Api:
    """The control API, over one connection that is kept."""

    def __init__(self, path: str | None = None, timeout: float = _ANSWER_WITHIN) -> None:
        """Talk to ``path``, else where the variable says, else to the usual place."""
        self.path = path or os.environ.get(SOCKET_VARIABLE) or DEFAULT_SOCKET
        self._timeout = timeout
        self._kept: http.client.HTTPConnection | None = None

    def another(self) -> Api:
        """Return one with a connection of its own, for another thread."""
        return Api(self.path, self._timeout)

    def get(self, path: str, query: Query = ()) -> Any:
        """Return the document at a path."""
        return self._ask("GET", _target(path, query), None, {})

    def post(self, path: str, body: Mapping[str, Any], key: str | None = None) -> Any:
        """Send a body; with an idempotency key, it may be sent again after a lost answer."""
        headers = {"Content-Type": "application/json"}
        if key is not None:
            headers["Idempotency-Key"] = key
        return self._ask("POST", path, json.dumps(body).encode(), headers)

    def items(self, path: str, query: Query = ()) -> Iterator[dict[str, Any]]:
        """Yield a list's items from all its pages."""
        base, cursor = list(query), None
        while True:
            page = self.get(path, [*base, ("limit", _PAGE), ("cursor", cursor)])
            yield from page["items"]
            cursor = page.get("next_cursor")
            if not cursor:
                return

    @contextmanager
    def stream(self, path: str, query: Query = ()) -> Iterator[http.client.HTTPResponse]:
        """Open a stream on a connection of its own.

        Raises:
            StreamCutError: out of the block, if the stream ends before its end.

        """
        connection = _UnixConnection(self.path, None)
        try:
            with self._telling():
                connection.request("GET", _target(path, query))
                response = connection.getresponse()
                if response.status >= 400:
                    raise _refused(response)
            try:
                yield response
            except (http.client.HTTPException, ConnectionError) as error:
                raise StreamCutError(str(error)) from error
        finally:
            connection.close()

    def _ask(self, method: str, target: str, body: bytes | None, headers: dict[str, str]) -> Any:
        again = method == "GET" or "Idempotency-Key" in headers
        with self._telling():
            try:
                response = self._exchange(method, target, body, headers)
            except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
                if not again:
                    raise
                response = self._exchange(method, target, body, headers)
            if response.status >= 400:
                raise _refused(response)
            return json.loads(response.read())

    def _exchange(
        self, method: str, target: str, body: bytes | None, headers: dict[str, str]
    ) -> http.client.HTTPResponse:
        kept, self._kept = self._kept or _UnixConnection(self.path, self._timeout), None
        try:
            with suppress(BrokenPipeError):  # answered, and closed, before all of it was read
                kept.request(method, target, body, headers)
            response = kept.getresponse()
        except (OSError, http.client.HTTPException):
            kept.close()
            raise
        self._kept = kept
        return response

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """Say in words what the system's errors mean here."""
        try:
            yield
        except FileNotFoundError as error:
            raise UnreachableError(self.path, "there is no such socket") from error
        except PermissionError as error:
            raise UnreachableError(self.path, "this user may not connect to it") from error
        except ConnectionRefusedError as error:
            raise UnreachableError(self.path, "nothing listens there") from error
        except TimeoutError as error:
            raise ClientError(
                f"the supervisor did not answer within {self._timeout:.0f} seconds",
                ("How does it fare?   jobctl status",),
                TIMED_OUT,
            ) from error
        except (ConnectionError, http.client.RemoteDisconnected) as error:
            raise UnreachableError(self.path, "it closed the connection") from error
        except (http.client.HTTPException, json.JSONDecodeError) as error:
            raise UnreachableError(self.path, "what answers there is not it") from error
        except OSError as error:
            raise UnreachableError(self.path, error.strerror or str(error)) from error


def part(text: str) -> str:
    """Write a text as one part of a path."""
    return quote(text, safe="")


def _target(path: str, query: Query) -> str:
    pairs = [(name, _word(value)) for name, value in query if value is not None]
    return f"{path}?{urlencode(pairs)}" if pairs else path


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _refused(response: http.client.HTTPResponse) -> RefusedError:
    try:
        problem = json.loads(response.read())
    except ValueError:
        problem = {}
    return RefusedError(response.status, problem if isinstance(problem, dict) else {})
