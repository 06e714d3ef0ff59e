"""What people see: text made harmless, ages, tables that fit, colour where it is wanted."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, TextIO
from unicodedata import combining, east_asian_width

from supervisor.domain.text import age, size

__all__ = ["age", "bold", "cells", "clip", "colour", "plain", "say", "since", "size", "table"]

_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"
    "\ufeff\ufff9-\ufffb\U000e0000-\U000e007f\ud800-\udfff]"
)
"""Controls of C0 and C1, marks that turn or hide text, and halves of characters."""
_COLOURS = {"green": "32", "red": "31", "yellow": "33", "cyan": "36", "dim": "2", "bold": "1"}
_STATES = {
    "running": "green",
    "completed": "green",
    "done": "green",
    "finishing": "cyan",
    "launching": "cyan",
    "pending": "cyan",
    "failed": "red",
    "lost": "red",
    "interrupted": "yellow",
    "terminated": "yellow",
    "expired": "red",
}
_GAP = "  "
NONE = "–"  # noqa: RUF001 - it stands where there is nothing to show


def plain(text: object) -> str:
    """Show what a terminal would obey, or what would turn the text round, as an escape."""
    return _UNSAFE.sub(lambda found: _escape(found[0]), str(text))


def _escape(character: str) -> str:
    code = ord(character)
    short = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}.get(character)
    return short or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")


def on_terminal(stream: TextIO | None = None) -> bool:
    """Whether a person reads along."""
    return (stream or sys.stdout).isatty()


def coloured(stream: TextIO | None = None) -> bool:
    """Whether colour is wanted: on a terminal, without ``NO_COLOR``."""
    dumb = os.environ.get("TERM") == "dumb"
    return on_terminal(stream) and not os.environ.get("NO_COLOR") and not dumb


def colour(text: str, name: str | None) -> str:
    """Colour a text, where colour is wanted."""
    return f"\x1b[{_COLOURS[name]}m{text}\x1b[0m" if name and coloured() else text


def bold(text: str) -> str:
    """Stress a text, where that is possible."""
    return colour(text, "bold")


def state(word: str) -> str:
    """Colour a state's word."""
    return colour(plain(word), _STATES.get(word))


def say(text: str = "") -> None:
    """Print a line of our own making; what is from outside went through ``plain``."""
    print(text, flush=True)


def tell(text: str) -> None:
    """Print a line that is no result: to stderr."""
    print(text, file=sys.stderr, flush=True)


def seconds_since(time: str | None) -> float | None:
    """Return the seconds since an RFC 3339 time."""
    if time is None:
        return None
    then = datetime.fromisoformat(time)
    return max(0.0, (datetime.now(UTC) - then).total_seconds())


def since(time: str | None) -> str:
    """Write how long ago a time was: ``2h14m``."""
    seconds = seconds_since(time)
    return NONE if seconds is None else age(seconds)


def width() -> int | None:
    """Return the terminal's columns; ``None`` where there is no terminal, so nothing is cut."""
    return shutil.get_terminal_size().columns if on_terminal() else None


def cells(text: str) -> int:
    """Count the columns that a text takes on a terminal."""
    if text.isascii():
        return len(text)
    wide = sum(east_asian_width(character) in "WF" for character in text)
    return len(text) + wide - sum(bool(combining(character)) for character in text)


def clip(text: str, room: int) -> str:
    """Shorten a text to some columns, with a mark where it was cut."""
    if cells(text) <= room:
        return text
    while text and cells(text) > room - 1:
        text = text[:-1]
    return f"{text}…" if room > 0 else ""


def table(
    head: Sequence[str], rows: Sequence[Sequence[str]], *, drop: Sequence[str] = ()
) -> list[str]:
    """Lay out rows in columns, the last one as wide as there is room.

    On a narrow terminal the columns of ``drop`` go, in that order. A cell that is
    ``running`` or another state's word is coloured.
    """
    room = width()
    kept = list(range(len(head)))
    for name in drop:
        if room is None or _needed(head, rows, kept) <= room:
            break
        kept = [column for column in kept if head[column] != name]
    lines = [_line([head[column] for column in kept], _widths(head, rows, kept), room, bold)]
    widths = _widths(head, rows, kept)
    return lines + [_line([row[column] for column in kept], widths, room) for row in rows]


def _widths(head: Sequence[str], rows: Sequence[Sequence[str]], kept: list[int]) -> list[int]:
    return [max(cells(row[column]) for row in (head, *rows)) for column in kept]


def _needed(head: Sequence[str], rows: Sequence[Sequence[str]], kept: list[int]) -> int:
    widths = _widths(head, rows, kept)
    return sum(widths[:-1]) + len(_GAP) * (len(widths) - 1) + min(widths[-1], 16)


def _line(row: list[str], widths: list[int], room: int | None, style: Any = None) -> str:
    padded = [cell + " " * (wide - cells(cell)) for cell, wide in zip(row, widths, strict=True)]
    text = _GAP.join(padded).rstrip()
    if room is not None:
        text = clip(text, room)
    if style is not None:
        return str(style(text))
    for cell in row:
        if cell in _STATES and coloured():
            return text.replace(cell, colour(cell, _STATES[cell]), 1)
    return text
