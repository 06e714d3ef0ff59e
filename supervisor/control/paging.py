"""Lists in parts: a cursor names the last item seen, so nothing is skipped or repeated."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from supervisor.control.problems import ProblemError

Item = TypeVar("Item")


def page(
    items: Iterable[Item],
    *,
    place: Callable[[Item], tuple[Any, ...]],
    after: tuple[Any, ...] | None,
    limit: int,
    descending: bool = False,
) -> tuple[list[Item], str | None]:
    """Return at most ``limit`` of the items beyond a place, and the cursor of the next part.

    ``items`` are ordered by ``place``.
    """
    taken: list[Item] = []
    for item in items:
        if after is not None and not _beyond(place(item), after, descending=descending):
            continue
        if len(taken) == limit:
            return taken, write_cursor(place(taken[-1]))
        taken.append(item)
    return taken, None


def write_cursor(place: tuple[Any, ...]) -> str:
    """Write a place as an opaque word."""
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")


def read_cursor(cursor: str | None, like: tuple[type, ...]) -> tuple[Any, ...] | None:
    """Read a place, of the given types, from a cursor.

    Raises:
        ProblemError: it is none of ours.

    """
    if cursor is None:
        return None
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        place = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, RecursionError):
        place = None
    if (
        not isinstance(place, list)
        or len(place) != len(like)
        or not all(isinstance(part, kind) for part, kind in zip(place, like, strict=True))
    ):
        raise ProblemError(
            422,
            "invalid",
            "cursor: not one that an earlier answer gave",
            ("Begin without a cursor, and go on with next_cursor.",),
        )
    return tuple(place)


def fits_labels(labels: Mapping[str, str], wanted: Iterable[str]) -> bool:
    """Whether all of ``KEY=VALUE`` are among the labels."""
    pairs = (item.partition("=") for item in wanted)
    return all(labels.get(key) == value for key, _, value in pairs)


def _beyond(place: tuple[Any, ...], after: tuple[Any, ...], *, descending: bool) -> bool:
    return place < after if descending else place > after
