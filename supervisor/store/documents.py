"""Jobs, instances and events as JSON in rows, and back.

A field that an older version did not write takes its default; one that a newer version added is
passed over. What is written is read back first: a value that JSON cannot carry (a NaN, a lone
surrogate) is refused before it reaches the disk, and never makes the state unreadable.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from supervisor.domain.events import Event, NewEvent
from supervisor.domain.model import Actor, Instance, Job
from supervisor.store.port import StoreError

Value = TypeVar("Value")


def _plain(value: object) -> object:
    """Turn a read-only mapping into one that JSON knows."""
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"a {type(value).__name__} has no place in JSON")


_encoder = msgspec.json.Encoder(enc_hook=_plain)
_jobs = msgspec.json.Decoder(Job)
_instances = msgspec.json.Decoder(Instance)
_actors = msgspec.json.Decoder(Actor)
_data = msgspec.json.Decoder(dict[str, Any])

DecodeError = (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError)
_REFUSED = (TypeError, ValueError, OverflowError, RecursionError)
"""What encoding or reading back may raise; msgspec's and Unicode's errors are ``ValueError``."""

JobRow = tuple[str, str, bytes]
InstanceRow = tuple[str, bytes]
EventRow = tuple[str, float, str, str | None, str | None, bytes, bytes]


def job_row(job: Job) -> JobRow:
    """Return what is kept of a job.

    Raises:
        StoreError: it could not be read back.

    """
    document = _encode(job, _jobs, f"job {job.job_id}")
    return _text(job.job_id), _text(job.instance_id), document


def instance_row(instance: Instance) -> InstanceRow:
    """Return what is kept of an instance.

    Raises:
        StoreError: it could not be read back.

    """
    document = _encode(instance, _instances, f"instance {instance.instance_id}")
    return _text(instance.instance_id), document


def decode_job(document: bytes) -> Job:
    """Read a job."""
    return _jobs.decode(document)


def decode_instance(document: bytes) -> Instance:
    """Read an instance."""
    return _instances.decode(document)


def event_row(event: NewEvent, now: float) -> EventRow:
    """Return what is inserted for an event: everything but its number.

    Raises:
        StoreError: it could not be read back.

    """
    what = f"event {event.type}"
    return (
        uuid.uuid4().hex,
        now,
        _text(str(event.type)),
        None if event.instance_id is None else _text(event.instance_id),
        None if event.job_id is None else _text(event.job_id),
        _encode(event.actor, _actors, what),
        _encode(dict(event.data), _data, what),
    )


def event_of(seq: int, row: EventRow) -> Event:
    """Make an event of its number and the rest of its row."""
    key, time, kind, instance_id, job_id, actor, data = row
    return Event(
        seq, key, time, kind, instance_id, job_id, _actors.decode(actor), _data.decode(data)
    )


def _encode(value: Value, decoder: msgspec.json.Decoder[Value], what: str) -> bytes:
    try:
        document = _encoder.encode(value)
        decoder.decode(document)
    except _REFUSED as error:
        raise StoreError(f"{what} cannot be stored", str(error)) from error
    return document


def _text(value: str) -> str:
    """Refuse what SQLite would not take as text."""
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise StoreError(f"{value!a} cannot be stored", str(error)) from error
    return value
