"""The configuration: one model a section, read from TOML, every error told at once."""

from __future__ import annotations

import difflib
import os
import socket
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from supervisor.errors import ConfigError

DEFAULT_PATH = Path("/etc/job-supervisor/config.toml")
ENVIRONMENT_VARIABLE = "JOB_SUPERVISOR_CONFIG"


def _absolute(value: str) -> str:
    if not value.startswith("/"):
        raise ValueError("an absolute path, beginning with /")
    if "\0" in value:
        raise ValueError("a path without NUL characters")
    return value


AbsolutePath = Annotated[str, AfterValidator(_absolute)]
Interval = Annotated[float, Field(ge=1, le=3600)]
Port = Annotated[int, Field(ge=1, le=65535, strict=True)]
InstanceId = Annotated[str, Field(pattern=r"^m?i-[0-9a-f]{8,17}$")]
S3Uri = Annotated[str, Field(pattern=r"^(s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/.*)?)?$")]


class Section(BaseModel):
    """A section: unknown keys are errors, values are never changed once read."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Aws(Section):
    """Left empty, boto's own standard variables and files decide."""

    profile: str = ""
    region: str = ""
    endpoint_url: str = ""


class SupervisorSection(Section):
    """Who this daemon is, for those who listen to several."""

    id: Annotated[str, Field(max_length=128, pattern=r"^[^/+#\s]*$")] = ""

    @property
    def name(self) -> str:
        """Return the id, or else the host's name."""
        return self.id or socket.gethostname()


class Fleet(Section):
    """Which instances are looked after."""

    instance_ids: tuple[InstanceId, ...] = ()
    tags: dict[str, str] = Field(default_factory=dict)


class Poll(Section):
    """How often instances are looked at, in seconds."""

    running_interval_seconds: Interval = 30
    idle_interval_seconds: Interval = 120
    unreachable_interval_seconds: Interval = 120
    tidy_agent_folders: bool = True


class Adopt(Section):
    """Where jobs launched by other means are looked for."""

    paths: tuple[AbsolutePath, ...] = ("/home/*/*", "/opt/*")
    shared_paths: tuple[AbsolutePath, ...] = ()


class Launch(Section):
    """What launches may ask."""

    allow_root: bool = False


class Control(Section):
    """The control socket, and who may do what."""

    socket: AbsolutePath = "/run/job-supervisor/control.sock"
    socket_mode: Annotated[str, Field(pattern=r"^0?[0-7]{3}$")] = "0666"
    readers: tuple[str, ...] = ("@job-viewers",)
    operators: tuple[str, ...] = ("@job-operators",)
    admins: tuple[str, ...] = ("root",)


class Store(Section):
    """The durable state."""

    path: AbsolutePath = "/var/lib/job-supervisor/state.db"
    keep_events_days: Annotated[float, Field(ge=1, le=36500)] = 90


class Checkpoints(Section):
    """How checkpoints are kept from being lost."""

    s3_uri: S3Uri = ""
    upload: Literal["settled", "at_end"] = "settled"
    settle_seconds: Annotated[float, Field(ge=0, le=86400)] = 60
    guard: Literal["always", "unverified"] = "always"


class Mqtt(Section):
    """The broker; off while ``host`` is empty."""

    host: str = ""
    port: Port = 1883
    tls: bool = False
    ca_file: str = ""
    username: str = ""
    password_file: str = ""
    prefix: Annotated[str, Field(pattern=r"^[^+#\s/][^+#\s]*$")] = "job-supervisor"
    include: tuple[Literal["command", "last_line"], ...] = ()


class Spot(Section):
    """Where spot notices are learnt from."""

    imds: bool = True
    queue_url: str = ""


class Metrics(Section):
    """Where ``/metrics`` is served besides the control socket."""

    listen: Annotated[str, Field(pattern=r"^(.+:\d{1,5})?$")] = ""


class Alerts(Section):
    """After how long a person is told; 0 is off."""

    stall_seconds: Annotated[float, Field(ge=0)] = 0
    idle_alert_seconds: Annotated[float, Field(ge=0)] = 0


class Webhook(Section):
    """One receiver of events by HTTPS."""

    url: Annotated[str, Field(pattern=r"^https?://.+")]
    types: tuple[str, ...] = ("job.*",)
    secret_file: str = ""
    give_up_seconds: Annotated[float, Field(gt=0)] = 86400


class Log(Section):
    """The log on standard output."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "json", "console"] = "auto"


class Config(Section):
    """The whole configuration. Everything has a default but which instances to track."""

    aws: Aws = Aws()
    supervisor: SupervisorSection = SupervisorSection()
    fleet: Fleet = Fleet()
    poll: Poll = Poll()
    adopt: Adopt = Adopt()
    launch: Launch = Launch()
    control: Control = Control()
    store: Store = Store()
    checkpoints: Checkpoints = Checkpoints()
    mqtt: Mqtt = Mqtt()
    spot: Spot = Spot()
    metrics: Metrics = Metrics()
    alerts: Alerts = Alerts()
    webhook: tuple[Webhook, ...] = ()
    log: Log = Log()

    @field_validator("fleet")
    @classmethod
    def _tags_are_named(cls, fleet: Fleet) -> Fleet:
        if any(not key for key in fleet.tags):
            raise ValueError("a tag needs a key")
        return fleet


def config_path(option: str | None) -> Path:
    """Return where the configuration is: the option, else the variable, else the default."""
    return Path(option or os.environ.get(ENVIRONMENT_VARIABLE) or DEFAULT_PATH)


def read_config(path: Path) -> Config:
    """Read and check a configuration file.

    Raises:
        ConfigError: with every error in the file, or why it cannot be read.

    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(str(path), (("", f"cannot be read: {error.strerror}"),)) from error
    except UnicodeDecodeError as error:
        raise ConfigError(str(path), (("", "is not UTF-8 text"),)) from error
    return parse_config(text, str(path))


def parse_config(text: str, source: str) -> Config:
    """Check a configuration's text; ``source`` names it in errors.

    Raises:
        ConfigError: with every error in the text.

    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(source, (("", f"is not TOML: {error}"),)) from error
    try:
        return Config.model_validate(document)
    except ValidationError as error:
        raise ConfigError(source, tuple(_tell(item) for item in error.errors())) from error


def _tell(error: ErrorDetails) -> tuple[str, str]:
    """Turn one of pydantic's errors into (key path, what is wrong and what is allowed)."""
    location = error["loc"]
    path = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in location).lstrip(".")
    shown = _show(error["input"])
    match error["type"]:
        case "extra_forbidden":
            near = difflib.get_close_matches(str(location[-1]), _keys_beside(location), n=1)
            return path, "unknown key" + (f'; did you mean "{near[0]}"?' if near else "")
        case "missing":
            return path, "is missing, and has no default"
        case "value_error":
            return path, f"{shown} is not allowed; {error['ctx']['error']}"
        case _:
            field = _field_at(location) if isinstance(location[-1], str) else None
            allowed = (
                _allowed(field)
                if field is not None
                else _LISTED.get(_key_of(location), error["msg"])
            )
            return path, f"{shown} is not allowed; {allowed}"


_LISTED = {
    "fleet.instance_ids": "an instance id such as i-0a1b2c3d4e5f60718",
    "mqtt.include": 'one of "command", "last_line"',
}


def _key_of(location: tuple[int | str, ...]) -> str:
    """Return the key path without places in lists."""
    return ".".join(part for part in location if isinstance(part, str))


def _show(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value).replace("\n", " ")[:80]


def _model_at(location: tuple[int | str, ...]) -> type[BaseModel]:
    model: type[BaseModel] = Config
    for part in location:
        inner = model.model_fields.get(str(part))
        annotation = getattr(inner, "annotation", None)
        candidates = [annotation, *getattr(annotation, "__args__", ())]
        for candidate in candidates:
            if isinstance(candidate, type) and issubclass(candidate, BaseModel):
                model = candidate
                break
    return model


def _keys_beside(location: tuple[int | str, ...]) -> list[str]:
    return list(_model_at(location[:-1]).model_fields)


def _field_at(location: tuple[int | str, ...]) -> FieldInfo | None:
    names = [part for part in location if isinstance(part, str)]
    if not names:
        return None
    if len(names) == 1:
        return Config.model_fields.get(names[0])
    return _model_at((names[0],)).model_fields.get(names[1])


_KINDS = {float: "a number", int: "a whole number", bool: "true or false", str: "a text"}


def _allowed(field: FieldInfo) -> str:
    """Say in words what a field takes."""
    annotation: Any = field.annotation
    literals = getattr(annotation, "__args__", None)
    if getattr(annotation, "__origin__", None) is Literal and literals:
        return "one of " + ", ".join(f'"{item}"' for item in literals)
    bounds = {
        name: getattr(item, name)
        for item in _flatten(field.metadata)
        for name in ("ge", "gt", "le", "pattern")
        if getattr(item, name, None) is not None
    }
    kind = _KINDS.get(annotation, "a list" if "tuple" in str(annotation) else "a table")
    if "ge" in bounds and "le" in bounds:
        return f"{kind} from {bounds['ge']} to {bounds['le']}"
    if "ge" in bounds:
        return f"{kind}, {bounds['ge']} or more"
    if "gt" in bounds:
        return f"{kind} above {bounds['gt']}"
    if "pattern" in bounds:
        return f"{kind} of the form {bounds['pattern']}"
    return kind


def _flatten(metadata: list[Any]) -> list[Any]:
    found: list[Any] = []
    for item in metadata:
        found.extend(_flatten(list(item.metadata)) if isinstance(item, FieldInfo) else [item])
    return found
