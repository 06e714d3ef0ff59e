"""A pipe that is read only when asked, so that it can be full."""

from __future__ import annotations

import json
import os
import threading
from typing import Any


class Pipe:
    """A pipe that is read only when asked, so that it can be full."""

    def __init__(self) -> None:
        self.reads, self.writes = os.pipe()
        self._data = b""
        self._thread: threading.Thread | None = None

    def open_up(self) -> None:
        """Begin to read it."""
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self) -> None:
        while piece := os.read(self.reads, 65536):
            self._data += piece

    def text(self) -> str:
        """Close it, and return everything that came."""
        os.close(self.writes)
        if self._thread is None:
            self.open_up()
        assert self._thread is not None
        self._thread.join()
        os.close(self.reads)
        return self._data.decode()

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text().splitlines()]
