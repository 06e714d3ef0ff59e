"""EC2 and S3, against moto."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from typing import Any

import boto3
import pytest
import pytest_asyncio
from botocore.stub import Stubber
from moto.server import ThreadedMotoServer

from supervisor.aws.aws import Aws, open_aws
from supervisor.aws.ec2 import Ec2
from supervisor.aws.errors import AwsError, RefusedError, UnknownOutcomeError
from supervisor.aws.pacing import Pacing
from supervisor.aws.session import open_clients
from supervisor.config import Aws as AwsSection

IMAGE = "ami-12c6146b"


@pytest.fixture(scope="module")
def moto_url() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest_asyncio.fixture
async def aws(aws_variables: None, moto_url: str) -> AsyncIterator[Aws]:
    async with open_aws(AwsSection(endpoint_url=moto_url)) as opened:
        yield opened


@pytest.fixture
def direct(aws_variables: None, moto_url: str) -> Any:
    """Make clients as anybody would, to prepare things."""

    def client(service: str) -> Any:
        made: Any = boto3.client(service, endpoint_url=moto_url, region_name="eu-central-1")
        return made

    return client


def start(ec2: Any, count: int, **tags: str) -> list[str]:
    made = ec2.run_instances(
        ImageId=IMAGE,
        MinCount=count,
        MaxCount=count,
        InstanceType="t3.micro",
        TagSpecifications=[
            {
                "ResourceType": "instance",
                "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
            }
        ],
    )
    return [item["InstanceId"] for item in made["Instances"]]


async def test_instances_by_id(aws: Aws, direct: Any) -> None:
    [one, two] = await asyncio.to_thread(start, direct("ec2"), 2, Name="trainer", team="vision")
    found = await aws.ec2.by_ids([one, two, one, "i-00000000000000000"])
    assert {item.instance_id for item in found} == {one, two}
    first = found[0]
    assert (first.state, first.name, first.lifecycle) == ("running", "trainer", None)
    assert first.tags == {"Name": "trainer", "team": "vision"}
    assert first.availability_zone is not None
    assert first.availability_zone.startswith("eu-central-1")
    assert (first.instance_type, first.root_device_type) == ("t3.micro", "ebs")
    assert first.launch_time is not None
    assert await aws.ec2.by_ids([]) == []


async def test_instances_by_tags_over_several_pages(
    aws: Aws, direct: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("supervisor.aws.ec2._PAGE", 5)
    ec2 = direct("ec2")
    wanted = set()
    for _ in range(12):
        wanted |= set(await asyncio.to_thread(start, ec2, 1, fleet="paged", kind="gpu"))
    await asyncio.to_thread(start, ec2, 1, fleet="paged", kind="cpu")
    found = await aws.ec2.by_tags({"fleet": "paged", "kind": "gpu"})
    assert {item.instance_id for item in found} == wanted
    assert aws.pacing.account()["DescribeInstances"]["calls"] >= 3


async def test_more_ids_than_a_filter_takes(aws: Aws, direct: Any) -> None:
    [one] = await asyncio.to_thread(start, direct("ec2"), 1, Name="one")
    many = [f"i-{number:017x}" for number in range(1, 450)]
    assert [item.instance_id for item in await aws.ec2.by_ids([*many, one])] == [one]
    assert aws.pacing.account()["DescribeInstances"]["calls"] == 3


async def test_stop_start_and_terminate(aws: Aws, direct: Any) -> None:
    [one] = await asyncio.to_thread(start, direct("ec2"), 1, Name="one")
    for kind, state in (("stop", "stopped"), ("start", "running"), ("terminate", "terminated")):
        await aws.ec2.change(kind, one)
        [seen] = await aws.ec2.by_ids([one])
        assert seen.state == state
    assert seen.state_reason


async def test_an_instance_that_is_not_there_is_refused(aws: Aws) -> None:
    with pytest.raises(RefusedError, match="does not exist") as caught:
        await aws.ec2.change("stop", "i-0123456789abcdef0")
    assert caught.value.code == "InvalidInstanceID.NotFound"


async def test_termination_protection_is_told(aws: Aws, direct: Any) -> None:
    ec2 = direct("ec2")
    [one] = await asyncio.to_thread(start, ec2, 1, Name="one")
    await asyncio.to_thread(
        ec2.modify_instance_attribute, InstanceId=one, DisableApiTermination={"Value": True}
    )
    with pytest.raises(RefusedError) as caught:
        await aws.ec2.change("terminate", one)
    assert caught.value.code == "OperationNotPermitted"


async def test_the_newest_object_below_a_place(aws: Aws, direct: Any) -> None:
    s3 = direct("s3")

    def fill() -> None:
        s3.create_bucket(
            Bucket="checkpoints", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
        )
        for key, size in (("run1/a.pt", 3), ("run1/sub/b c.pt", 5), ("run1/", 0), ("run10/z", 9)):
            s3.put_object(Bucket="checkpoints", Key=key, Body=b"x" * size)

    await asyncio.to_thread(fill)
    newest = await aws.s3.newest("s3://checkpoints/run1")
    assert newest is not None
    assert newest == await aws.s3.newest("s3://checkpoints/run1/")
    assert newest.name in {"a.pt", "sub/b c.pt"}
    assert newest.last_modified > 1.6e9
    assert await aws.s3.newest("s3://checkpoints/run") is None
    whole = await aws.s3.newest("s3://checkpoints")
    assert whole is not None
    with pytest.raises(AwsError, match="NoSuchBucket"):
        await aws.s3.newest("s3://absent/run1")
    with pytest.raises(RefusedError, match="not of the form"):
        await aws.s3.newest("/run1")


async def test_nobody_listening_is_told_with_what_to_do(aws_variables: None) -> None:
    async with open_aws(AwsSection(endpoint_url="http://127.0.0.1:1")) as aws:
        with pytest.raises(RefusedError, match="Could not connect") as caught:
            await aws.ec2.change("stop", "i-0123456789abcdef0")
    assert "doctor" in caught.value.next_steps[0]


async def test_an_answer_that_does_not_come_leaves_the_loop_free(aws_variables: None) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        async with open_clients(AwsSection(endpoint_url=url)) as clients:
            clients.ec2._attempt_seconds = 0.3
            with pytest.raises(UnknownOutcomeError, match="no answer in time"):
                await clients.ec2.call("StopInstances", InstanceIds=["i-0123456789abcdef0"])


async def test_denied_names_the_permission(aws_variables: None) -> None:
    async with open_clients(AwsSection(), Pacing()) as clients:
        with Stubber(clients.ec2._client) as stubber:
            stubber.add_client_error("stop_instances", "UnauthorizedOperation", "no", 403)
            with pytest.raises(RefusedError) as caught:
                await Ec2(clients.ec2).change("stop", "i-0123456789abcdef0")
            assert caught.value.next_steps[0].endswith("ec2:StopInstances")
            assert caught.value.code == "UnauthorizedOperation"
            stubber.add_client_error("describe_instances", "InternalError", "", 500)
            stubber.add_client_error("describe_instances", "RequestLimitExceeded", "", 503)
            stubber.add_response("describe_instances", {"Reservations": []})
            assert await Ec2(clients.ec2).by_ids(["i-0123456789abcdef0"]) == []
            assert clients.pacing.account()["DescribeInstances"]["throttles"] == 1
            stubber.add_client_error("stop_instances", "InternalError", "", 500)
            with pytest.raises(UnknownOutcomeError):
                await Ec2(clients.ec2).change("stop", "i-0123456789abcdef0")


async def test_no_region_and_no_profile_are_told(
    aws_variables: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(AwsError, match="profile"):
        async with open_aws(AwsSection(profile="absent")):
            pass
    monkeypatch.delenv("AWS_REGION")
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    with pytest.raises(AwsError, match="region"):
        async with open_aws(AwsSection()):
            pass


async def test_no_credentials_are_certain_to_have_done_nothing(
    aws_variables: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    async with open_clients(AwsSection(endpoint_url="http://127.0.0.1:1")) as clients:
        for api, operation, arguments in (
            (clients.ec2, "DescribeInstances", {}),
            (clients.ssm_read, "ListCommandInvocations", {}),
        ):
            with pytest.raises(RefusedError, match="credentials") as caught:
                await api.call(operation, **arguments)
            assert "get-caller-identity" in caught.value.next_steps[0]


async def test_a_service_variable_goes_before_the_common_address(
    aws_variables: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_SSM", "http://127.0.0.1:2")
    async with open_clients(AwsSection(endpoint_url="http://127.0.0.1:1")) as clients:
        assert clients.ssm_send._client.meta.endpoint_url == "http://127.0.0.1:2"
        assert clients.ec2._client.meta.endpoint_url == "http://127.0.0.1:1"
        assert clients.ec2._client.meta.region_name == "eu-central-1"
