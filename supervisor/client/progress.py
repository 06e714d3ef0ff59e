"""One line on stderr that is written over while something is waited for; on a terminal only."""

from __future__ import annotations

import shutil
import sys
from types import TracebackType
from typing import Self

from supervisor.client.display import clip, plain

_BEGIN, _CLEAR = "\r", "\x1b[K"


class Progress:
    """Shows what is waited for, and leaves the line empty when it is over."""

    def __init__(self) -> None:
        """Show nothing yet."""
        self._wanted = sys.stderr.isatty()
        self._shown = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.clear()

    def show(self, text: str) -> None:
        """Write over what was shown before."""
        if not self._wanted or text == self._shown:
            return
        room = shutil.get_terminal_size().columns - 1
        sys.stderr.write(f"{_BEGIN}{clip(plain(text), room)}{_CLEAR}")
        sys.stderr.flush()
        self._shown = text

    def clear(self) -> None:
        """Leave nothing on the line."""
        if self._shown:
            sys.stderr.write(f"{_BEGIN}{_CLEAR}")
            sys.stderr.flush()
            self._shown = ""
