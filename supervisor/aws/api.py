"""One AWS client: paced, its errors translated, throttles and lost reads asked again.

The library's own retries are off: here alone is decided what is asked twice, so that every call
is counted, and a refusal is never the second answer to a question whose first was lost. What
changes something is asked again only after a throttle, which is certain to have had no effect.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import Executor
from functools import partial
from typing import Any

from botocore import xform_name
from botocore.exceptions import BotoCoreError, ClientError

from supervisor.aws.errors import AwsError, ThrottledError, UnknownOutcomeError, translate
from supervisor.aws.pacing import Pacing

_READS = ("Describe", "Get", "Head", "List")
_READ_ATTEMPTS = 3
_READ_PAUSE = 0.2
_PATIENCE = 60.0
"""Seconds for one call, throttles and attempts included, where the caller names no deadline."""
_ATTEMPT = 15.0


class Api:
    """A client of aiobotocore."""

    def __init__(self, client: Any, pacing: Pacing, attempt_seconds: float = _ATTEMPT) -> None:
        """Call through ``client``, at the pace that all clients share by operation."""
        self._client = client
        self._pacing = pacing
        self._attempt_seconds = attempt_seconds

    async def call(
        self, operation: str, deadline: float | None = None, **arguments: Any
    ) -> dict[str, Any]:
        """Call an operation by its AWS name; ``deadline`` is a time of the running loop.

        Raises:
            ThrottledError: its turn did not come before the deadline: it did not happen.
            RefusedError: it did not happen.
            UnknownOutcomeError: it may have happened.

        """
        now = asyncio.get_running_loop().time
        until = now() + _PATIENCE if deadline is None else deadline
        lost = 0
        while True:
            try:
                return await self._paced(operation, until, arguments)
            except ThrottledError:
                if self._pacing.delay(operation) > until - now():
                    raise
            except UnknownOutcomeError:
                lost += 1
                pause = _READ_PAUSE * 2**lost
                if (
                    not operation.startswith(_READS)
                    or lost >= _READ_ATTEMPTS
                    or now() + pause >= until
                ):
                    raise
                await asyncio.sleep(pause)

    async def _paced(
        self, operation: str, until: float, arguments: dict[str, Any]
    ) -> dict[str, Any]:
        now = asyncio.get_running_loop().time
        if not await self._pacing.wait(operation, max(0.0, until - now())):
            raise ThrottledError(f"{operation} was not sent", "its turn did not come in time")
        try:
            async with asyncio.timeout_at(min(until, now() + self._attempt_seconds)):
                return dict(await self._request(operation, arguments))
        except (ClientError, BotoCoreError) as error:
            made: AwsError = translate(operation, error)
            if isinstance(made, ThrottledError):
                self._pacing.throttled(operation)
            raise made from error
        except (TimeoutError, OSError) as error:
            why = str(error) or "no answer in time"
            raise UnknownOutcomeError(f"{operation} failed", why) from error

    async def _request(self, operation: str, arguments: dict[str, Any]) -> Any:
        return await getattr(self._client, xform_name(operation))(**arguments)


class ThreadApi(Api):
    """A client of botocore, called in threads: EC2 and S3 answer in XML, which takes long to parse.

    A page of 50 instances would hold up the loop for 70 ms. A call that is given up goes on in its
    thread until the client's own timeout.
    """

    def __init__(self, client: Any, pacing: Pacing, threads: Executor) -> None:
        """Call ``client`` in ``threads``."""
        super().__init__(client, pacing)
        self._threads = threads

    async def _request(self, operation: str, arguments: dict[str, Any]) -> Any:
        method = getattr(self._client, xform_name(operation))
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, partial(method, **arguments))
