"""`jobctl logs`: the tail of a job's log, harmless to look at, and on while it grows."""

from __future__ import annotations

import codecs
import re
import sys
import time
from collections.abc import Callable, Iterator

import click

from supervisor.client import options
from supervisor.client.connection import Api, StreamCutError, part
from supervisor.client.display import plain, tell
from supervisor.client.errors import RefusedError, UnreachableError
from supervisor.client.naming import find_job
from supervisor.client.output import print_json, print_json_line
from supervisor.client.words import FINAL, Document

_PIECE = 65536
_REMEMBERED = 65536
"""Bytes of what was shown, to find the place to go on at after the supervisor was away."""
_AFTER_A_BREAK = 10_000
"""Lines asked for then: the most that one request gives."""
_PAUSE = 0.5
_KEPT = re.compile(r"([\n\t])")

Write = Callable[[bytes], None]


@click.command()
@options.job_argument()
@click.option("-f", "--follow", is_flag=True, help="Go on while it grows, until the job is over.")
@click.option("-n", "--lines", type=click.IntRange(0, 10_000), default=100, show_default=True)
@click.option("--raw", is_flag=True, help="The bytes as they are, control characters and all.")
@options.as_json
@click.pass_context
def logs(
    context: click.Context, *, job: str, follow: bool, lines: int, raw: bool, as_json: bool
) -> None:
    r"""Print the end of a job's log.

    \b
    jobctl logs -f resnet50
    jobctl logs -n 1000 k7m2pd | grep loss

    Control and bidirectional characters are shown as escapes; a lone carriage return begins a
    new line. With --raw nothing is changed.
    """
    api = options.api_of(context)
    found = find_job(api, job)
    if as_json:
        _as_json(api, found, lines, follow=follow)
        return
    write = _write_raw if raw else Harmless(sys.stdout.write)
    for piece in tail(api, found, lines, follow=follow):
        write(piece)
        sys.stdout.flush()


def tail(api: Api, job: Document, lines: int, *, follow: bool) -> Iterator[bytes]:
    """Yield a log's end, and what is added; when the supervisor was away, from there on."""
    path = f"/v1/jobs/{part(job['job_id'])}/logs"
    shown, broken = b"", False
    while True:
        try:
            wanted = _AFTER_A_BREAK if broken else lines
            for piece in _pieces(api, path, wanted, follow=follow):
                new = piece
                if broken:
                    new, broken = _unseen(shown, piece), False
                shown = (shown + new)[-_REMEMBERED:]
                yield new
            if not follow or _is_over(api, job):
                return
        except (StreamCutError, UnreachableError):
            if not follow:
                raise
        if not broken:
            tell("jobctl: the supervisor is away; the log is read on when it is back")
        broken = True
        time.sleep(_PAUSE)


def _pieces(api: Api, path: str, lines: int, *, follow: bool) -> Iterator[bytes]:
    """Yield what there is as one piece, then what is added."""
    with api.stream(path, [("lines", lines), ("follow", follow)]) as stream:
        yield stream.read(int(stream.headers.get("Tail-Length", 0)))
        while piece := stream.read1(_PIECE):
            yield piece


def _is_over(api: Api, job: Document) -> bool:
    """Whether the stream ended because the job did, and not because the supervisor stops."""
    try:
        state = api.get(f"/v1/jobs/{part(job['job_id'])}")["state"]
    except UnreachableError:
        return False
    except RefusedError as error:
        return error.status == 404
    return state in FINAL


def _unseen(shown: bytes, again: bytes) -> bytes:
    """Return what of a newly read tail comes after what was shown already."""
    for length in (4096, 1024, 256, 64):
        end = shown[-length:]
        place = again.rfind(end) if end else -1
        if place >= 0:
            return again[place + len(end) :]
    if not shown:
        return again
    return b"\n[jobctl: what was written meanwhile may be skipped]\n" + again


class Harmless:
    """Shows bytes as text that no terminal obeys."""

    def __init__(self, write: Callable[[str], object]) -> None:
        """Pass the text on to ``write``."""
        self._write = write
        self._decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")
        self._held = ""

    def __call__(self, piece: bytes) -> None:
        """Show a piece; a carriage return at its end waits for what comes after it."""
        text = self._held + self._decoder.decode(piece)
        self._held = "\r" if text.endswith("\r") else ""
        text = text[: len(text) - len(self._held)]
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        self._write("".join(p if p in "\n\t" else plain(p) for p in _KEPT.split(text)))


def _write_raw(piece: bytes) -> None:
    sys.stdout.buffer.write(piece)
    sys.stdout.buffer.flush()


def _as_json(api: Api, job: Document, lines: int, *, follow: bool) -> None:
    """Print a document with the lines, or one for each line as it comes."""
    pieces = tail(api, job, lines, follow=follow)
    if not follow:
        text = b"".join(pieces).decode(errors="backslashreplace")
        print_json({"job_id": job["job_id"], "lines": text.splitlines()})
        return
    rest = b""
    for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n")
        for line in whole:
            text = line.decode(errors="backslashreplace")
            print_json_line({"job_id": job["job_id"], "line": text})
    if rest:
        text = rest.decode(errors="backslashreplace")
        print_json_line({"job_id": job["job_id"], "line": text})
