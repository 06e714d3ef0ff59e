from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from serving import Answered, Served, serve
from standin import A, B, Checkpoint, StandIn, a_job

from supervisor.control.openapi import document
from supervisor.control.routes import ROUTES
from supervisor.domain.events import EventType, NewEvent
from supervisor.domain.model import JobState, Reason

DOCUMENT = document(ROUTES)
IDS = {"job_id": "k7m2pdaaaaaaaaaa", "instance_id": A, "operation_id": "x"}


def test_the_document_is_valid() -> None:
    OpenAPIV31SpecValidator(DOCUMENT).validate()
    json.dumps(DOCUMENT)


def test_every_route_is_in_it_with_its_problems() -> None:
    for route in ROUTES:
        operation = DOCUMENT["paths"][route.path][route.method.lower()]
        assert set(map(str, route.answers)) <= set(operation["responses"])
        for status, response in operation["responses"].items():
            if int(status) >= 400:
                assert list(response["content"]) == ["application/problem+json"]
    names = [route.operation_id for route in ROUTES]
    assert len(set(names)) == len(names)


def test_the_routes_of_the_contract_are_there() -> None:
    served = {(route.method, route.path) for route in ROUTES}
    instance, job = "/v1/instances/{instance_id}", "/v1/jobs/{job_id}"
    assert served >= {
        ("POST", "/v1/jobs"),
        ("GET", "/v1/jobs"),
        ("GET", job),
        ("POST", f"{job}/terminate"),
        ("GET", f"{job}/logs"),
        ("GET", "/v1/instances"),
        ("GET", instance),
        *(
            ("POST", f"{instance}/{verb}")
            for verb in ("track", "untrack", "poll", "stop", "start", "terminate")
        ),
        ("GET", "/v1/operations/{operation_id}"),
        ("GET", "/v1/events"),
        ("GET", "/v1/status"),
        ("GET", "/healthz"),
        ("GET", "/v1/openapi.json"),
    }


def must_fit(method: str, template: str, answer: Answered) -> None:
    """Check an answer against what the document says of its status."""
    responses = DOCUMENT["paths"][template][method.lower()]["responses"]
    assert str(answer.status) in responses, (method, template, answer.status, answer.body)
    content = responses[str(answer.status)]["content"]
    media = answer.headers["content-type"].split(";")[0]
    assert media in content
    if media.endswith(("/json", "+json")):
        schema = {**content[media]["schema"], "components": DOCUMENT["components"]}
        Draft202012Validator(schema).validate(json.loads(answer.body))


async def test_the_socket_gives_the_document(served: Served) -> None:
    assert (await served.ask("GET", "/v1/openapi.json")).json == DOCUMENT


def filled() -> StandIn:
    standin = StandIn()
    saved = Checkpoint("/ck/e.pt", 5, 1.0)
    standin.add(A, checkpoints=(saved,), unknown_directories=(("/a", "b"),))
    standin.add(B, ec2_state=None, reachable=None, last_look_at=None)
    standin.put(a_job(checkpoint=saved))
    standin.put(a_job("b" * 16, B, state=JobState.LOST, reason=Reason.REBOOTED, process=None))
    return standin


async def test_what_is_answered_fits_the_document(tmp_path: Path) -> None:
    standin = filled()
    await standin.tell(NewEvent(EventType.JOB_STARTED, A, "k7m2pdaaaaaaaaaa"))
    async with serve(tmp_path, standin) as served:
        for route in ROUTES:
            for ids in (IDS, {"job_id": "nope", "instance_id": "i-00000000", "operation_id": "y"}):
                path = route.path.format(**ids)
                must_fit(route.method, route.path, await served.ask(route.method, path))


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


def bodies(route: Any) -> st.SearchStrategy[bytes]:
    """Make bodies that are nearly right, wrong, and no JSON at all."""
    names = list(route.body.model_fields) or ["x"]
    right: dict[str, Any] = {"instance_id": B, "project_dir": "/p", "command": ["true"]}
    start = {name: right[name] for name in names if name in right}
    nearly = st.dictionaries(st.sampled_from(names), JSON_VALUES, max_size=3)
    return st.one_of(
        nearly.map(lambda more: json.dumps({**start, **more}).encode()),
        JSON_VALUES.map(lambda value: json.dumps(value).encode()),
        st.binary(max_size=50),
    )


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
async def test_no_request_gets_an_answer_that_is_not_documented(
    tmp_path: Path, route: Any, data: st.DataObject
) -> None:
    ids = {
        name: data.draw(st.sampled_from([known, "nope", "i-0123456789"]) | st.text(min_size=1))
        for name, known in IDS.items()
    }
    path = route.path.format(**{name: quote(value, safe="") for name, value in ids.items()})
    names = st.sampled_from([*route.query.model_fields, "x"])
    query = data.draw(st.lists(st.tuples(names, st.text(max_size=8) | st.just("1")), max_size=2))
    pairs = [(name, value) for name, value in query if name != "follow"]
    if pairs:
        path += "?" + "&".join(f"{name}={quote(value, safe='')}" for name, value in pairs)
    body = data.draw(bodies(route)) if route.body else None
    async with serve(tmp_path, filled()) as served:
        answer = await served.ask(route.method, path, body)
        assert answer.status != 500
        if "." not in ids.values():
            must_fit(route.method, route.path, answer)
