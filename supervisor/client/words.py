"""The same short words about jobs and instances, wherever commands show them."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from typing import Any

from supervisor.client.connection import Api
from supervisor.client.display import NONE, on_terminal, plain, seconds_since, since
from supervisor.client.display import age as in_words
from supervisor.domain.ids import SHORT, shorten

Document = dict[str, Any]
FINAL = ("completed", "failed", "terminated", "interrupted", "lost")
NOT_SEEN_LATELY = 300.0
"""Seconds: a live job that was not seen for so long is marked."""
_MANY = 50


def short_ids(jobs: Iterable[Document]) -> dict[str, str]:
    """Return what to call each job by: short on a terminal, whole elsewhere."""
    ids = [job["job_id"] for job in jobs]
    return shorten(ids) if on_terminal() else {job_id: job_id for job_id in ids}


def short_id(job: Document) -> str:
    """Return what to call a job by in a sentence: short on a terminal, whole elsewhere."""
    job_id: str = job["job_id"]
    return job_id[:SHORT] if on_terminal() else job_id


def titled(job: Document) -> str:
    """Name a job in a sentence: ``k7m2pd (resnet50)``."""
    name = f" ({plain(job['name'])})" if job["name"] else ""
    return short_id(job) + name


def instance_word(instance_id: str, name: str | None) -> str:
    """Name an instance in a cell: ``i-0a41… gpu-3`` on a terminal, the whole id elsewhere."""
    short = f"{instance_id[:6]}…" if on_terminal() and name else instance_id
    return f"{short} {plain(name)}" if name else short


def outcome(job: Document) -> str:
    """Say how a job stands: ``completed (exit 0)``, ``lost (rebooted)``."""
    parts: list[str] = []
    if job["signal"] is not None:
        parts.append(f"signal {job['signal']}")
    elif job["exit_code"] is not None:
        parts.append(f"exit {job['exit_code']}")
    if job["reason"]:
        parts.append(str(job["reason"]).replace("_", " "))
    return f"{job['state']} ({', '.join(parts)})" if parts else str(job["state"])


def lasted(job: Document) -> str:
    """Write for how long a job has run, or ran."""
    begun = seconds_since(job["started_at"])
    if begun is None:
        return NONE
    return in_words(begun - (seconds_since(job["ended_at"]) or 0.0))


def command_line(words: Sequence[str]) -> str:
    """Write a command's words so that they could be typed again."""
    return plain(shlex.join(words)) if words else NONE


def instances_of(api: Api, jobs: Sequence[Document]) -> dict[str, Document]:
    """Return the documents of the instances that jobs are on, as far as they are tracked."""
    wanted = sorted({job["instance_id"] for job in jobs})
    if not wanted:
        return {}
    query = [("instance_id", key) for key in wanted] if len(wanted) <= _MANY else []
    return {item["instance_id"]: item for item in api.items("/v1/instances", query)}


def unseen(job: Document, instance: Document | None) -> str | None:
    """Say why a live job was not seen lately, or ``None``."""
    if job["state"] in FINAL:
        return None
    if instance is not None and instance["reachable"] is False:
        return f"(agent unreachable for {since(instance['unreachable_since'])}; last known)"
    seen = seconds_since(job["last_seen_at"])
    if seen is not None and seen > NOT_SEEN_LATELY:
        return "(not seen lately; last known)"
    return None
