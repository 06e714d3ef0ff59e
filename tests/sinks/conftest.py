from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from pipes import Pipe

import pytest
import structlog

from supervisor.sinks import logging_setup
from supervisor.sinks.logging_setup import Logging
from supervisor.sinks.output import Output


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "state.db"


@pytest.fixture
def pipe() -> Pipe:
    return Pipe()


@pytest.fixture
def to_pipe(pipe: Pipe) -> Iterator[Logging]:
    made = Logging("json", Output(pipe.writes))
    yield made
    made.output.close()


@pytest.fixture
def restored_logging() -> Iterator[None]:
    """Put structlog and the standard library's logging back as they were."""
    root = logging.getLogger()
    handlers, level, config = root.handlers[:], root.level, structlog.get_config()
    yield
    for made in logging_setup._in_force:
        made.output.close()
    logging_setup._in_force.clear()
    root.handlers = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    structlog.configure(**config)
