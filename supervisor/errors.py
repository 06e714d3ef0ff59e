"""The errors that a person is told of. Each says what happened, why, and what to do next.

Layers define their own subclasses; a library's error is chained as the cause, never shown alone.
Whoever is at the end of a line (the command line, the control socket, the log) prints the parts.
"""

from __future__ import annotations


class SupervisorError(Exception):
    """Base of all errors of this project.

    ``what`` is one sentence on what happened, ``why`` its cause as far as it is known, and
    ``next_steps`` what the reader can do, one step an item.
    """

    def __init__(self, what: str, why: str = "", next_steps: tuple[str, ...] = ()) -> None:
        super().__init__(f"{what}: {why}" if why else what)
        self.what = what
        self.why = why
        self.next_steps = next_steps

    def lines(self) -> list[str]:
        """Return the message as lines: what and why, then an indented line for each step."""
        return [str(self), *(f"  {step}" for step in self.next_steps)]


class ConfigError(SupervisorError):
    """Raised when a configuration cannot be used; holds every error that was found."""

    def __init__(self, source: str, errors: tuple[tuple[str, str], ...]) -> None:
        count = "1 error" if len(errors) == 1 else f"{len(errors)} errors"
        super().__init__(f"{source}: {count}")
        self.source = source
        self.errors = errors
        """(key path, what is wrong and what is allowed), in the order of the file's sections."""

    def lines(self) -> list[str]:
        """Return a line for the file, then one for each error."""
        return [
            str(self),
            *(f"  {path}: {text}" if path else f"  {text}" for path, text in self.errors),
        ]
