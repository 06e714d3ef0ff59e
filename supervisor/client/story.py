"""Events in words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Event = dict[str, Any]
Data = dict[str, Any]


def sentence(event: Event) -> str:
    """Tell one event in a few words; one of a newer version by its type and data."""
    tell = _WORDS.get(event["type"])
    data = event["data"]
    text = tell(data) if tell is not None else _any(event["type"], data)
    actor = event["actor"]
    if actor["uid"] >= 0:
        text += f" by {actor['user']} (uid {actor['uid']}, pid {actor['pid']})"
    return text


def _requested(data: Data) -> str:
    attempt = data.get("attempt", 1)
    return "requested" if attempt == 1 else f"requested (attempt {attempt})"


def _ended(word: str) -> Callable[[Data], str]:
    def tell(data: Data) -> str:
        if data.get("signal") is not None:
            how = f"process gone, signal {data['signal']}: {word}"
        elif data.get("exit_code") is not None:
            how = f"process gone, exit code {data['exit_code']}: {word}"
        else:
            how = word
        reason = str(data.get("reason") or "").replace("_", " ")
        return _with(how, reason, data.get("why"))

    return tell


def _with(text: str, *more: object) -> str:
    """Add what is known, in brackets."""
    known = [str(item) for item in more if item not in (None, "")]
    return f"{text} ({'; '.join(known)})" if known else text


def _pid_file(data: Data) -> str:
    reason = str(data.get("reason") or "").replace("_", " ")
    path = str(data.get("path") or data.get("directory") or "training.pid")
    return _with(f"{path.rsplit('/', 1)[-1]} removed", reason)


def _checkpoint(word: str) -> Callable[[Data], str]:
    return lambda data: _with(
        f"{str(data.get('path') or data.get('name') or 'checkpoint').rsplit('/', 1)[-1]} {word}",
        data.get("place"),
        data.get("why"),
    )


def _plainly(text: str) -> Callable[[Data], str]:
    return lambda data: _with(text, data.get("why"), data.get("reason"))


def _state_changed(data: Data) -> str:
    before = data.get("before", data.get("from", data.get("old")))
    after = data.get("after", data.get("to", data.get("state", data.get("new"))))
    return f"{before} → {after}" if before else f"{after or 'state changed'}"


_WORDS: dict[str, Callable[[Data], str]] = {
    "job.requested": _requested,
    "job.launching": lambda data: f"sent, attempt {data.get('attempt', 1)}",
    "job.started": lambda data: f"started, pid {data.get('pid')}",
    "job.adopted": lambda data: f"found running, pid {data.get('pid')}; looked after from now on",
    "job.terminate_requested": lambda data: (
        f"its end requested, with {data.get('grace_seconds', 30):g}s of grace,"
    ),
    "job.finishing": _plainly("finishing"),
    "job.lingering": _plainly("processes of its tree live on"),
    "job.stalled": _plainly("its log stands still"),
    "job.completed": _ended("completed"),
    "job.failed": _ended("failed"),
    "job.terminated": _ended("terminated"),
    "job.interrupted": _ended("interrupted"),
    "job.lost": _ended("lost"),
    "job.resumed": lambda data: f"to run again in {data.get('in_seconds', 0):.0f}s",
    "pidfile.removed": _pid_file,
    "checkpoint.saved": _checkpoint("saved"),
    "checkpoint.uploaded": _checkpoint("uploaded"),
    "checkpoint.upload_failed": _checkpoint("not uploaded"),
    "instance.tracked": lambda _: "looked after from now on",
    "instance.untracked": lambda _: "looked after no longer",
    "instance.state_changed": _state_changed,
    "instance.unreachable": _plainly("unreachable"),
    "instance.recovered": _plainly("reachable again"),
    "instance.interruption_notice": _plainly("EC2 will take it away"),
    "instance.stop_requested": lambda data: "stop requested" + _forced(data),
    "instance.terminate_requested": lambda data: "terminate requested" + _forced(data),
    "instance.terminate_blocked": lambda data: _with(
        "terminate refused", "; ".join(str(item) for item in data.get("reasons", ()))
    ),
    "instance.idle": _plainly("idle"),
    "supervisor.started": lambda data: f"supervisor {data.get('version', '')} started".strip(),
    "supervisor.stopping": lambda _: "supervisor stopping",
    "supervisor.config_reloaded": lambda data: _with(
        "configuration read again", ", ".join(data.get("changed", ()))
    ),
    "supervisor.config_rejected": lambda data: _with(
        "configuration refused", "; ".join(data.get("errors", ()))
    ),
}


def _forced(data: Data) -> str:
    return ", forced," if data.get("force") else ""


def _any(kind: str, data: Data) -> str:
    return " ".join([kind, *(f"{key}={value}" for key, value in data.items())])
