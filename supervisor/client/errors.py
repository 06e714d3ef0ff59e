"""How a command fails: what happened, why, what to do next, and with which exit code."""

from __future__ import annotations

from typing import Any

REFUSED = 1
USAGE = 2
UNREACHABLE = 3
NOT_FOUND = 4
DATA_AT_RISK = 5
TIMED_OUT = 6
INTERRUPTED = 130
WAIT_FAILED = 125


class ClientError(Exception):
    """Raised when a command cannot do what it was asked; told on stderr."""

    def __init__(self, what: str, steps: tuple[str, ...] = (), code: int = REFUSED) -> None:
        super().__init__(what)
        self.what = what
        self.steps = steps
        self.code = code

    def lines(self) -> list[str]:
        """Return what is told, a line each; what comes from outside is not yet neutralised."""
        first, *more = self.what.split("\n")
        return [f"jobctl: {first}", *more, *(f"  {step}" for step in self.steps)]


class UnreachableError(ClientError):
    """Raised when the supervisor does not answer on its socket."""

    def __init__(self, path: str, why: str) -> None:
        steps = (
            "Is it running?    systemctl status job-supervisor",
            "Another socket?   jobctl --socket PATH, or JOB_SUPERVISOR_SOCKET",
        )
        super().__init__(f"cannot reach the supervisor at {path}: {why}.", steps, UNREACHABLE)


class RefusedError(ClientError):
    """Raised when the supervisor answers with a problem document."""

    def __init__(self, status: int, problem: dict[str, Any]) -> None:
        self.status = status
        self.problem = problem
        self.at_risk = str(problem.get("type", "")).endswith("data-at-risk")
        code = DATA_AT_RISK if self.at_risk else NOT_FOUND if status == 404 else REFUSED
        what = str(problem.get("detail") or problem.get("title") or f"HTTP {status}")
        super().__init__(what, tuple(str(step) for step in problem.get("hints", ())), code)

    def lines(self) -> list[str]:
        """Return a refusal to protect data as it was worded, with what can be done instead."""
        if not self.at_risk:
            return super().lines()
        steps = [f"  {step}" for step in self.steps]
        return [*self.what.split("\n"), *(["What you can do:", *steps] if steps else [])]


def usage(what: str, *steps: str) -> ClientError:
    """Make an error of one who typed it wrong."""
    return ClientError(what, steps, USAGE)
