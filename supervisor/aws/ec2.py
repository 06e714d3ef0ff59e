"""Instances, as EC2 tells of them, and the calls that stop, start and terminate one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from supervisor.aws.api import Api

_PAGE = 100
"""Instances a page. Pages are parsed in a thread, and small ones give way to others more often."""
_IDS = 200
"""A filter takes at most 200 values."""
_CHANGES = {
    "stop": "StopInstances",
    "start": "StartInstances",
    "terminate": "TerminateInstances",
}


@dataclass(frozen=True, slots=True)
class Ec2Instance:
    """What DescribeInstances tells of one instance."""

    instance_id: str
    state: str
    """pending, running, shutting-down, terminated, stopping or stopped."""
    name: str | None
    availability_zone: str | None
    tags: Mapping[str, str]
    state_reason: str | None = None
    """Why it is in that state, such as ``Server.SpotInstanceTermination: …``."""
    instance_type: str | None = None
    lifecycle: str | None = None
    """``spot`` or ``scheduled``; ``None``: on demand."""
    root_device_type: str | None = None
    """``ebs``, or ``instance-store``, which cannot be stopped."""
    launch_time: float | None = None
    """When it was last started."""


class Ec2:
    """Calls to EC2. All raise ``AwsError``."""

    def __init__(self, api: Api) -> None:
        """Call through ``api``."""
        self._api = api

    async def by_tags(self, tags: Mapping[str, str]) -> list[Ec2Instance]:
        """Return all instances that have all of the tags."""
        filters = [{"Name": f"tag:{key}", "Values": [value]} for key, value in tags.items()]
        return [found async for found in self._describe(filters)]

    async def by_ids(self, instance_ids: Sequence[str]) -> list[Ec2Instance]:
        """Return those of the ids that EC2 knows; in a filter an unknown id is no error."""
        found: list[Ec2Instance] = []
        ids = list(dict.fromkeys(instance_ids))
        for start in range(0, len(ids), _IDS):
            filters = [{"Name": "instance-id", "Values": ids[start : start + _IDS]}]
            found += [item async for item in self._describe(filters)]
        return found

    async def change(self, kind: str, instance_id: str) -> None:
        """Do ``stop``, ``start`` or ``terminate``; one id a call, as one refusal fails them all."""
        await self._api.call(_CHANGES[kind], InstanceIds=[instance_id])

    async def _describe(self, filters: list[dict[str, Any]]) -> AsyncIterator[Ec2Instance]:
        """Read all pages. ``MaxResults`` goes with filters, not with ``InstanceIds``."""
        token: dict[str, Any] = {}
        while True:
            page = await self._api.call(
                "DescribeInstances", Filters=filters, MaxResults=_PAGE, **token
            )
            for reservation in page.get("Reservations", ()):
                for item in reservation.get("Instances", ()):
                    yield _instance(item)
            if not page.get("NextToken"):
                return
            token = {"NextToken": page["NextToken"]}


def _instance(item: Mapping[str, Any]) -> Ec2Instance:
    tags = {tag["Key"]: tag.get("Value", "") for tag in item.get("Tags", ())}
    launched = item.get("LaunchTime")
    return Ec2Instance(
        item["InstanceId"],
        item["State"]["Name"],
        tags.get("Name"),
        item.get("Placement", {}).get("AvailabilityZone"),
        tags,
        state_reason=_reason(item),
        instance_type=item.get("InstanceType"),
        lifecycle=item.get("InstanceLifecycle"),
        root_device_type=item.get("RootDeviceType"),
        launch_time=None if launched is None else launched.timestamp(),
    )


def _reason(item: Mapping[str, Any]) -> str | None:
    reason = item.get("StateReason") or {}
    return reason.get("Message") or reason.get("Code") or None
