"""How people name a job: by its id, a unique beginning of it, or its name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

SHORT = 6
"""Characters of an id on a screen, or as many as are unique."""
_WHOLE = re.compile(r"[a-z2-7]{16}")
_BEGINNING = re.compile(r"[a-z2-7]{1,16}")


@dataclass(frozen=True, slots=True)
class Named:
    """What a job can be named by."""

    job_id: str
    name: str | None


class AmbiguousError(Exception):
    """Raised when a beginning fits several ids; holds them."""

    def __init__(self, given: str, job_ids: tuple[str, ...]) -> None:
        super().__init__(f"{given} is the beginning of {len(job_ids)} ids")
        self.given = given
        self.job_ids = job_ids


def is_whole(given: str) -> bool:
    """Whether this is written as a whole id."""
    return _WHOLE.fullmatch(given) is not None


def resolve(given: str, jobs: Sequence[Named]) -> str | None:
    """Return the id that is meant among jobs, newest first; ``None`` where nothing fits.

    A whole id goes first, then a name (the newest job of that name), then a unique beginning:
    a name is chosen by a person, so it is not overruled by an id that happens to begin with it.

    Raises:
        AmbiguousError: it is the beginning of several ids, and no name.

    """
    if any(job.job_id == given for job in jobs):
        return given
    by_name = next((job.job_id for job in jobs if job.name == given), None)
    if by_name is not None:
        return by_name
    if not _BEGINNING.fullmatch(given):
        return None
    found = tuple(job.job_id for job in jobs if job.job_id.startswith(given))
    if len(found) > 1:
        raise AmbiguousError(given, found)
    return found[0] if found else None


def shorten(job_ids: Iterable[str]) -> dict[str, str]:
    """Return each id's first six characters, or as many as tell it from the others."""
    ordered = sorted(set(job_ids))
    short: dict[str, str] = {}
    for place, job_id in enumerate(ordered):
        near = ordered[max(0, place - 1) : place] + ordered[place + 1 : place + 2]
        shared = max((_common(job_id, other) for other in near), default=0)
        short[job_id] = job_id[: max(SHORT, shared + 1)]
    return short


def _common(one: str, other: str) -> int:
    count = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        count += 1
    return count
