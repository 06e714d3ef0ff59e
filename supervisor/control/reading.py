"""Reading a body: bounded in bytes and in time."""

from __future__ import annotations

import asyncio

from aiohttp import hdrs, web

from supervisor.control.bounds import Limits
from supervisor.control.problems import ProblemError


async def read_body(request: web.BaseRequest, limits: Limits) -> bytes:
    """Read a request's whole body.

    Raises:
        ProblemError: it is too large, comes too slowly, or ends too early.

    """
    if (request.content_length or 0) > limits.body_bytes:
        raise _too_large(limits)
    if not request.body_exists:
        return b""
    if request.headers.get(hdrs.EXPECT, "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0
    body = bytearray()
    try:
        async with asyncio.timeout(limits.body_seconds):
            async for piece in request.content.iter_any():
                body += piece
                if len(body) > limits.body_bytes:
                    raise _too_large(limits)
    except TimeoutError:
        raise ProblemError(
            408,
            "timeout",
            f"the body did not come whole within {limits.body_seconds:.0f} seconds",
            ("Send it again, at once.",),
        ) from None
    except web.RequestPayloadError as error:
        raise ProblemError(400, "bad-request", f"the body cannot be read: {error}") from error
    return bytes(body)


def _too_large(limits: Limits) -> ProblemError:
    return ProblemError(
        413,
        "too-large",
        f"the body is larger than {limits.body_bytes} bytes",
        ("Put long values into a file on the instance, and name it as env_file.",),
    )
