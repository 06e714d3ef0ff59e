"""Instances: the fleet as last seen, looks, and what starts and ends them."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable

from supervisor.control.bodies import InstanceBody, InstancesQuery, UntrackBody
from supervisor.control.messages import (
    InstanceDocument,
    InstancePage,
    instance_document,
    operation_document,
)
from supervisor.control.paging import fits_labels, page, read_cursor
from supervisor.control.problems import ProblemError
from supervisor.control.route import Answer, Call
from supervisor.domain.access import Role
from supervisor.domain.model import Instance

_INSTANCE_ID = re.compile(r"m?i-[0-9a-f]{8,17}")


async def list_instances(call: Call) -> Answer:
    """List the instances that are tracked, by id."""
    query: InstancesQuery = call.query
    found, cursor = page(
        (item for item in call.supervisor.instances() if _fits(item, query)),
        place=lambda item: (item.instance_id,),
        after=read_cursor(query.cursor, (str,)),
        limit=query.limit,
    )
    return Answer(200, InstancePage(items=_documents(call, found), next_cursor=cursor))


async def show_instance(call: Call) -> Answer:
    """Show one instance."""
    return _shown(call, call.supervisor.instance(call.path["instance_id"]))


async def track_instance(call: Call) -> Answer:
    """Look after an instance from now on."""
    instance_id = call.path["instance_id"]
    if _INSTANCE_ID.fullmatch(instance_id) is None:
        raise ProblemError(
            422,
            "invalid",
            f"{instance_id[:64]} is not an instance id; one looks like i-0a1b2c3d4e5f60718",
            ("See which there are:   aws ec2 describe-instances",),
        )
    dry_run: bool = call.body.dry_run
    return _shown(
        call, await call.supervisor.track(instance_id, call.caller.actor, dry_run=dry_run)
    )


async def untrack_instance(call: Call) -> Answer:
    """Look after an instance no longer."""
    body: UntrackBody = call.body
    instance = call.supervisor.instance(call.path["instance_id"])
    _must_concern_nobody_else(call, "untrack", instance)
    after = await call.supervisor.untrack(
        instance.instance_id, call.caller.actor, force=body.force, dry_run=body.dry_run
    )
    return _shown(call, after)


async def poll_instance(call: Call) -> Answer:
    """Look at an instance now."""
    return _shown(call, await call.supervisor.poll(call.path["instance_id"]))


async def stop_instance(call: Call) -> Answer:
    """Stop an instance, unless a look taken now shows that jobs live on it."""
    return await _end(call, "stop")


async def start_instance(call: Call) -> Answer:
    """Start a stopped instance."""
    return await _end(call, "start")


async def terminate_instance(call: Call) -> Answer:
    """Terminate an instance, unless a look taken now shows that data would be lost."""
    return await _end(call, "terminate")


async def show_operation(call: Call) -> Answer:
    """Show how far a stop, start or terminate is."""
    return Answer(200, operation_document(call.supervisor.operation(call.path["operation_id"])))


async def _end(call: Call, kind: str) -> Answer:
    body: InstanceBody = call.body
    instance_id = call.path["instance_id"]
    call.must_be_allowed(
        f"{kind} {instance_id}", Role.OPERATOR, call.supervisor.live_owners(instance_id)
    )
    operation = await call.supervisor.end_instance(
        kind, instance_id, call.caller.actor, force=body.force, dry_run=body.dry_run
    )
    return Answer(200 if body.dry_run else 202, operation_document(operation))


def _must_concern_nobody_else(call: Call, verb: str, instance: Instance) -> None:
    key = instance.instance_id
    call.must_be_allowed(f"{verb} {key}", Role.OPERATOR, call.supervisor.live_owners(key))


def _shown(call: Call, instance: Instance) -> Answer:
    return Answer(200, _documents(call, (instance,))[0])


def _documents(call: Call, instances: Iterable[Instance]) -> tuple[InstanceDocument, ...]:
    live: defaultdict[str, list[str]] = defaultdict(list)
    for job in call.supervisor.jobs():
        if not job.state.final:
            live[job.instance_id].append(job.job_id)
    return tuple(instance_document(item, live[item.instance_id], call.now) for item in instances)


def _fits(instance: Instance, query: InstancesQuery) -> bool:
    if query.state and instance.ec2_state not in query.state:
        return False
    if query.instance_id and instance.instance_id not in query.instance_id:
        return False
    return fits_labels(instance.tags, query.label)
