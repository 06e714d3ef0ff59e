"""What comes in: bodies and queries, each a model that checks, documents and is read from."""

from __future__ import annotations

import hashlib
import json
from types import MappingProxyType
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from supervisor.config import InstanceId
from supervisor.domain.model import JobState, LaunchSpec, OnEnd

Absolute = Annotated[
    str,
    Field(
        pattern=r"^/[^\x00]*$",
        max_length=4096,
        description="An absolute path on the instance.",
        examples=["/home/ubuntu/resnet"],
    ),
]
Word = Annotated[str, Field(pattern=r"^[^\x00]*$", max_length=65536)]
Name = Annotated[
    str,
    Field(
        pattern=r"^[^\x00-\x1f\x7f-\x9f]+$",
        max_length=128,
        description="What people call the job; no control characters.",
    ),
]
UserName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.][A-Za-z0-9_.@-]*\$?$", max_length=64)]
VariableName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=256)]
LabelKey = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_./-]*$", max_length=63)]
LabelValue = Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f-\x9f]*$", max_length=256)]
Label = Annotated[
    str, Field(pattern=r"^[^=]+=", max_length=512, description="KEY=VALUE; all that are given fit.")
]
Duration = Annotated[float, Field(gt=0, le=315_360_000, allow_inf_nan=False)]
Grace = Annotated[float, Field(ge=0, le=86_400, allow_inf_nan=False)]
S3Place = Annotated[str, Field(pattern=r"^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/.*)?$")]
ResumeOn = Annotated[str, Field(pattern=r"^(same|tag:[^=]+=.*)$", max_length=512)]


class Body(BaseModel):
    """A body: JSON's own types, and no key that is not known."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class DryRun(Body):
    """What changes something can be tried without doing it."""

    dry_run: bool = Field(default=False, description="Only say what would be done, and why not.")


class LaunchBody(DryRun):
    """A command to be run on an instance."""

    instance_id: InstanceId
    command: Annotated[
        tuple[Word, ...],
        Field(
            min_length=1,
            max_length=4096,
            description="A list of words, never a shell line.",
            examples=[["python", "train.py", "--lr", "0.1"]],
        ),
    ]
    project_dir: Absolute
    run_dir: Absolute | None = Field(
        default=None, description="Holds PID file, log and exit code. Default: project_dir."
    )
    create: bool = Field(default=False, description="Make project_dir where it does not exist.")
    name: Name | None = None
    user: UserName | None = Field(default=None, description="Default: the owner of project_dir.")
    env: dict[VariableName, Word] = Field(default_factory=dict)
    env_file: Absolute | None = Field(
        default=None, description="KEY=value lines on the instance, read as the job's user."
    )
    labels: dict[LabelKey, LabelValue] = Field(default_factory=dict, max_length=64)
    checkpoint_dir: Absolute | None = None
    s3_uri: S3Place | None = None
    on_complete: OnEnd = OnEnd.NONE
    on_failure: OnEnd = OnEnd.NONE
    timeout_seconds: Duration | None = None
    grace_seconds: Grace = 30
    start_within_seconds: Duration = 900
    max_attempts: Annotated[int, Field(ge=1, le=1000)] = 1
    retry_on_failure: bool = False
    resume_arguments: Annotated[tuple[Word, ...], Field(max_length=4096)] = ()
    resume_on: ResumeOn = "same"

    @field_validator("command")
    @classmethod
    def _program_is_named(cls, command: tuple[str, ...]) -> tuple[str, ...]:
        if not command[0]:
            raise ValueError("the first word names the program, and is empty")
        return command

    def spec(self) -> LaunchSpec:
        """Return it as the domain knows it."""
        fields = {name: getattr(self, name) for name in type(self).model_fields}
        del fields["dry_run"]
        fields["run_dir"] = self.run_dir or self.project_dir
        fields["env"] = MappingProxyType(dict(self.env))
        fields["labels"] = MappingProxyType(dict(self.labels))
        return LaunchSpec(**fields)


class RerunBody(DryRun):
    """A launch like that of another job."""


class TerminateJobBody(DryRun):
    """The end of a job's process tree."""

    grace_seconds: Grace | None = Field(
        default=None, description="Between SIGTERM and SIGKILL. Default: the job's own."
    )


class UntrackBody(DryRun):
    """An instance to be let go."""

    force: bool = Field(default=False, description="Let go of live jobs on it as well.")


class InstanceBody(DryRun):
    """A stop, start or terminate."""

    force: bool = Field(default=False, description="Even where checkpoints or jobs are lost.")
    grace_seconds: Grace | None = Field(
        default=None, description="Between SIGTERM and SIGKILL. Default: each job's own."
    )


def digest(model: BaseModel) -> str:
    """Return a digest of what was asked: the same for every way of writing it."""
    text = json.dumps(model.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


class Query(BaseModel):
    """A query: text, so that numbers and truth are read from it; no key that is not known."""

    model_config = ConfigDict(extra="forbid", frozen=True)


Limit = Annotated[int, Field(ge=1, le=1000, description="Items in one answer.")]
Cursor = Annotated[
    str | None, Field(default=None, max_length=512, description="next_cursor of the page before.")
]


class JobsQuery(Query):
    """Which jobs are listed: those that fit everything that is given."""

    state: list[JobState] = Field(default_factory=list, description="Any of these.")
    instance_id: list[Annotated[str, Field(max_length=64)]] = Field(
        default_factory=list, description="Any of these."
    )
    label: list[Label] = Field(default_factory=list, description="All of these, KEY=VALUE.")
    owner: Annotated[str | None, Field(max_length=128, description="A user's name or uid.")] = None
    limit: Limit = 100
    cursor: Cursor


class InstancesQuery(Query):
    """Which instances are listed: those that fit everything that is given."""

    state: list[Annotated[str, Field(max_length=64)]] = Field(
        default_factory=list, description="EC2's word; any of these."
    )
    instance_id: list[Annotated[str, Field(max_length=64)]] = Field(
        default_factory=list, description="Any of these."
    )
    label: list[Label] = Field(default_factory=list, description="All of these tags, KEY=VALUE.")
    limit: Limit = 100
    cursor: Cursor


class LogsQuery(Query):
    """How much of a log."""

    lines: Annotated[int, Field(ge=0, le=10_000)] = 100
    follow: bool = False


class EventsQuery(Query):
    """Which events."""

    after: Annotated[
        int | None,
        Field(
            ge=0,
            le=2**63 - 1,
            description="Those with a greater number; left out: from the oldest that is kept.",
        ),
    ] = None
    limit: Annotated[int | None, Field(ge=1)] = None
    follow: bool = False
    job_id: Annotated[str | None, Field(max_length=64, description="Only this job's.")] = None


class NoQuery(Query):
    """Nothing can be asked for."""


def as_query(model: type[Query], given: list[tuple[str, str]]) -> dict[str, Any]:
    """Gather a query's pairs: lists where the model has one, else the text itself."""
    gathered: dict[str, Any] = {}
    for key, value in given:
        if _is_list(model, key):
            gathered.setdefault(key, []).append(value)
        elif key in gathered:
            gathered[key] = f"{gathered[key]},{value}"
        else:
            gathered[key] = value if value or not _is_bool(model, key) else "true"
    return gathered


def _annotation(model: type[Query], key: str) -> Any:
    field = model.model_fields.get(key)
    return None if field is None else field.annotation


def _is_list(model: type[Query], key: str) -> bool:
    return getattr(_annotation(model, key), "__origin__", None) is list


def _is_bool(model: type[Query], key: str) -> bool:
    return _annotation(model, key) is bool
