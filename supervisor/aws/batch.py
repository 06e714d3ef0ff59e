"""Sending to many instances: batches of 50, a poisoned one split until the bad id stands alone."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from supervisor.aws.api import Api
from supervisor.aws.errors import AwsError, RefusedError, ThrottledError
from supervisor.aws.invocations import Answer

BATCH = 50
"""SendCommand takes at most 50 ids, and a page of ListCommandInvocations holds 50."""


@dataclass(slots=True)
class Sent:
    """What was sent, and the answers that were clear at once."""

    commands: list[tuple[str, list[str]]] = field(default_factory=list)
    """(command id, instance ids)."""
    answers: list[Answer] = field(default_factory=list)


async def send(
    api: Api, document: dict[str, Any], instance_ids: Sequence[str], deadline: float
) -> Sent:
    """Send a command to all instances; every id is in one of the commands or has an answer."""
    ids = list(dict.fromkeys(instance_ids))
    sent = Sent()
    async with asyncio.TaskGroup() as group:
        for start in range(0, len(ids), BATCH):
            part = ids[start : start + BATCH]
            group.create_task(_send(api, document, part, deadline, sent), name="send command")
    return sent


async def _send(
    api: Api, document: dict[str, Any], ids: list[str], deadline: float, sent: Sent
) -> None:
    try:
        made = await api.call("SendCommand", deadline, InstanceIds=ids, **document)
    except RefusedError as error:
        if error.code != "InvalidInstanceId":
            _answer_all(sent, ids, Answer("", "not_sent", str(error), error=error))
        elif len(ids) == 1:
            _answer_all(sent, ids, Answer("", "invalid_instance", str(error), error=error))
        else:
            await _halve(api, document, ids, deadline, sent)
    except ThrottledError as error:
        _answer_all(sent, ids, Answer("", "not_sent", str(error), error=error))
    except AwsError as error:
        _answer_all(sent, ids, Answer("", "unknown", str(error), error=error))
    else:
        sent.commands.append((str(made["Command"]["CommandId"]), ids))


async def _halve(
    api: Api, document: dict[str, Any], ids: list[str], deadline: float, sent: Sent
) -> None:
    """Send each half by itself: SSM does not say which id it does not know."""
    middle = len(ids) // 2
    async with asyncio.TaskGroup() as group:
        for half in (ids[:middle], ids[middle:]):
            group.create_task(_send(api, document, half, deadline, sent), name="send command")


def _answer_all(sent: Sent, ids: list[str], like: Answer) -> None:
    sent.answers += [Answer(key, like.status, like.detail, error=like.error) for key in ids]
