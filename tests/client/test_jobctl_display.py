from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor.client import display
from supervisor.client.display import cells, clip, plain, table
from supervisor.client.logs import Harmless, _unseen
from supervisor.client.words import command_line
from supervisor.domain.ids import AmbiguousError, Named, resolve, shorten


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("epoch 1", "epoch 1"),
        ("\x1b[2J\x1b]0;x\x07", "\\x1b[2J\\x1b]0;x\\x07"),
        ("a\u202eb\u2066c", "a\\u202eb\\u2066c"),
        ("\x9b31m", "\\x9b31m"),
        ("a\nb\tc\rd", "a\\nb\\tc\\rd"),
        ("[/foo] [bold]x", "[/foo] [bold]x"),
        ("é 漢 🙂", "é 漢 🙂"),
        ("\udcff", "\\udcff"),
    ],
)
def test_what_a_terminal_would_obey_is_shown(text: str, shown: str) -> None:
    assert plain(text) == shown


@given(st.text())
def test_nothing_that_is_shown_controls_a_terminal(text: str) -> None:
    shown = plain(text)
    assert not any(ord(c) < 32 or 0x7F <= ord(c) < 0xA0 or c in "\u202e\u2066" for c in shown)


@given(st.binary(), st.integers(min_value=1, max_value=7))
def test_a_log_cut_anywhere_is_shown_the_same(data: bytes, step: int) -> None:
    def shown(pieces: list[bytes]) -> str:
        out: list[str] = []
        show = Harmless(out.append)
        for piece in pieces:
            show(piece)
        return "".join(out)

    whole = shown([data, b"."])
    cut = shown([*(data[i : i + step] for i in range(0, len(data), step)), b"."])
    assert cut == whole
    assert not any(ord(c) < 32 and c not in "\n\t" for c in whole)


def test_a_carriage_return_begins_a_line() -> None:
    out: list[str] = []
    show = Harmless(out.append)
    for piece in (b"10%\r20%\r", b"\n30%\r\n", b"40%\r", b"50%\n"):
        show(piece)
    assert "".join(out) == "10%\n20%\n30%\n40%\n50%\n"


def test_what_was_shown_before_a_break_is_not_shown_again() -> None:
    shown = b"".join(b"line %d\n" % n for n in range(1000))
    again = shown[-5000:] + b"line 1000\n"
    assert _unseen(shown[-4096:], again) == b"line 1000\n"
    assert _unseen(b"", b"a\n") == b"a\n"
    assert b"may be skipped" in _unseen(b"x" * 5000, b"quite other\n")


def test_columns_count_as_a_terminal_counts_them() -> None:
    assert (cells("abc"), cells("漢字"), cells("e\u0301")) == (3, 4, 1)
    assert clip("漢字漢字", 5) == "漢字…"
    assert clip("abc", 3) == "abc"


def test_a_narrow_terminal_loses_columns_and_no_line_is_longer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    head = ("JOB", "NAME", "STATE", "LAST LINE")
    rows = [("k7m2pd", "resnet50", "running", "x" * 200), ("q3x6w5", "漢" * 8, "failed", "")]
    for room in range(10, 100, 7):
        monkeypatch.setattr(display, "width", lambda room=room: room)
        lines = table(head, rows, drop=("NAME",))
        assert all(cells(line) <= room for line in lines)
        assert ("NAME" in lines[0]) == (room >= 50) or 30 < room < 60
    monkeypatch.setattr(display, "width", lambda: None)
    assert "x" * 200 in table(head, rows)[1]


def test_a_command_can_be_typed_again() -> None:
    assert command_line(["sh", "-c", "echo 'a b'\x1b"]) == "sh -c 'echo '\"'\"'a b'\"'\"'\\x1b'"


JOBS = [
    Named("k7m2pdaaaaaaaaaa", "resnet50"),
    Named("k7m2pdbaaaaaaaaa", None),
    Named("q3x6w5aaaaaaaaaa", "resnet50"),
    Named("z" * 16, "k7m2pda"),
]


@pytest.mark.parametrize(
    ("given_name", "found"),
    [
        ("k7m2pdaaaaaaaaaa", "k7m2pdaaaaaaaaaa"),
        ("resnet50", "k7m2pdaaaaaaaaaa"),
        ("q", "q3x6w5aaaaaaaaaa"),
        ("k7m2pda", "z" * 16),
        ("k7m2pdaa", "k7m2pdaaaaaaaaaa"),
        ("x", None),
        ("K7M2PDAA", None),
        ("", None),
    ],
)
def test_a_job_is_named_by_id_beginning_or_name(given_name: str, found: str | None) -> None:
    assert resolve(given_name, JOBS) == found


def test_a_beginning_of_several_is_ambiguous() -> None:
    with pytest.raises(AmbiguousError) as caught:
        resolve("k7m2", JOBS)
    assert caught.value.job_ids == ("k7m2pdaaaaaaaaaa", "k7m2pdbaaaaaaaaa")


@given(st.sets(st.text("abc", min_size=16, max_size=16), max_size=20))
def test_short_ids_are_unique(ids: set[str]) -> None:
    short = shorten(ids)
    assert len(set(short.values())) == len(ids)
    for job_id, beginning in short.items():
        assert sum(other.startswith(beginning) for other in ids) == 1
        assert len(beginning) >= 6
        assert job_id.startswith(beginning)
