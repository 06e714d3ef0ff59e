"""How people name jobs and instances, turned into ids."""

from __future__ import annotations

import os
import pwd
from collections.abc import Sequence
from typing import Any

from supervisor.client.connection import Api, part
from supervisor.client.display import NONE
from supervisor.client.errors import NOT_FOUND, ClientError, RefusedError, usage
from supervisor.domain.ids import AmbiguousError, Named, is_whole, resolve

Document = dict[str, Any]


def find_jobs(api: Api, given: Sequence[str], labels: Sequence[str]) -> list[Document]:
    """Return the jobs that are named, or that have all of the labels.

    Raises:
        ClientError: one does not exist, or is not named uniquely, or nothing was named.

    """
    if not given and not labels:
        raise usage("name a job, or select some by --label KEY=VALUE", "See all:   jobctl ps --all")
    check_labels(labels)
    found: list[Document] = []
    if given:
        found += [_known(api, word) or _search(api, word) for word in given]
    if labels:
        found += api.items("/v1/jobs", [("label", label) for label in labels])
        if not found:
            raise ClientError(f"no job has {' and '.join(labels)}", code=NOT_FOUND)
    return list({job["job_id"]: job for job in found}.values())


def find_job(api: Api, given: str) -> Document:
    """Return the one job that is named."""
    return find_jobs(api, (given,), ())[0]


def find_instances(api: Api, given: Sequence[str], labels: Sequence[str]) -> list[str]:
    """Return the ids of instances that are named by id or name, or that have all of the tags."""
    if not given and not labels:
        raise usage(
            "name an instance, or select some by --label KEY=VALUE", "See all:   jobctl instances"
        )
    check_labels(labels)
    found = [word if _is_instance_id(word) else _by_name(api, word) for word in given]
    if labels:
        query = [("label", label) for label in labels]
        found += [item["instance_id"] for item in api.items("/v1/instances", query)]
        if not found:
            raise ClientError(f"no tracked instance has {' and '.join(labels)}", code=NOT_FOUND)
    return list(dict.fromkeys(found))


def check_labels(labels: Sequence[str]) -> None:
    """Refuse what is not ``KEY=VALUE``."""
    for label in labels:
        if not label.partition("=")[1] or label.startswith("="):
            raise usage(f"--label {label}: write it as KEY=VALUE")


def me() -> str:
    """Return this user's name, as the supervisor would know it."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())


def _known(api: Api, given: str) -> Document | None:
    if not is_whole(given):
        return None
    try:
        document: Document = api.get(f"/v1/jobs/{part(given)}")
    except RefusedError as error:
        if error.status == 404:
            return None  # it may be a name of sixteen letters
        raise
    return document


def _search(api: Api, given: str) -> Document:
    jobs = {job["job_id"]: job for job in api.items("/v1/jobs")}
    named = [Named(job_id, job["name"]) for job_id, job in jobs.items()]
    try:
        job_id = resolve(given, named)
    except AmbiguousError as error:
        steps = tuple(
            f"{found}   {jobs[found]['name'] or NONE}   {jobs[found]['state']}"
            for found in error.job_ids[:8]
        )
        raise ClientError(f"{given} fits {len(error.job_ids)} jobs", steps, NOT_FOUND) from None
    if job_id is None:
        raise ClientError(f"no job {given}", ("See all:   jobctl ps --all",), NOT_FOUND)
    return jobs[job_id]


def _is_instance_id(word: str) -> bool:
    return word.startswith(("i-", "mi-"))


def _by_name(api: Api, name: str) -> str:
    found = [item["instance_id"] for item in api.items("/v1/instances") if item["name"] == name]
    if len(found) == 1:
        return str(found[0])
    if found:
        raise ClientError(f"{name} is the name of {len(found)} instances", tuple(found), NOT_FOUND)
    raise ClientError(f"no instance {name}", ("See all:   jobctl instances",), NOT_FOUND)
