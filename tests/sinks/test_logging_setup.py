"""One place where all lines come out, in one form."""

from __future__ import annotations

import json
import logging
import os
import warnings
from pipes import Pipe
from typing import Any

import pytest
import structlog

from supervisor.sinks.logging_setup import Logging, logging_in_force, set_up_logging
from supervisor.sinks.output import Output

pytestmark = pytest.mark.usefixtures("restored_logging")


def by_event(pipe: Pipe, made: Logging) -> dict[str, dict[str, Any]]:
    made.output.close()
    return {line["event"]: line for line in pipe.lines()}


def fail(_secret: str) -> None:
    raise ValueError("told")


def test_our_lines_and_the_libraries_look_alike(pipe: Pipe) -> None:
    made = set_up_logging("info", "auto", pipe.writes)
    structlog.get_logger().info("started", pid=7)
    structlog.get_logger().debug("not this")
    logging.getLogger("somebody").warning("careful with %s", "this")
    logging.getLogger("botocore.auth").info("secrets")
    logging.getLogger("mqtt").warning("pending calls: 11")
    lines = by_event(pipe, made)
    assert lines.keys() == {"started", "careful with this"}
    assert (lines["started"]["pid"], lines["started"]["level"]) == (7, "info")
    assert lines["careful with this"]["logger"] == "somebody"
    assert all(list(line)[:3] == ["timestamp", "level", "event"] for line in lines.values())


def test_a_traceback_is_in_its_line(pipe: Pipe) -> None:
    made = set_up_logging("info", "json", pipe.writes)
    try:
        fail("q" * 9)
    except ValueError:
        structlog.get_logger().exception("task failed")
        logging.getLogger("asyncio").exception("also")
    lines = by_event(pipe, made)
    assert "ValueError: told" in lines["task failed"]["exception"]
    assert "ValueError: told" in lines["also"]["exception"]
    assert "q" * 9 not in json.dumps(lines)


def test_warnings_are_lines(pipe: Pipe) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        made = set_up_logging("info", "json", pipe.writes)
        warnings.warn("old", stacklevel=1)
        assert any("old" in event for event in by_event(pipe, made))
        logging.captureWarnings(capture=False)


def test_a_second_call_changes_level_and_form(pipe: Pipe) -> None:
    set_up_logging("info", "json", pipe.writes)
    structlog.get_logger().info("first")
    made = set_up_logging("warning", "console", pipe.writes)
    structlog.get_logger().info("not this")
    structlog.get_logger().warning("second")
    assert logging_in_force() is made
    made.output.close()
    first, second = pipe.text().splitlines()
    assert json.loads(first)["event"] == "first"
    assert "[warning  ] second" in second


def test_a_terminal_is_shown_what_it_would_obey(pipe: Pipe) -> None:
    made = set_up_logging("info", "console", pipe.writes)
    try:
        fail("q" * 9)
    except ValueError:
        structlog.get_logger().exception("\x1b[2Jfile", path="a\u202eb\nc", more={"x": "\x1b]"})
    made.output.close()
    text = pipe.text()
    assert "\\x1b[2Jfile" in text
    assert "a\\u202eb\\nc" in text
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "ValueError: told" in text
    assert "q" * 9 not in text


def test_ordinary_lines_are_dropped_and_counted_while_nobody_reads(pipe: Pipe) -> None:
    output = Output(pipe.writes, room=10)
    made = Logging("json", output)
    for number in range(500):
        output.put(made.render("info", f"line {number}", {"x": "x" * 2000}))
    pipe.open_up()
    assert output.deliver(["{}"]).result(timeout=5) is None
    output.put(made.render("info", "last", {}))
    output.close()
    events = [line.get("event") for line in pipe.lines()]
    assert "log lines dropped" in events
    assert events[-1] == "last"


def test_a_descriptor_that_does_not_block_is_waited_for(pipe: Pipe) -> None:
    os.set_blocking(pipe.writes, False)
    output = Output(pipe.writes)
    delivered = output.deliver(["x" * 1_000_000])
    pipe.open_up()
    assert delivered.result(timeout=5) is None
    output.close()
    assert len(pipe.text()) == 1_000_001
