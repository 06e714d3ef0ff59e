"""structlog on standard output: JSON lines, or coloured text for a person on a terminal.

The standard library's loggers (of asyncio, of the libraries) come out of the same place.
"""

from __future__ import annotations

import atexit
import logging
import os
from collections.abc import Mapping, MutableMapping
from typing import Any

import structlog

from supervisor.sinks.output import Output

_QUIET = {
    # Below a warning botocore logs what it signs.
    "aiobotocore": logging.WARNING,
    "botocore": logging.WARNING,
    "aioboto3": logging.WARNING,
    "boto3": logging.WARNING,
    "urllib3": logging.WARNING,
    "aiohttp.access": logging.WARNING,
    "asyncio": logging.WARNING,
    # It warns of every pending call past ten, which a window of publishes always has.
    "mqtt": logging.ERROR,
    "aiomqtt": logging.ERROR,
}
_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}


class Logging:
    """How lines look, and where they go."""

    def __init__(self, form: str, output: Output) -> None:
        """Take ``form`` as json, console or auto."""
        terminal = os.isatty(output.descriptor)
        console = form == "console" or (form == "auto" and terminal)
        colors = terminal and not os.environ.get("NO_COLOR")
        self.processors = _console(colors=colors) if console else _json()
        self.output = output
        output.told_of = self._dropped

    def render(self, level: str, event: str, fields: Mapping[str, Any]) -> str:
        """Return the line of something that happened, in the form of all other lines."""
        line: Any = {"level": level, "event": event, **fields}
        for processor in (_stamp, *self.processors):
            line = processor(None, level, line)
        return str(line)

    def _dropped(self, count: int) -> str:
        return self.render("warning", "log lines dropped", {"count": count})


_stamp = structlog.processors.TimeStamper(fmt="iso", utc=True, key="timestamp")
_in_force: list[Logging] = []


def set_up_logging(level: str, form: str, descriptor: int = 1) -> Logging:
    """Configure structlog, and route the standard library's loggers into it.

    ``level`` is debug, info, warning or error; ``form`` is json, console or auto. A second call
    changes both, and goes on in the same order of lines.
    """
    made = _logging(form, descriptor)
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        _stamp,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        # Loggers that were used before a second call would keep the first one's processors.
        cache_logger_on_first_use=False,
    )
    handler = _OutputHandler(made.output)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *made.processors,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(_LEVELS[level])
    logging.captureWarnings(capture=True)
    for name, least in _QUIET.items():
        logging.getLogger(name).setLevel(max(least, _LEVELS[level]))
    return made


def logging_in_force() -> Logging:
    """Return what ``set_up_logging`` made last; JSON on standard output where it did not yet."""
    return _in_force[-1] if _in_force else _logging("auto", 1)


def _logging(form: str, descriptor: int) -> Logging:
    before = _in_force.pop() if _in_force else None
    if before is None:
        atexit.register(_close)
    if before is not None and before.output.descriptor == descriptor:
        output = before.output
    else:
        output = Output(descriptor)
        if before is not None:
            before.output.close()
    made = Logging(form, output)
    _in_force.append(made)
    return made


def _close() -> None:
    for item in _in_force:
        item.output.close()


class _OutputHandler(logging.Handler):
    """Hands the lines of the standard library's loggers to the output."""

    def __init__(self, output: Output) -> None:
        super().__init__()
        self._output = output

    def emit(self, record: logging.LogRecord) -> None:
        """Format the record in the caller's thread, write it in the output's."""
        try:
            line = self.format(record)
        except Exception:  # noqa: BLE001 - as every handler of the standard library
            self.handleError(record)
        else:
            self._output.put(line)


def _json() -> list[Any]:
    return [
        structlog.processors.format_exc_info,
        _in_order,
        structlog.processors.JSONRenderer(default=str),
    ]


def _console(*, colors: bool) -> list[Any]:
    return [
        _show,
        structlog.dev.ConsoleRenderer(
            colors=colors,
            sort_keys=False,
            # The default one prints the values of local variables, secrets among them.
            exception_formatter=structlog.dev.plain_traceback,
        ),
    ]


def _in_order(_: Any, __: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Put what every line has first."""
    first = {key: line[key] for key in ("timestamp", "level", "event") if key in line}
    return first | {key: value for key, value in line.items() if key not in first}


def _show(_: Any, __: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Show control and bidirectional characters, which a terminal would obey."""
    return {
        key: _visible(value) if isinstance(value, str) else value for key, value in line.items()
    }


def _visible(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else ascii(character)[1:-1] for character in text
    )
