"""Whatever the model can hold is the same after it was written and read."""

from __future__ import annotations

import json
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from supervisor.domain.events import EventType, NewEvent
from supervisor.domain.model import Actor, Instance, Job, LaunchSpec
from supervisor.store import documents

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
st.register_type_strategy(str, TEXT)
st.register_type_strategy(float, NUMBERS)
once = settings(max_examples=60, deadline=timedelta(seconds=5))


@once
@given(st.from_type(Job))
def test_a_job(job: Job) -> None:
    assert documents.decode_job(documents.job_row(job)[2]) == job


@once
@given(st.from_type(Instance))
def test_an_instance(instance: Instance) -> None:
    assert documents.decode_instance(documents.instance_row(instance)[1]) == instance


@once
@given(
    st.sampled_from(EventType),
    st.none() | TEXT,
    st.from_type(Actor),
    st.dictionaries(TEXT, JSON, max_size=4),
    NUMBERS,
)
def test_an_event(
    kind: EventType, instance_id: str | None, actor: Actor, data: dict[str, object], now: float
) -> None:
    row = documents.event_row(NewEvent(kind, instance_id, None, actor, data), now)
    event = documents.event_of(7, row)
    assert (event.seq, event.time, event.type, event.instance_id) == (7, now, kind, instance_id)
    assert (event.job_id, event.actor, event.data) == (None, actor, data)


def test_a_field_that_is_not_there_takes_its_default() -> None:
    job = Job("a", LaunchSpec("i-1", ("true",), "/p", "/p"), 1000, "ana", 1.0)
    document = json.loads(documents.job_row(job)[2])
    least = {key: document[key] for key in ("job_id", "owner_uid", "owner", "created_at")}
    least["spec"] = {
        key: document["spec"][key] for key in ("instance_id", "command", "project_dir", "run_dir")
    }
    assert documents.decode_job(json.dumps(least).encode()) == job


def test_a_field_that_is_not_known_is_passed_over() -> None:
    instance = Instance("i-1")
    document = json.loads(documents.instance_row(instance)[1]) | {"of_a_later_version": [1]}
    assert documents.decode_instance(json.dumps(document).encode()) == instance
