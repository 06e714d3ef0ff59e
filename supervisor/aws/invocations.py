"""What an invocation in SSM's answers says of one instance. Pure.

Only ``success`` with its whole output is evidence of anything on an instance.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from supervisor.aws.errors import AwsError

Status = Literal["success", "failed", "undelivered", "unknown", "invalid_instance", "not_sent"]

_LIST_KEEPS = 2500
"""What ListCommandInvocations keeps of both outputs together. The agent counts bytes."""
_LIST_MARGIN = 100
"""Its own words on the cut take part of the room."""
_GET_KEEPS = 24_000
"""Characters of standard output that GetCommandInvocation keeps."""
_GET_CUT = "--output truncated--"
_ERRORS_BEGIN = "----------ERROR-------\n"

_ENDED: Mapping[str, Status] = {
    "Success": "success",
    "Failed": "failed",
    "TimedOut": "failed",
    "Cancelled": "unknown",
}
"""By SSM's word. One that is not here is none that tells of an end: wait for the own deadline."""
_NEVER_BEGAN = frozenset(
    {"undeliverable", "deliverytimedout", "terminated", "accessdenied", "invalidplatform"}
)
"""``StatusDetails``, without its spaces, that say that the agent never ran it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a command on one instance."""

    instance_id: str
    status: Status
    """``success``: it exited 0. ``failed``: it began, and did not exit 0. ``undelivered``,
    ``invalid_instance``, ``not_sent``: it certainly never began there; the last says nothing of
    the instance. ``unknown``: it may have run, or run yet."""
    detail: str = ""
    stdout: str = ""
    stderr: str = ""
    response_code: int | None = None
    """The script's exit status; ``None`` where none is known."""
    whole: bool = True
    """Whether standard output came uncut."""
    error: AwsError | None = None
    """What AWS answered instead, where that is why; its ``next_steps`` are for a person."""


def listed(item: Mapping[str, Any]) -> Answer | None:
    """Read an entry of ListCommandInvocations with its details; ``None``: it goes on.

    An answer that is not ``whole`` may have been cut here, and is to be fetched alone.
    """
    status = _status(item)
    if status is None:
        return None
    plugin: Mapping[str, Any] = next(iter(item.get("CommandPlugins") or ()), {})
    output = str(plugin.get("Output") or "")
    stdout, stderr = _apart(output)
    return Answer(
        str(item["InstanceId"]),
        status,
        _detail(item),
        stdout,
        stderr,
        _code(plugin.get("ResponseCode")),
        whole=len(output.encode()) < _LIST_KEEPS - _LIST_MARGIN,
    )


def fetched(item: Mapping[str, Any]) -> Answer | None:
    """Read an answer of GetCommandInvocation; ``None``: it goes on."""
    status = _status(item)
    if status is None:
        return None
    stdout = str(item.get("StandardOutputContent") or "")
    return Answer(
        str(item["InstanceId"]),
        status,
        _detail(item),
        stdout,
        str(item.get("StandardErrorContent") or ""),
        _code(item.get("ResponseCode")),
        whole=len(stdout) < _GET_KEEPS and not stdout.rstrip().endswith(_GET_CUT),
    )


def _status(item: Mapping[str, Any]) -> Status | None:
    status = _ENDED.get(str(item.get("Status")))
    details = str(item.get("StatusDetails") or "").replace(" ", "").lower()
    if status is not None and status != "success" and details in _NEVER_BEGAN:
        return "undelivered"
    return status


def _detail(item: Mapping[str, Any]) -> str:
    return str(item.get("StatusDetails") or item.get("Status") or "")


def _apart(output: str) -> tuple[str, str]:
    """Part the two outputs, which the agent joins in a list."""
    if output.startswith(_ERRORS_BEGIN):
        return "", output.removeprefix(_ERRORS_BEGIN)
    stdout, _, stderr = output.partition("\n" + _ERRORS_BEGIN)
    return stdout, stderr


def _code(value: Any) -> int | None:
    """-1 means that it did not begin, or goes on."""
    return int(value) if value is not None and int(value) >= 0 else None
