from __future__ import annotations

import socket
from pathlib import Path

from supervisor.service.sd_notify import Notifier


def test_states_go_out_as_one_datagram(tmp_path: Path) -> None:
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(path))
        assert Notifier(str(path)).send(READY=1, STATUS="4 instances")
        assert manager.recv(4096) == b"READY=1\nSTATUS=4 instances"


def test_without_a_manager_nothing_is_sent(tmp_path: Path) -> None:
    assert not Notifier("").send(READY=1)
    assert not Notifier(str(tmp_path / "gone")).send(READY=1)
